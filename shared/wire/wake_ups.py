"""Wake-ups as they travel through a queue: JSON with a version, small enough for any tier of any broker."""

import json
from collections.abc import Mapping
from typing import Any, Final

from shared.domain.errors import InvalidError, NewerReleaseError, Problem
from shared.domain.wake_up import WakeUp

MAX_BODY_BYTES: Final = 32 * 1024
"""No wake-up is longer than this. The limits below see to it, since no character takes over 12 bytes."""

MAX_KEY_CHARACTERS: Final = 128
"""The longest session id that Service Bus takes; the key is the session."""

MAX_TOKEN_CHARACTERS: Final = 1000
"""The longest fence and the longest marker."""

MAX_ATTEMPT: Final = 2**31 - 1

_TYPE: Final = "wake-up/1"
_FIELDS: Final = frozenset({"type", "key", "fence", "attempt", "marker", "observed"})


def encode_wake_up(wake_up: WakeUp) -> bytes:
    """Return the wake-up as JSON, under 32 KB. Raises `InvalidError` naming a field that is too long."""
    document: dict[str, Any] = {
        "type": _TYPE,
        "key": wake_up.key,
        "fence": wake_up.fence,
        "attempt": wake_up.attempt,
        "marker": wake_up.marker,
    }
    if wake_up.observed:
        document["observed"] = True
    _checked(document)
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def parse_wake_up(body: bytes) -> WakeUp:
    """Return the wake-up in a message's body.

    Raises `InvalidError` naming the field when the body is not a wake-up, and `NewerReleaseError` when it is
    one of a version that this release does not know: a newer one must handle it.
    """
    return _checked(_document(body))


def _document(body: bytes) -> Mapping[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise _invalid("", f"a wake-up has at most {MAX_BODY_BYTES} bytes, this body has {len(body)}")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _invalid("", "the body must be a JSON object in UTF-8") from error
    if not isinstance(document, dict):
        raise _invalid("", "the body must be a JSON object")
    return document


def _checked(document: Mapping[str, Any]) -> WakeUp:
    _check_type(document.get("type"))
    for name in document.keys() - _FIELDS:
        raise _invalid(name, "is not a field of a wake-up")
    key = _text(document, "key", MAX_KEY_CHARACTERS)
    if not key:
        raise _invalid("key", "must name an aggregate, such as application:shop")
    return WakeUp(
        key=key,
        fence=_text(document, "fence", MAX_TOKEN_CHARACTERS),
        attempt=_attempt(document),
        marker=_text(document, "marker", MAX_TOKEN_CHARACTERS),
        observed=_flag(document, "observed"),
    )


def _check_type(tag: object) -> None:
    if tag == _TYPE:
        return
    if isinstance(tag, str):
        name, _, version = tag.partition("/")
        if name == "wake-up" and version.isascii() and version.isdigit() and len(version) < 10 and int(version) > 1:
            raise NewerReleaseError.of("a wake-up", int(version), 1)
    raise _invalid("type", f"must be {_TYPE!r}")


def _text(document: Mapping[str, Any], name: str, longest: int) -> str:
    text = document.get(name)
    if not isinstance(text, str):
        raise _invalid(name, "must be a string")
    if len(text) > longest:
        raise _invalid(name, f"has at most {longest} characters, this one has {len(text)}")
    return text


def _flag(document: Mapping[str, Any], name: str) -> bool:
    """Return the flag; one that is not there is not set, as in every message of before there were any."""
    flag = document.get(name, False)
    if not isinstance(flag, bool):
        raise _invalid(name, "must be true or false")
    return flag


def _attempt(document: Mapping[str, Any]) -> int:
    attempt = document.get("attempt")
    if not isinstance(attempt, int) or isinstance(attempt, bool) or not 0 <= attempt <= MAX_ATTEMPT:
        raise _invalid("attempt", f"must be an integer from 0 to {MAX_ATTEMPT}")
    return attempt


def _invalid(path: str, message: str) -> InvalidError:
    return InvalidError(Problem(path, message))
