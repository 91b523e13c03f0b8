"""What Azure's refusals mean for the caller, from the status, the headers and the body of an answer."""

import json
from collections.abc import Mapping
from typing import Any

from shared.calls.retry_after import read_retry_after
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError

_LONGEST = 500


def is_passing(status: int) -> bool:
    """Say whether the same call may go well later: time-outs, conflicts, throttling, trouble of the service."""
    return status in (408, 409, 412, 429) or status >= 500


def refusal(what: str, status: int, headers: Mapping[str, str], body: str) -> SlipwayError:
    """Return the error for an answer that is not a success; `what` says in words what was asked."""
    message = f"{what}: HTTP {status}, {describe(body)}"
    if is_passing(status) or status < 300:
        return TryLaterError(message, after_seconds=read_retry_after(headers.get("Retry-After")))
    return RejectedError(message)


def is_bad_request(error: SlipwayError) -> bool:
    """Say whether Azure answered that the question itself is wrong, and not who asked or what was asked for."""
    return getattr(error.__cause__, "status_code", None) == 400


def describe(body: str) -> str:
    """Return the code and message of an error body, as ARM or as App Service words it, and the innermost reason."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "an answer without an error body"
    inner = _member(document, "error")
    error = inner if isinstance(inner, dict) else document
    # App Configuration answers with problem details.
    said = [_member(error, "code"), _member(error, "message"), _innermost(error)]
    said += [_member(error, "title"), _member(error, "detail")]
    parts = [part for part in said if isinstance(part, str) and part]
    return ": ".join(parts)[:_LONGEST] or "an answer without an error body"


def _innermost(error: Any) -> Any:
    """Return the message of the last `innererror` in a chain of them: Log Analytics names the wrong column there."""
    message = None
    while isinstance(error := _member(error, "innererror"), dict):
        message = _member(error, "message") or message
    return message


def _member(document: Any, name: str) -> Any:
    # App Service writes `Code` and `Message` where ARM writes `code` and `message`.
    if not isinstance(document, dict):
        return None
    return next((value for key, value in document.items() if str(key).lower() == name), None)
