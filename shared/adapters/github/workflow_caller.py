"""Hooks that are workflows of GitHub Actions.

GitHub takes no idempotency key with a dispatch. So the call's id goes along as the input `slipway_id`, the workflow
shows it in the names of its runs, and an earlier call is looked for there before one is made:

    run-name: Migrate (${{ inputs.slipway_id }})
    on:
      workflow_dispatch:
        inputs:
          slipway_id: { required: true }

A workflow that does not name its runs so is dispatched all the same; only after an answer that was lost must a person
say whether it ran.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.adapters.github.api import GithubApi, GithubCalls, GithubRefusedError
from shared.adapters.github.workflow_runs import Run, Step, actions_path, find_runs, read_run, read_steps, workflow_path
from shared.calls.earlier_call import not_to_be_seen, since_in, taken_but_unseen, token_since, unknown
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError
from shared.domain.rollout.hooks import GithubWorkflow, HookCall, HookState, HookStatus
from shared.ports.hook_caller import HookStarted

_ID_INPUT: Final = "slipway_id"
_RUN: Final = "run:"
_PART: Final = re.compile(r"\{([a-z]+)\}")
_PAGES_IN_DOUBT: Final = 6
_BROKEN: Final = ("failure", "timed_out", "cancelled")


def _system_time() -> datetime:
    return datetime.now(UTC)


class GithubWorkflowCaller:
    """The `HookCaller` of workflows. The token never leaves for any address but the API's."""

    def __init__(
        self,
        secret_of: Callable[[str], str | None],
        *,
        base_url: str | None = None,
        allow_http: bool = False,
        now: Callable[[], datetime] = _system_time,
    ) -> None:
        """`secret_of` returns the value of an app setting; `base_url` is the API's, by default the public one's."""
        self._api = GithubApi(secret_of, base_url=base_url, allow_http=allow_http, now=now)
        self._now = now

    def call(
        self, hook: HookCall, call_id: str, body: Mapping[str, Any], *, in_doubt_since: datetime | None = None
    ) -> HookStarted:
        """Return the run that carries the id, or dispatch one. In doubt nothing is dispatched."""
        workflow = _workflow(hook)
        calls = self._open(workflow)
        # Also where nothing is in doubt: what this token may not look at is not begun with it.
        pages = _PAGES_IN_DOUBT if in_doubt_since else 1
        earlier = find_runs(calls, workflow, call_id, since=in_doubt_since, pages=pages)
        if earlier:
            return _found(calls, workflow, call_id, earlier)
        if in_doubt_since is not None:
            return HookStarted("", not_to_be_seen(_named(workflow), call_id, in_doubt_since, self._now()))
        return self._dispatch(calls, workflow, call_id, body)

    def look(self, hook: HookCall, token: str, call_id: str) -> HookStatus:
        """Return how the run stands: its steps while it runs, and where it failed."""
        workflow = _workflow(hook)
        calls = self._open(workflow)
        if token.startswith(_RUN):
            return _look_at(calls, workflow, token)
        taken = since_in(token)
        if taken is None and token:
            raise RejectedError("not the token of a hook's call")
        runs = find_runs(calls, workflow, call_id, since=taken, pages=_PAGES_IN_DOUBT)
        if runs:
            return _found(calls, workflow, call_id, runs).status
        if taken is None:
            return unknown(f"{_named(workflow)}: no run with the id {call_id} is to be seen")
        return taken_but_unseen(_named(workflow), call_id, taken, self._now())

    def _open(self, workflow: GithubWorkflow) -> GithubCalls:
        return self._api.open(_named(workflow), workflow.token_setting)

    def _dispatch(
        self, calls: GithubCalls, workflow: GithubWorkflow, call_id: str, body: Mapping[str, Any]
    ) -> HookStarted:
        inputs = {name: _filled(value, body) for name, value in workflow.inputs} | {_ID_INPUT: call_id}
        request: dict[str, Any] = {"ref": workflow.ref, "inputs": inputs}
        path = f"{workflow_path(workflow)}/dispatches"
        try:
            answer = calls.post(path, {**request, "return_run_details": True})
        except GithubRefusedError as error:
            if "return_run_details" not in error.words:
                raise
            # A server of one's own before 3.21 refuses what it does not know, and has dispatched nothing.
            answer = calls.post(path, request)
        match answer:
            case {"workflow_run_id": int(number)} if not isinstance(number, bool):
                page = answer.get("html_url")
                where = f", {page}" if isinstance(page, str) and page.startswith("https://") else ""
                return HookStarted(f"{_RUN}{number}", HookStatus(HookState.RUNNING, f"run {number}{where}"[:300]))
            case _:
                return HookStarted(token_since(self._now()), HookStatus(HookState.RUNNING, "dispatched"))


