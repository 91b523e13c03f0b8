"""Container Apps jobs as the management API tells them: `azure-mgmt-appcontainers` 5 starts and watches them.

An execution runs for as long as its job says and ends as its job says; no container is behind it. Jobs and executions
are in memory and end with the process, and so do their answers.
"""

import secrets
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from local.cloud.fields import Fields
from local.cloud.http_json import ApiError, JsonCall, Reply

API_VERSION = "2026-07-01"
_KEPT = 100
_PER_PAGE = 50
_LOCATION = "West Europe"
_ENDS = ("Succeeded", "Failed", "Stopped", "Degraded", "Unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobExecution:
    """One execution; its template is what the start asked for, or else the job's."""

    name: str
    template: dict[str, Any]
    began: float
    """Seconds since 1970."""
    ends: float
    end: str
    """The status that it ends with."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return time.time() >= self.ends


@dataclass(slots=True, kw_only=True)
class Job:
    """A job and its executions, oldest first."""

    subscription: str
    group: str
    name: str
    template: dict[str, Any]
    seconds: float
    end: str
    accepts: bool
    """Whether a start is answered 202 without a body, as a busy platform does."""
    executions: list[JobExecution] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The resource id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.App/jobs/{self.name}"
        )


class JobsApi:
    """Answers calls on jobs, and lets them be set up."""

    def __init__(self, subscription: str, group: str) -> None:
        self._subscription = subscription
        self._group = group
        self._jobs: dict[str, Job] = {}

    @staticmethod
    def knows(call: JsonCall) -> bool:
        """Whether a call is one on jobs."""
        return call.segments[4:7] == ["providers", "microsoft.app", "jobs"]

    def control(self, call: JsonCall) -> Reply:
        """Carry out a call of the control API. Raises `ApiError`, or `BadFieldError`."""
        match call.method, call.segments[2:]:
            case "POST", [name]:
                return self._set_up(name, call)
            case "POST", [name, "end"] if name in self._jobs:
                return self._end(self._jobs[name], call)
            case _:
                raise ApiError(404, "NotFound", f"there is no {call.method} {call.path}")

    def _set_up(self, name: str, call: JsonCall) -> Reply:
        fields = Fields(call.body, "containers", "seconds", "end", "accepts")
        job = Job(
            subscription=self._subscription,
            group=self._group,
            name=name,
            template={"containers": call.body.get("containers") or [{"name": name, "image": "sandbox/job:1"}]},
            seconds=fields.number("seconds", 0, 3600, 1.0),
            end=fields.choice("end", _ENDS, "Succeeded"),
            accepts=fields.flag("accepts"),
        )
        known = self._jobs.get(name)
        job.executions = known.executions if known else []
        self._jobs[name] = job
        return Reply(200, {"resource": job.id, "executions": len(job.executions)})

    def _end(self, job: Job, call: JsonCall) -> Reply:
        end = Fields(call.body, "end").choice("end", _ENDS, "Succeeded")
        now = time.time()
        job.executions = [each if each.is_over else replace(each, ends=now, end=end) for each in job.executions]
        return Reply(200, {"resource": job.id, "executions": len(job.executions)})

    def answer(self, call: JsonCall) -> Reply:
        """Carry out one call. Raises `ApiError`."""
        if call.query.get("api-version") != API_VERSION:
            raise ApiError(400, "InvalidApiVersionParameter", f"The supported api-version is '{API_VERSION}'.")
        job = self._find(call)
        match call.method, call.segments[8:]:
            case "GET", []:
                return Reply(200, _describe(job))
            case "POST", ["start"]:
                return self._start(job, call)
            case "GET", ["executions"]:
                return _list(job, call)
            case "GET", ["executions", name]:
                return Reply(200, _describe_execution(job, _find_execution(job, name)))
            case _:
                raise ApiError(404, "NotFound", f"The sandbox does not know {call.method} {call.path}.")

    def _find(self, call: JsonCall) -> Job:
        job = self._jobs.get(call.segments[7]) if len(call.segments) > 7 else None
        if job is None or call.segments[1] != job.subscription or call.segments[3] != job.group:
            raise ApiError(404, "ResourceNotFound", f"The Resource '{call.path}' was not found.")
        return job

    def _start(self, job: Job, call: JsonCall) -> Reply:
        template = call.body if call.body is not None else job.template
        if not isinstance(template, dict) or not _has_images(template):
            raise ApiError(400, "ContainerAppImageRequired", "Container image is required for every container.")
        now = time.time()
        execution = JobExecution(
            name=f"{job.name}-{secrets.token_hex(4)}",
            template=template,
            began=now,
            ends=now + job.seconds,
            end=job.end,
        )
        job.executions = [*job.executions, execution][-_KEPT:]
        if job.accepts:
            return Reply(202, None, {"Location": f"http://{call.host}{job.id}/results/1", "Retry-After": "1"})
        return Reply(200, {"name": execution.name, "id": f"{job.id}/executions/{execution.name}"})


def _has_images(template: dict[str, Any]) -> bool:
    containers = template.get("containers")
    is_list = isinstance(containers, list) and bool(containers)
    return is_list and all(isinstance(each, dict) and each.get("image") for each in containers or ())


def _find_execution(job: Job, name: str) -> JobExecution:
    found = next((execution for execution in job.executions if execution.name == name), None)
    if found is None:
        raise ApiError(404, "ResourceNotFound", f"The job execution '{name}' was not found.")
    return found


def _list(job: Job, call: JsonCall) -> Reply:
    """Answer the executions, newest first, a page at a time."""
    skip = int(call.query.get("skip", "0"))
    newest = job.executions[::-1]
    rest = f"http://{call.host}{job.id}/executions?api-version={API_VERSION}&skip={skip + _PER_PAGE}"
    return Reply(
        200,
        {
            "value": [_describe_execution(job, each) for each in newest[skip : skip + _PER_PAGE]],
            "nextLink": rest if len(newest) > skip + _PER_PAGE else None,
        },
    )


def _describe(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.name,
        "type": "Microsoft.App/jobs",
        "location": _LOCATION,
        "properties": {
            "provisioningState": "Succeeded",
            "configuration": {"triggerType": "Manual", "replicaTimeout": 1800},
            "template": {**job.template, "initContainers": None, "volumes": None},
        },
    }


def _describe_execution(job: Job, execution: JobExecution) -> dict[str, Any]:
    failed = execution.is_over and execution.end == "Failed"
    return {
        "id": f"{job.id}/executions/{execution.name}",
        "name": execution.name,
        "type": "Microsoft.App/jobs/executions",
        "properties": {
            "status": execution.end if execution.is_over else "Running",
            "startTime": _moment(execution.began),
            "endTime": _moment(execution.ends) if execution.is_over else None,
            "template": execution.template,
            "reason": "BackoffLimitExceeded" if failed else None,
            "message": "Job has reached the specified backoff limit" if failed else None,
        },
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
