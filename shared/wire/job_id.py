"""The resource id of a Container Apps job, as Azure writes it: in any case."""

import re
from dataclasses import dataclass

from shared.domain.errors import RejectedError

_JOB = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f-]{36})/resourceGroups/(?P<group>[\w.()-]{1,90}(?<!\.))"
    r"/providers/Microsoft\.App/jobs/(?P<name>[a-z0-9-]{1,60})/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class JobId:
    """The parts of a job's id."""

    subscription: str
    group: str
    name: str


def parse_job_id(text: str) -> JobId:
    """Return the parts of a resource id. Raises `RejectedError` when it is not that of a Container Apps job."""
    match = _JOB.fullmatch(text)
    if match is None:
        raise RejectedError(f"'{text[:200]}' is not the resource id of a Container Apps job")
    return JobId(match["subscription"].lower(), match["group"], match["name"])
