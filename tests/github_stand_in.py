"""The part of GitHub's REST API that dispatches and tells workflow runs, over a real socket, with a memory.

The shapes are those of the public documentation (version 2022-11-28) and of the runs and jobs in webhook payloads.
"""

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tests.scripted_server import Asked, HangUp, Say, ScriptedServer, Step, scripted_server

REPOSITORY = "/repos/octo-org/octo-repo/actions"


@dataclass(slots=True)
class GithubStandIn:
    """One repository with one workflow, `migrate.yml`."""

    server: ScriptedServer
    run_name: str = "Migrate {slipway_id} to production"
    """What the workflow calls its runs."""
    tells_runs: bool = True
    """Whether `return_run_details` is known: not on servers of one's own before 3.21."""
    now: datetime = datetime(2026, 11, 26, 12, tzinfo=UTC)
    hidden: bool = False
    """Whether new runs are not to be seen in the list yet."""
    lost: list[Step] = field(default_factory=list)
    """What is answered to the next dispatches, which are carried out all the same."""
    refused: list[Step] = field(default_factory=list)
    """What is answered to the next dispatches, which are not carried out."""
    runs: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def dispatches(self) -> list[Asked]:
        return [asked for asked in self.server.asked if asked.method == "POST"]

    def add_run(self, title: str, **fields: Any) -> int:
        number = 30433642 + len(self.runs)
        moment = self.now.isoformat().replace("+00:00", "Z")
        self.runs.insert(0, {
            "id": number, "name": "Migrate", "node_id": "MDEyOldvcmtmbG93IFJ1bjI2OTI4OQ==", "check_suite_id": 42,
            "head_branch": "main", "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d",
            "path": ".github/workflows/migrate.yml@main", "run_number": 562, "event": "workflow_dispatch",
            "display_title": title, "status": "queued", "conclusion": None, "workflow_id": 159038,
            "url": f"https://api.github.com/repos/octo-org/octo-repo/actions/runs/{number}",
            "html_url": f"https://github.com/octo-org/octo-repo/actions/runs/{number}", "pull_requests": [],
            "created_at": moment, "updated_at": moment, "run_attempt": 1, "run_started_at": moment,
            "actor": {"login": "octocat", "id": 1, "type": "User"}, "repository": {"full_name": "octo-org/octo-repo"},
            **fields,
        })  # fmt: skip
        return number

    def change_run(self, number: int, *jobs: dict[str, Any], **fields: Any) -> None:
        next(run for run in self.runs if run["id"] == number).update(fields)
        self.jobs[number] = list(jobs)

    def answer(self) -> Step:
        asked = self.server.asked[-1]
        if asked.method == "POST":
            return self._dispatch(asked)
        if asked.path == f"{REPOSITORY}/workflows/migrate.yml/runs":
            return self._list(asked)
        if match := re.fullmatch(rf"{REPOSITORY}/runs/(\d+)(/jobs)?", asked.path):
            return self._run(int(match[1]), jobs=bool(match[2]))
        return NOT_FOUND

    def _dispatch(self, asked: Asked) -> Step:
        document = asked.json()
        if not self.tells_runs and "return_run_details" in document:
            return Say(422, {"message": 'Invalid request.\n\n"return_run_details" is not a permitted key.'})
        if asked.path != f"{REPOSITORY}/workflows/migrate.yml/dispatches":
            return NOT_FOUND
        if self.refused:
            return self.refused.pop(0)
        number = self.add_run(self.run_name.format(**document["inputs"]))
        if self.lost:
            return self.lost.pop(0)
        if not self.tells_runs:
            return Say(204)
        run = self.runs[0]
        return Say(200, {"workflow_run_id": number, "run_url": run["url"], "html_url": run["html_url"]})

    def _list(self, asked: Asked) -> Step:
        size, page = int(asked.query["per_page"]), int(asked.query["page"])
        seen = [] if self.hidden else self.runs
        return Say(200, {"total_count": len(seen), "workflow_runs": seen[(page - 1) * size : page * size]})

    def _run(self, number: int, *, jobs: bool) -> Step:
        run = next((run for run in self.runs if run["id"] == number), None)
        if run is None:
            return NOT_FOUND
        told = self.jobs.get(number, [])
        return Say(200, {"total_count": len(told), "jobs": told} if jobs else run)


def job(name: str, *steps: tuple[str, str, str | None]) -> dict[str, Any]:
    """Return a job with steps: their names, statuses and conclusions."""
    told = [
        {"name": step, "status": status, "conclusion": conclusion, "number": number}
        for number, (step, status, conclusion) in enumerate(steps, 1)
    ]
    return {"id": 399444496, "run_id": 29679449, "name": name, "status": "in_progress", "steps": told, "labels": []}


NOT_FOUND = Say(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"})
LOST = [HangUp(), Say(502, b"<html>"), Say(500), Say(504)]


class _Answers(deque[Step]):
    """A script that is thought of as it goes."""

    def __init__(self, github: GithubStandIn) -> None:
        super().__init__()
        self._github = github

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _: Any) -> Any:
        return self._github.answer()


@contextmanager
def github_stand_in(**options: Any) -> Iterator[GithubStandIn]:
    """Run it on a free port."""
    with scripted_server() as server:
        github = replace(GithubStandIn(server), **options)
        server.script = _Answers(github)
        yield github
