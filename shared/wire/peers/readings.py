"""Reads values as Kubernetes means them: null is absent, times are Go's, and a wrong type is refused with its line."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from shared.wire.durations import LONGEST
from shared.wire.findings import MAX_ENTRIES, Part, found, shown

_GO_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})(h|ms|us|µs|ns|m|s)")
_SECONDS: Final = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
    "us": Decimal("0.000001"),
    "µs": Decimal("0.000001"),
    "ns": Decimal("0.000000001"),
}
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def given(part: Part, key: str) -> Part:
    """Return the member of an object; one that is null is as if it were not there."""
    child = part.child(key)
    return child if child.value is not None else Part(None, child.path, child.findings, exists=False)


def given_at(part: Part, *keys: str) -> Part:
    """Return what lies below these members, all of which are objects; each is refused where it is something else."""
    for key in keys:
        part = an_object(given(part, key))
    return part


def an_object(part: Part) -> Part:
    """Return the part, which is refused unless it is an object or absent."""
    if part.exists and not isinstance(part.value, dict):
        part.refuse(f"{found(part.path, part.value)}allowed is an object")
    return part


def entries(part: Part) -> tuple[Part, ...]:
    """Return the entries of a list, which is refused unless it is one of at most `MAX_ENTRIES`, or absent."""
    if part.exists and not isinstance(part.value, list):
        part.refuse(f"{found(part.path, part.value)}allowed is a list")
    elif part.exists and len(part.value) > MAX_ENTRIES:
        part.refuse(f"has {len(part.value)} entries; allowed are at most {MAX_ENTRIES}")
    return part.children()


def members(part: Part) -> tuple[tuple[str, Part], ...]:
    """Return the members of an object by their names."""
    keys = list(an_object(part).value) if isinstance(part.value, dict) else []
    return tuple((key, part.child(key)) for key in keys)


def text(part: Part, default: str = "") -> str:
    """Return the text; `default` where there is none."""
    return part.read(_text, default)


def flag(part: Part, *, default: bool = False) -> bool:
    """Return whether it is true."""
    return part.read(_flag, default)


def whole(part: Part, default: int | None, *, least: int = 0, most: int = 1_000_000_000) -> int | None:
    """Return the whole number, which must lie within bounds."""
    return part.read(_whole(least, most), default)


def number(part: Part) -> Decimal | None:
    """Return the number exactly as it was written."""
    return part.read(_number, None)


def seconds(part: Part) -> Decimal | None:
    """Return the time that a Go duration such as `1m30s` says, in seconds."""
    return part.read(parse_go_duration, None)


def seconds_or_duration(part: Part) -> Decimal | None:
    """Return the time in seconds of a number of them, as a number or a text, or of a Go duration."""
    return part.read(_seconds_or_duration, None)


def required_name(part: Part) -> str:
    """Return the name of an object in Kubernetes; refuse one that is missing or cannot be."""
    if not part.exists:
        part.refuse("is missing")
        return ""
    return part.read(_name, "")


def parse_go_duration(value: Any) -> Decimal:
    """Return the seconds of a Go duration. Raises ValueError saying what is allowed."""
    allowed = "allowed is a duration such as 30s, 5m or 1h30m"
    if not isinstance(value, str):
        raise ValueError(allowed)
    at, total = 0, Decimal(0)
    while at < len(value):
        match = _GO_DURATION.match(value, at)
        if match is None:
            raise ValueError(allowed)
        total += Decimal(match[1]) * _SECONDS[match[2]]
        at = match.end()
    if not value or total > Decimal(LONGEST.total_seconds()):
        raise ValueError(f"{allowed}, at most a year")
    return total


def _seconds_or_duration(value: Any) -> Decimal:
    if isinstance(value, str) and not value.isascii():
        raise ValueError("allowed are seconds, or a duration such as 30s, 5m or 1h")
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:12])
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LONGEST.total_seconds():
        return Decimal(value)
    if not isinstance(value, str):
        raise ValueError("allowed are seconds, at most a year of them, or a duration such as 30s, 5m or 1h")
    return parse_go_duration(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("allowed is a text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("allowed is true or false")
    return value


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not is_whole or not least <= value <= most:
            raise ValueError(f"allowed is a whole number from {least} to {most}")
        return int(value)

    return read


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 10**15:
        raise ValueError("allowed is a number")
    return Decimal(repr(value))


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("allowed is a name of lower-case letters, digits, and inner hyphens and dots")
    return value


def show(part: Part) -> str:
    """Return a short value for a line of the report."""
    return shown(part.value)
