"""The members that documents of flags and segments are made of: texts, times, percentages, lists, attributes."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from shared.domain.flags.model import BY_KEY, Attribute
from shared.domain.flags.problems import MOST_VALUES
from shared.wire.findings import Part, closest, found, shown
from shared.wire.timestamps import parse_time

LONGEST_KEY: Final = 256
LONGEST_NAME: Final = 128
"""Of a variant, a tag, a layer, the id of a rule, the kind of a context."""
LONGEST_TEXT: Final = 2000
MOST_ENTRIES: Final = 1000
"""Of every list but those of values."""

FLAG_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
"""What can stand in an address as it is; a slash divides names, and no name begins with a dot."""
SEGMENT_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
REGION: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_POINTER: Final = re.compile(r"(/([^/~]|~[01])*)+")
_THOUSAND: Final = 1000
"""Weights of one percent."""


def is_object(part: Part, known: Iterable[str]) -> bool:
    """Whether this is an object; notes it where it is none, and each member that is not one of the known."""
    names = tuple(known)
    if not isinstance(part.value, dict):
        part.refuse(f"{found(part.path, part.value)}allowed is an object")
        return False
    for name in part.value:
        if name not in names:
            near = closest(name, names) or f"; allowed are {', '.join(names)}"
            part.child(name).refuse(f"is not a field here{near}")
    return True


def entries(part: Part, *, at_most: int = MOST_ENTRIES, at_least: int = 1) -> tuple[Part, ...]:
    """Return the entries of a list; none where it is absent or wrong."""
    if not part.exists:
        return ()
    if not isinstance(part.value, list):
        part.refuse(f"{found(part.path, part.value)}allowed is a list")
    elif len(part.value) > at_most:
        part.refuse(f"has {len(part.value)} entries; allowed are at most {at_most}")
    elif len(part.value) < at_least:
        part.refuse(f"has {len(part.value)} entries; allowed are at least {at_least}")
    else:
        return tuple(Part(each, (*part.path, index), part.findings) for index, each in enumerate(part.value))
    return ()


def require(part: Part) -> bool:
    """Whether the part is there; notes that it is missing."""
    if not part.exists:
        part.refuse("is missing")
    return part.exists


def text(part: Part, *, longest: int, default: str = "", at_least: int = 1) -> str:
    """Return a text of so many characters; the default where it is absent or wrong."""
    if not part.exists:
        return default
    value = part.value
    if not isinstance(value, str):
        part.refuse(f"{found(part.path, value)}allowed is a text{_quoted(value)}")
    elif len(value) > longest or len(value) < at_least:
        part.refuse(f"has {len(value)} characters; allowed are {at_least} to {longest}")
    else:
        return value
    return default


def _quoted(value: Any) -> str:
    is_plain = isinstance(value, int | float)
    return f'; put it in quotes: "{str(value).lower() if isinstance(value, bool) else value}"' if is_plain else ""


def name(part: Part, *, longest: int = LONGEST_NAME) -> str:
    """Return a name: a text of one line, which must be there."""
    if not require(part):
        return ""
    value = text(part, longest=longest)
    if _CONTROL.search(value):
        part.refuse("holds a line break or another control character; allowed is a text of one line")
        return ""
    return value


def key(part: Part, pattern: re.Pattern[str]) -> str:
    """Return the key of a flag or a segment, which must be there."""
    value = text(part, longest=LONGEST_KEY) if require(part) else ""
    if value and not pattern.fullmatch(value):
        slash = "; a slash may divide names" if pattern is FLAG_KEY else ""
        part.refuse(
            f"found {shown(value)}; allowed are letters, digits, dots, hyphens and underscores, "
            f"beginning with a letter, a digit or an underscore{slash}"
        )
        return ""
    return value


def boolean(part: Part, *, default: bool) -> bool:
    """Return true or false."""
    if part.exists and not isinstance(part.value, bool):
        part.refuse(f"{found(part.path, part.value)}allowed is true or false")
        return default
    return part.value if part.exists else default


def whole(part: Part, *, at_least: int, at_most: int, default: int) -> int:
    """Return a whole number."""
    if not part.exists:
        return default
    value = part.value
    if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value <= at_most:
        part.refuse(f"{found(part.path, value)}allowed is a whole number from {at_least} to {at_most}")
        return default
    return value


def time(part: Part) -> datetime | None:
    """Return a time in UTC; None where it is absent or wrong."""
    if not part.exists:
        return None
    if not isinstance(part.value, str):
        part.refuse(f"{found(part.path, part.value)}allowed is an RFC 3339 time such as 2026-04-05T17:31:00Z")
        return None
    return part.read(parse_time, None)


def time_text(at: datetime) -> str:
    """Return the time as `time` reads it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def one_of(part: Part, words: Iterable[str], default: str) -> str:
    """Return one of the words; the default where it is absent or wrong."""
    if not part.exists:
        return default
    allowed = tuple(words)
    if not isinstance(part.value, str) or part.value not in allowed:
        near = closest(part.value, allowed) if isinstance(part.value, str) else ""
        part.refuse(f"{found(part.path, part.value)}allowed is {', '.join(allowed)}{near}")
        return default
    return part.value


