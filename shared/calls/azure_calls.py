"""Calling an Azure SDK: time-outs on each call, one deadline for all, at most two tries, errors in our own words.

The SDKs' own retries are switched off (`CLIENT_OPTIONS`): they sleep as long as a `Retry-After` says, and they
repeat a POST that may have been carried out. Waiting is the work of a scheduled message.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from shared.calls.azure_errors import refusal
from shared.calls.deadline import Deadline
from shared.domain.errors import SlipwayError, TryLaterError, UnansweredError

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
METHOD_SECONDS = 20.0
"""How long one method of a port may take, all its calls together."""
CLIENT_OPTIONS: dict[str, Any] = {"retry_total": 0, "permit_redirects": False}
"""What each SDK client is made with."""

T = TypeVar("T")


class AzureCalls:
    """The SDK calls of one method of an adapter. Make a new one each time: its deadline runs at once."""

    def __init__(self, *, allow_http: bool, seconds: float = METHOD_SECONDS) -> None:
        self._deadline = Deadline(seconds)
        self._allow_http = allow_http

    def run(self, what: str, send: Callable[[dict[str, Any]], T], *, repeatable: bool = True) -> T:
        """Return what `send` returns; it passes the options that it is given to the SDK.

        A call that breaks off is tried once more, at once, if it is `repeatable`: a kept connection may have died.
        Raises `TryLaterError` or `RejectedError`, which name `what`.
        """
        try:
            return self._try(what, send)
        except TryLaterError as error:
            if not (repeatable and _broke_off(error.__cause__)):
                raise
            return self._try(what, send)

    def _try(self, what: str, send: Callable[[dict[str, Any]], T]) -> T:
        from azure.core.exceptions import AzureError

        options = self._options()
        try:
            return send(options)
        except AzureError as error:
            raise _translate(what, error) from error
        except OSError as error:
            raise UnansweredError(f"{what}: {type(error).__name__}") from error
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # What the SDKs raise, and those who read their values, when an answer is JSON of another shape.
            raise TryLaterError(f"{what}: an answer that cannot be read ({type(error).__name__})") from error

    def _options(self) -> dict[str, Any]:
        left = self._deadline.left()
        connect = min(CONNECT_SECONDS, left / 2)
        options: dict[str, Any] = {"connection_timeout": connect, "read_timeout": min(READ_SECONDS, left - connect)}
        # A token over plain http is refused by the SDKs unless the call says otherwise.
        return options | {"enforce_https": False} if self._allow_http else options


def _broke_off(error: BaseException | None) -> bool:
    from azure.core.exceptions import (
        ServiceRequestError,
        ServiceRequestTimeoutError,
        ServiceResponseError,
        ServiceResponseTimeoutError,
    )

    timed_out = isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError)
    return isinstance(error, ServiceRequestError | ServiceResponseError) and not timed_out


def _translate(what: str, error: "AzureError") -> SlipwayError:
    from azure.core.exceptions import HttpResponseError

    response: Any = error.response if isinstance(error, HttpResponseError) else None
    if response is None:
        return UnansweredError(f"{what}: {type(error).__name__}, {_without_queries(str(error))}")
    return refusal(what, response.status_code or 0, response.headers, response.text())


def _without_queries(text: str) -> str:
    # The query of a URL may hold what must not reach a log.
    return re.sub(r"\?\S*", "", text.partition("\n")[0])[:300]