def _workflow(hook: HookCall) -> GithubWorkflow:
    if not isinstance(hook, GithubWorkflow):
        raise RejectedError(f"a {type(hook).__name__} is no workflow of GitHub")
    return hook


def _named(workflow: GithubWorkflow) -> str:
    return f"workflow {workflow.workflow} of {workflow.repository}"


def _filled(value: str, body: Mapping[str, Any]) -> str:
    """Return the value with the parts of the body in their places; other braces are the workflow's own."""

    def part(place: re.Match[str]) -> str:
        found = body.get(place[1])
        return str(found) if isinstance(found, str | int) else place[0]

    return _PART.sub(part, value)


def _found(calls: GithubCalls, workflow: GithubWorkflow, call_id: str, runs: list[Run]) -> HookStarted:
    if len(runs) > 1:
        numbers = ", ".join(str(run.number) for run in runs[:5])
        return HookStarted("", unknown(f"{_named(workflow)}: the runs {numbers} all carry the id {call_id}"))
    return HookStarted(f"{_RUN}{runs[0].number}", _status(calls, workflow, runs[0]))


def _look_at(calls: GithubCalls, workflow: GithubWorkflow, token: str) -> HookStatus:
    number = token.removeprefix(_RUN)
    if not (number.isascii() and number.isdigit() and len(number) <= 20):
        raise RejectedError("not the token of a hook's call")
    try:
        run = read_run(calls.get(f"{actions_path(workflow)}/runs/{number}"))
    except GithubRefusedError as error:
        if error.status not in (404, 410):
            raise
        return unknown(f"{_named(workflow)}: run {number} is not there any more, or the token may not see it")
    return _status(calls, workflow, run)


def _status(calls: GithubCalls, workflow: GithubWorkflow, run: Run) -> HookStatus:
    where = f"run {run.number}{run.page and f', {run.page}'}"
    if run.status != "completed":
        return HookStatus(HookState.RUNNING, where, _progress(run, _steps_if_told(calls, workflow, run)))
    if not run.conclusion:
        raise TryLaterError(f"{_named(workflow)}: run {run.number} is completed, and not said how")
    if run.conclusion == "success":
        return HookStatus(HookState.SUCCEEDED, where)
    # Skipped and neutral too: nothing was done, or nobody says that it went well.
    steps = _steps_if_told(calls, workflow, run)
    failed = next((step for step in steps if step.conclusion in _BROKEN), None)
    at = f" at the step '{failed.name}' of the job '{failed.job}'" if failed else ""
    return HookStatus(HookState.FAILED, f"{run.conclusion}{at}: {where}")


def _progress(run: Run, steps: list[Step]) -> str:
    done = sum(step.status == "completed" for step in steps)
    now = next((step.name for step in steps if step.status == "in_progress"), "")
    if not steps:
        return run.status.replace("_", " ")
    return f"{done} of {len(steps)} steps done{now and f', at {now}'}"


def _steps_if_told(calls: GithubCalls, workflow: GithubWorkflow, run: Run) -> list[Step]:
    """Return the steps, or none where they are not told: how the run stands is known without them."""
    try:
        return read_steps(calls, workflow, run)
    except SlipwayError:
        return []