def percentage(part: Part) -> int:
    """Return the weight, in 1/100,000, of a percentage with at most three decimals."""
    value = part.value
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
        part.refuse(f"{found(part.path, value)}allowed is a number from 0 to 100, such as 12.5")
        return 0
    weight = Decimal(repr(value)) * _THOUSAND
    if weight != int(weight):
        part.refuse(f"found {shown(value)}; allowed are at most three decimals")
        return 0
    return int(weight)


def percentage_of(weight: int) -> int | float:
    """Return the percentage of a weight in 1/100,000, exactly."""
    return weight // _THOUSAND if weight % _THOUSAND == 0 else float(Decimal(weight) / _THOUSAND)


def percent_text(weight: int) -> str:
    """Return the percentage in words."""
    return f"{percentage_of(weight)} %"


def attribute(part: Part, default: Attribute = BY_KEY) -> Attribute:
    """Return where in a context to look: a name, a JSON pointer, or either with the kind of a context."""
    if not part.exists:
        return default
    if isinstance(part.value, dict):
        is_object(part, ("name", "kind"))
        kind = text(part.child("kind"), longest=LONGEST_NAME) if require(part.child("kind")) else ""
        path = _path(part.child("name")) if require(part.child("name")) else default.path
        return Attribute(path, kind or None)
    return Attribute(_path(part))


def _path(part: Part) -> tuple[str, ...]:
    value = text(part, longest=LONGEST_KEY)
    if not value.startswith("/"):
        return (value,)
    if not _POINTER.fullmatch(value):
        part.refuse(f"found {shown(value)}; allowed is a JSON pointer (RFC 6901) such as /address/city, with ~0 and ~1")
        return (value,)
    return tuple(each.replace("~1", "/").replace("~0", "~") for each in value[1:].split("/"))


def attribute_document(place: Attribute) -> Any:
    """Return what `attribute` reads."""
    first = place.path[0]
    is_plain = len(place.path) == 1 and first and not first.startswith("/")
    pointer = "".join(f"/{each.replace('~', '~0').replace('/', '~1')}" for each in place.path)
    written = first if is_plain else pointer
    return written if place.kind is None else {"name": written, "kind": place.kind}


def values(part: Part) -> tuple[Part, ...]:
    """Return the entries of a list of values."""
    return entries(part, at_most=MOST_VALUES, at_least=0)


def texts(part: Part) -> tuple[str, ...]:
    """Return a list of texts to compare with, which must be there."""
    return tuple(text(each, longest=LONGEST_TEXT, at_least=0) for each in values(part)) if require(part) else ()


def unique(parts: Iterable[Part]) -> None:
    """Note each entry that an earlier one equals."""
    seen: set[str] = set()
    for part in parts:
        if isinstance(part.value, str):
            if part.value in seen:
                part.refuse(f"found {shown(part.value)}; allowed is each entry once")
            seen.add(part.value)
