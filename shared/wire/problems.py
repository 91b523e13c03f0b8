"""Errors as callers see them: problem details (RFC 9457) with stable types, and nothing of our insides."""

import math
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.errors import (
    InvalidError,
    NewerReleaseError,
    Problem,
    RejectedError,
    TryLaterError,
    UnknownError,
    VersionConflictError,
)
from shared.domain.flags.managing.refusals import RevisionError, RevisionUnsaidError

CONTENT_TYPE: Final = "application/problem+json"
LONGEST_DETAIL: Final = 2000
LONGEST_WAIT_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of problem; its type is a name that clients may rely on, and no address."""

    name: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The `type` member, such as `urn:slipway:problem:invalid`."""
        return f"urn:slipway:problem:{self.name}"


INVALID: Final = Kind("invalid", 400, "The request is not valid")
UNAUTHORIZED: Final = Kind("unauthorized", 401, "A valid key is needed")
FORBIDDEN: Final = Kind("forbidden", 403, "The key is not good for this")
ANSWERED_NO: Final = Kind("answered-no", 403, "The answer is no")
NOT_FOUND: Final = Kind("not-found", 404, "There is no such thing")
METHOD_NOT_ALLOWED: Final = Kind("method-not-allowed", 405, "The method is not taken here")
CHANGED: Final = Kind("changed", 412, "It is not any more what was read")
UNREAD: Final = Kind("unread", 428, "Say with If-Match what was read")
TOO_LARGE: Final = Kind("too-large", 413, "The body is too long")
TOO_MANY: Final = Kind("too-many", 429, "Too many requests")
REJECTED: Final = Kind("rejected", 409, "The rules do not allow this now")
TRY_LATER: Final = Kind("try-later", 503, "A dependency is unwell; try again later")
NEWER: Final = Kind("newer-release", 503, "A newer release of Slipway keeps this; try again when it is back")
CONFLICT: Final = Kind("conflict", 503, "Somebody else was faster; try again")
INTERNAL: Final = Kind("internal", 500, "Something went wrong on our side")


def problem(kind: Kind, detail: str = "", **members: Any) -> tuple[int, dict[str, Any]]:
    """Return the status and the document of a problem."""
    document: dict[str, Any] = {"type": kind.type, "title": kind.title, "status": kind.status}
    if detail:
        document["detail"] = detail[:LONGEST_DETAIL]
    return kind.status, document | members


def problem_of(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the status and the document for an error.

    What is wrong with the input is told field by field. Of a dependency's trouble and of errors that are not ours
    nothing is told: their texts may hold addresses and keys. The member `retryAfter`, in seconds, is there when
    trying again makes sense; `problem_headers` makes the header of it.
    """
    match error:
        case InvalidError():
            return problem(INVALID, _summary(error), errors=[_error(each) for each in error.problems])
        case UnknownError():
            return problem(NOT_FOUND, str(error))
        case RevisionError():
            return problem(CHANGED, str(error))
        case RevisionUnsaidError():
            return problem(UNREAD, str(error))
        case RejectedError():
            return problem(REJECTED, str(error))
        case NewerReleaseError():
            return problem(NEWER, str(error), retryAfter=_seconds(error.after_seconds))
        case TryLaterError():
            return problem(TRY_LATER, "Nothing was decided.", retryAfter=_seconds(error.after_seconds))
        case VersionConflictError():
            return problem(CONFLICT, "Nothing was decided.", retryAfter=1)
        case _:
            return problem(INTERNAL)


def problem_headers(document: dict[str, Any]) -> dict[str, str]:
    """Return the headers that belong to a problem document."""
    retry = {"Retry-After": str(document["retryAfter"])} if "retryAfter" in document else {}
    return {"Content-Type": CONTENT_TYPE, **retry}


def _summary(error: InvalidError) -> str:
    more = len(error.problems) - 1
    return f"{error.problems[0]}{f'; and {more} more' if more else ''}" if error.problems else ""


def _error(each: Problem) -> dict[str, Any]:
    line = {"line": each.line} if each.line is not None else {}
    return {"path": each.path, "detail": each.message, **line}


def _seconds(after: float | None) -> int:
    if after is None or not math.isfinite(after):
        return 5
    return min(max(1, math.ceil(after)), LONGEST_WAIT_SECONDS)
