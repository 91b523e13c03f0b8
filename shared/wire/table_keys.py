"""Keys as Table Storage takes them: any text becomes plain ASCII and comes back unchanged.

The service forbids `/ \\ # ?` and control characters in keys, and some clients trip over `%`, `+`, quotes and
spaces. So everything outside a small safe alphabet is written as `!` and four hexadecimal digits for each
UTF-16 code unit. Escaped keys sort the same in every store, since they are ASCII; plain keys keep their order.
"""

import re
from datetime import UTC, datetime, timedelta

from shared.domain.errors import RejectedError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
"""The greatest number of microseconds since 1970 that is a time."""
INT64_MAX = 2**63 - 1
_DIGITS = len(str(INT64_MAX))
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:,=@~()-]")
_ESCAPE = re.compile(r"(?:![0-9a-f]{4})+")


def escape_key(key: str) -> str:
    """Return the key in the safe alphabet; `unescape_key` turns it back."""
    return _UNSAFE.sub(_escape_character, key)


def unescape_key(escaped: str) -> str:
    """Return what `escape_key` was given."""
    return _ESCAPE.sub(_unescape_run, escaped)


def padded(number: int, what: str) -> str:
    """Return the number with so many digits that numbers sort as text.

    Raises `RejectedError` that names `what` when it is negative or no int64, which the service could not hold.
    """
    if not 0 <= number <= INT64_MAX:
        raise RejectedError(f"{what} is {number}: the store holds 0 to {INT64_MAX} (int64)")
    return f"{number:0{_DIGITS}d}"


def micros(moment: datetime) -> int:
    """Return whole microseconds since 1970 in UTC, exactly; `moment` must be timezone-aware."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """Return the time, in UTC, of which `micros` made this number."""
    return EPOCH + timedelta(microseconds=microseconds)


def _escape_character(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"!{units[at : at + 4]}" for at in range(0, len(units), 4))


def _unescape_run(match: re.Match[str]) -> str:
    return bytes.fromhex(match.group().replace("!", "")).decode("utf-16-be", "surrogatepass")
