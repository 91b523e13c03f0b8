"""What the errors of Table Storage mean for us.

Being refused for a missing role or a wrong key is "try later" and not "rejected": nothing is wrong with the
command, a role assignment takes minutes to reach the service, and an operator can mend the rest, while a
rejection would put accepted facts on the dead-letter list. The texts of the SDK's errors stay out of our own
messages: those of its transport quote URLs, which hold the signature where a SAS is used.

A failure is an `AzureError`, or an `OSError`: the SDK lets the errors of `requests` through when the connection
breaks while the reply to a transaction is read.
"""

from typing import TYPE_CHECKING

from shared.calls.retry_after import read_retry_after
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError

_CONFLICTS = frozenset(
    {"EntityAlreadyExists", "EntityNotFound", "ResourceNotFound", "UpdateConditionNotSatisfied", "ConditionNotMet"}
)
_BAD_REQUEST = 400
"""Below it, an error says that the answer could not be read to its end."""
_FORBIDDEN_SECONDS = 60.0
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


class RowConflictError(Exception):
    """A transaction did not fit what stands there: nothing was written."""

    def __init__(self, row: int) -> None:
        super().__init__(f"operation {row} of a transaction met a row in another state")
        self.row = row
        """Which operation of the transaction was the first that did not fit."""


def code_of(error: "AzureError | OSError") -> str:
    """Return the service's own error code, or `""` when the error never came from the service."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def status_of(error: "AzureError | OSError") -> int | None:
    """Return the HTTP status, or None when there was no answer that could be read."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def is_transient(error: "AzureError | OSError") -> bool:
    """Say whether the same request may succeed in a moment. It may also have been carried out already."""
    from azure.core.exceptions import ClientAuthenticationError

    if isinstance(error, ClientAuthenticationError):
        return False
    status = status_of(error)
    return status is None or status < _BAD_REQUEST or status in _TRANSIENT


def retry_after_of(error: "AzureError | OSError") -> float | None:
    """Return the seconds for which the service asked to be left alone, where it did."""
    response = getattr(error, "response", None)
    return read_retry_after(response.headers.get("Retry-After")) if response is not None else None


def conflict_in(error: "AzureError | OSError") -> RowConflictError | None:
    """Return the conflict that the error reports, where it does."""
    if code_of(error) not in _CONFLICTS:
        return None
    return RowConflictError(getattr(error, "index", 0))


def translated(error: "AzureError | OSError") -> SlipwayError:
    """Return our error for anything that is no conflict and was not worth another try, or no more."""
    from azure.core.exceptions import ClientAuthenticationError

    status = status_of(error)
    what = " ".join(filter(None, (type(error).__name__, str(status or ""), code_of(error))))
    if isinstance(error, ClientAuthenticationError) or status in (401, 403):
        return TryLaterError(
            f"Table Storage refuses our identity ({what}): check the key, or the role Storage Table Data Contributor",
            after_seconds=_FORBIDDEN_SECONDS,
        )
    if status in (400, 413):
        return RejectedError(f"Table Storage refuses this change as it is ({what})")
    return TryLaterError(f"Table Storage is unwell ({what})", after_seconds=retry_after_of(error))
