"""Hooks that are Container Apps jobs.

A start takes no idempotency key. So the call's id goes along as the environment variable `SLIPWAY_ID` of each
container, beside `SLIPWAY_VERSION` and the other parts of the call's body, and an earlier execution is looked for by
it. An execution that is given an environment is given the job's whole template: the containers go along as the job
has them, with their own variables and secrets. The platform keeps the newest 100 executions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.container_apps.clients import ContainerAppsClients
from shared.adapters.container_apps.job import ID_VARIABLE, Execution, Job
from shared.calls.earlier_call import not_to_be_seen, since_in, taken_but_unseen, token_since, unknown
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.hooks import ContainerAppsJob, HookCall, HookState, HookStatus
from shared.ports.hook_caller import HookStarted
from shared.wire.hook_answers import LONGEST_DETAIL, one_line
from shared.wire.job_id import parse_job_id

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_EXECUTION: Final = "execution:"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")
_FAILED: Final = ("failed", "stopped")


def _system_time() -> datetime:
    return datetime.now(UTC)


class ContainerAppsJobCaller:
    """The `HookCaller` of jobs. The SDK is imported on first use."""

    def __init__(
        self,
        credential: "TokenCredential",
        *,
        base_url: str | None = None,
        allow_http: bool = False,
        now: Callable[[], datetime] = _system_time,
    ) -> None:
        """`base_url` is the management API, by default the public cloud's; `allow_http` lets it be plain http."""
        self._clients = ContainerAppsClients(credential, base_url)
        self._allow_http = allow_http
        self._now = now

    def call(
        self, hook: HookCall, call_id: str, body: Mapping[str, Any], *, in_doubt_since: datetime | None = None
    ) -> HookStarted:
        """Return the execution that carries the id, or start one. In doubt nothing is started."""
        job = self._open(hook)
        # Also where nothing is in doubt: what may not be looked at is not begun.
        earlier = _with_id(job.list_executions(), call_id)
        if earlier:
            return _found(job, call_id, earlier)
        if in_doubt_since is not None:
            return HookStarted("", not_to_be_seen(job.says("start it"), call_id, in_doubt_since, self._now()))
        name = job.start(_with_variables(job.read_template(), call_id, body))
        if name is None or not _NAME.fullmatch(name):
            return HookStarted(token_since(self._now()), HookStatus(HookState.RUNNING, "started"))
        return HookStarted(f"{_EXECUTION}{name}", HookStatus(HookState.RUNNING, f"execution {name}"))

    def look(self, hook: HookCall, token: str, call_id: str) -> HookStatus:
        """Return how the execution stands."""
        job = self._open(hook)
        if token.startswith(_EXECUTION):
            return _look_at(job, token.removeprefix(_EXECUTION))
        taken = since_in(token)
        if taken is None and token:
            raise RejectedError("not the token of a hook's call")
        executions = _with_id(job.list_executions(), call_id)
        if executions:
            return _found(job, call_id, executions).status
        if taken is None:
            return unknown(job.says(f"no execution with the id {call_id} is to be seen"))
        return taken_but_unseen(job.says("start it"), call_id, taken, self._now())

    def _open(self, hook: HookCall) -> Job:
        if not isinstance(hook, ContainerAppsJob):
            raise RejectedError(f"a {type(hook).__name__} is no Container Apps job")
        job_id = parse_job_id(hook.resource)
        return Job(self._clients.of(job_id.subscription), job_id, allow_http=self._allow_http)


def _with_id(executions: Sequence[Execution], call_id: str) -> list[Execution]:
    return [execution for execution in executions if call_id in execution.ids]


def _with_variables(template: dict[str, Any], call_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    told = {f"SLIPWAY_{name.upper()}": str(value) for name, value in body.items() if isinstance(value, str | int)}
    told[ID_VARIABLE] = call_id
    variables = [{"name": name, "value": value} for name, value in told.items()]

    def equipped(container: dict[str, Any]) -> dict[str, Any]:
        own = [variable for variable in container.get("env") or () if variable.get("name") not in told]
        return {**container, "env": [*own, *variables]}

    return {part: [equipped(container) for container in containers] for part, containers in template.items()}


def _found(job: Job, call_id: str, executions: list[Execution]) -> HookStarted:
    if len(executions) > 1:
        names = ", ".join(execution.name for execution in executions[:5])
        return HookStarted("", unknown(job.says(f"the executions {names} all carry the id {call_id}")))
    return HookStarted(f"{_EXECUTION}{executions[0].name}", _status(job, executions[0]))


def _look_at(job: Job, name: str) -> HookStatus:
    if not _NAME.fullmatch(name):
        raise RejectedError("not the token of a hook's call")
    execution = job.read_execution(name)
    if execution is None:
        return unknown(job.says(f"its execution {name} is not there any more"))
    return _status(job, execution)


def _status(job: Job, execution: Execution) -> HookStatus:
    named = one_line(f"execution {execution.name}{execution.why and f': {execution.why}'}", LONGEST_DETAIL)
    match execution.status:
        case "succeeded":
            return HookStatus(HookState.SUCCEEDED, named)
        case status if status in _FAILED or (status == "degraded" and execution.ended):
            return HookStatus(HookState.FAILED, f"{status}, {named}")
        case "running" | "processing" | "degraded":
            return HookStatus(HookState.RUNNING, named, execution.status)
        case _:
            raise TryLaterError(job.says(f"the platform does not know how its execution {execution.name} stands"))
