"""One Container Apps job, by the calls that Slipway makes on it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from shared.calls.azure_calls import AzureCalls
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.wire.job_id import JobId

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

ID_VARIABLE: Final = "SLIPWAY_ID"
"""The environment variable with the call's id, by which an execution is known."""
_SECONDS: Final = 10.0
"""For all looks together, and once more for a start: after slow looks it would be broken off too early."""
_MOST_PAGES: Final = 5
_OF_AN_EXECUTION: Final = ("image", "name", "command", "args", "env", "resources")
_OF_RESOURCES: Final = ("cpu", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution of a job, the newest 100 of which the platform keeps."""

    name: str
    status: str
    """In lower case: `running`, `processing`, `succeeded`, `failed`, `stopped`, `degraded` or `unknown`."""
    ended: datetime | None
    why: str
    ids: tuple[str, ...]
    """The values of `SLIPWAY_ID` in its containers."""


class Job:
    """The calls of one method on one job, 20 seconds at most. Each raises `TryLaterError` or `RejectedError`."""

    def __init__(self, client: "ContainerAppsAPIClient", job_id: JobId, *, allow_http: bool) -> None:
        self._client = client
        self._allow_http = allow_http
        self._calls = AzureCalls(allow_http=allow_http, seconds=_SECONDS)
        self._name = (job_id.group, job_id.name)

    def read_template(self) -> dict[str, Any]:
        """Return what an execution of the job is made of, as `start` takes it."""

        def send(options: dict[str, Any]) -> dict[str, Any]:
            found = self._client.jobs.get(*self._name, **options)
            template = found.properties.template if found.properties else None
            told = template.as_dict() if template else {}
            parts = ((name, told.get(name) or ()) for name in ("containers", "initContainers"))
            return {name: [_stated(each) for each in containers] for name, containers in parts if containers}

        template = self._calls.run(self.says("read its containers"), send)
        if "containers" not in template:
            raise RejectedError(self.says("it has no containers"))
        return template

    def start(self, template: Mapping[str, Any]) -> str | None:
        """Begin an execution; return its name, or None where the answer does not say it.

        Never sent twice. Raises `UnansweredError` when nobody can tell whether it was begun.
        """
        body: Any = dict(template)
        answers: list[Any] = []

        def send(options: dict[str, Any]) -> None:
            self._client.jobs.begin_start(*self._name, body, polling=False, raw_response_hook=answers.append, **options)

        calls = AzureCalls(allow_http=self._allow_http, seconds=_SECONDS)
        try:
            calls.run(self.says("start it"), send, repeatable=False)
        except UnansweredError:
            raise
        except TryLaterError as error:
            status = getattr(error.__cause__, "status_code", None)
            if isinstance(status, int) and 400 <= status < 500 and status != 408:
                raise
            raise UnansweredError(str(error), after_seconds=error.after_seconds) from error
        return _name_in(answers[-1].http_response.text()) if answers else None

    def read_execution(self, name: str) -> Execution | None:
        """Return one execution, or None when the platform does not know it (any more)."""

        def send(options: dict[str, Any]) -> Execution | None:
            from azure.core.exceptions import ResourceNotFoundError

            try:
                return _execution(self._client.job_execution(*self._name, name, **options))
            except ResourceNotFoundError:
                return None

        return self._calls.run(self.says(f"look at its execution {name}"), send)

    def list_executions(self) -> tuple[Execution, ...]:
        """Return the executions that the platform keeps."""
        found, token = self._read_page(None)
        for _ in range(_MOST_PAGES - 1):
            if not token:
                break
            more, token = self._read_page(token)
            found += more
        return found

    def says(self, what: str) -> str:
        """Return the words with the job's name before them."""
        return f"job {self._name[1]}: {what}"

    def _read_page(self, token: str | None) -> tuple[tuple[Execution, ...], str | None]:
        # One call for each page, so that all of them together have the method's time.
        def send(options: dict[str, Any]) -> tuple[tuple[Execution, ...], str | None]:
            pages: Any = self._client.jobs_executions.list(*self._name, **options).by_page(token)
            return tuple(_execution(each) for each in next(pages, ())), pages.continuation_token

        return self._calls.run(self.says("list its executions"), send)


def _stated(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a job's container what an execution's may have; what was never set stays unset.

    Raises AttributeError, TypeError or ValueError for another shape.
    """
    kept = {name: container[name] for name in _OF_AN_EXECUTION if container.get(name) is not None}
    if "resources" in kept:
        kept["resources"] = {name: kept["resources"][name] for name in _OF_RESOURCES if name in kept["resources"]}
    if "env" in kept:
        kept["env"] = [dict(variable.items()) for variable in kept["env"]]
        if not all(isinstance(variable.get("name"), str) for variable in kept["env"]):
            raise ValueError("a variable without a name")
    return kept


def _name_in(body: str) -> str | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    name = document.get("name") if isinstance(document, dict) else None
    return name if isinstance(name, str) and name else None


def _execution(told: Any) -> Execution:
    properties = told.properties
    template = properties.template
    containers = [*(template.containers or ()), *(template.init_containers or ())] if template else []
    variables = [variable for container in containers for variable in container.env or ()]
    said = (properties.reason, properties.message)
    return Execution(
        name=told.name,
        status=str(getattr(properties.status, "value", properties.status) or "").lower(),
        ended=properties.end_time,
        why=": ".join(text for text in said if isinstance(text, str) and text),
        ids=tuple(each.value for each in variables if each.name == ID_VARIABLE and each.value),
    )
