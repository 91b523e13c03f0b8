"""A workflow's runs, as GitHub tells them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.adapters.github.api import GithubCalls
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.hooks import GithubWorkflow
from shared.wire.hook_answers import one_line

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_WORKFLOW: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_PER_PAGE: Final = 50
_CLOCKS_APART: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Run:
    """One run."""

    number: int
    status: str
    """`queued`, `in_progress`, `completed` and others; only `completed` is an end."""
    conclusion: str
    """`success`, or how else it ended; empty while it runs."""
    page: str
    """The address that people look at."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job that has begun."""

    job: str
    name: str
    status: str
    conclusion: str


def actions_path(workflow: GithubWorkflow) -> str:
    """Return the path of the repository's actions. Raises `RejectedError` for what is no repository."""
    if not _REPOSITORY.fullmatch(workflow.repository):
        raise RejectedError(f"'{workflow.repository[:100]}' is not a GitHub repository: write it as owner/name")
    return f"/repos/{workflow.repository}/actions"


def workflow_path(workflow: GithubWorkflow) -> str:
    """Return the path of the workflow. Raises `RejectedError` for what is none."""
    if not _WORKFLOW.fullmatch(workflow.workflow):
        raise RejectedError(f"'{workflow.workflow[:100]}' is not a workflow: write its file's name or its number")
    return f"{actions_path(workflow)}/workflows/{workflow.workflow}"


def find_runs(
    calls: GithubCalls, workflow: GithubWorkflow, call_id: str, *, since: datetime | None, pages: int
) -> list[Run]:
    """Return the dispatched runs whose name holds the id, among those created since then (five minutes granted).

    The list is asked for as it is, newest first: with GitHub's filters it comes out of an index that lags.
    """
    found: list[Run] = []
    for page in range(1, pages + 1):
        query = {"per_page": str(_PER_PAGE), "page": str(page), "exclude_pull_requests": "true"}
        entries = _entries(calls.get(f"{workflow_path(workflow)}/runs", query), "workflow_runs")
        found += (read_run(entry) for entry in entries if _is_ours(entry, call_id))
        if found or len(entries) < _PER_PAGE or (since and _all_before(entries, since - _CLOCKS_APART)):
            break
    return found


def read_run(entry: dict[str, Any]) -> Run:
    """Return a run. Raises `TryLaterError` when it says too little."""
    match entry:
        case {"id": int(number), "status": str(status)} if not isinstance(number, bool):
            conclusion, page = entry.get("conclusion"), entry.get("html_url")
            is_page = isinstance(page, str) and page.startswith(("https://", "http://"))
            return Run(number, status, one_line(conclusion, 40), one_line(page, 300) if is_page else "")
        case _:
            raise TryLaterError("GitHub's answer cannot be read: a run without an id or a status")


def read_steps(calls: GithubCalls, workflow: GithubWorkflow, run: Run) -> list[Step]:
    """Return the steps of the newest attempt's jobs, in their order; jobs that have not begun have none."""
    query = {"filter": "latest", "per_page": "100"}
    jobs = _entries(calls.get(f"{actions_path(workflow)}/runs/{run.number}/jobs", query), "jobs")
    return [step for job in jobs for step in _steps(job)]


def _steps(job: dict[str, Any]) -> Iterator[Step]:
    steps = job.get("steps")
    for step in _objects(steps if isinstance(steps, list) else []):
        texts = (one_line(step.get(name), 100) for name in ("name", "status", "conclusion"))
        yield Step(one_line(job.get("name"), 100), *texts)


def _is_ours(entry: dict[str, Any], call_id: str) -> bool:
    # The id of call 1 begins the id of call 10; a full stop may end a sentence.
    whole = re.compile(rf"(?<![A-Za-z0-9._-]){re.escape(call_id)}(?![A-Za-z0-9_-]|\.[A-Za-z0-9])")
    titles = (entry.get("display_title"), entry.get("name"))
    is_named = any(isinstance(title, str) and whole.search(title) for title in titles)
    return entry.get("event") == "workflow_dispatch" and is_named


def _all_before(entries: Iterable[dict[str, Any]], moment: datetime) -> bool:
    # A run whose time cannot be read may be a new one: the next page is looked at too.
    return all((created := _created(entry)) is not None and created < moment for entry in entries)


def _created(entry: dict[str, Any]) -> datetime | None:
    try:
        created = datetime.fromisoformat(str(entry.get("created_at")))
    except ValueError:
        return None
    return created if created.tzinfo else None


def _entries(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = document.get(name)
    if not isinstance(entries, list):
        raise TryLaterError(f"GitHub's answer cannot be read: it holds no list of {name}")
    return list(_objects(entries))


def _objects(entries: list[Any]) -> Iterator[dict[str, Any]]:
    return (entry for entry in entries if isinstance(entry, dict))
