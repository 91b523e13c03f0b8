"""Reads Protocol Buffers written as JSON, the way OpenTelemetry writes them.

Whole numbers of 64 bits are texts or numbers, `NaN` and `Infinity` are texts, times are nanoseconds since 1970, and
what is missing or null has its default. Every reader takes the place where its object stands, such as
`resourceMetrics[0].resource`, and raises `InvalidError` that names it when the value is of another kind.
"""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from shared.domain.errors import InvalidError, Problem
from shared.wire.findings import shown
from shared.wire.timestamps import EPOCH

_LARGEST: Final = 1 << 64
_ODD_DOUBLES: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_LONGEST_PLACE: Final = 200


def objects(owner: Mapping[str, Any], name: str, where: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each entry of a list of objects with its place; none where there is no list."""
    for index, entry in enumerate(entries(owner, name, where)):
        place = f"{where}.{name}[{index}]".removeprefix(".")
        if not isinstance(entry, dict):
            refuse(place, f"found {shown(entry)}; allowed is an object")
        yield entry, place


def entries(owner: Mapping[str, Any], name: str, where: str) -> list[Any]:
    """Return a list; an empty one where there is none."""
    value = owner.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        refuse(f"{where}.{name}", f"found {shown(value)}; allowed is a list")
    return value


def member(owner: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """Return an object; an empty one where there is none."""
    value = owner.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        refuse(f"{where}.{name}", f"found {shown(value)}; allowed is an object")
    return value


def attributes_of(owner: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the attributes by their keys: texts, numbers and flags as they are, other values as a text of JSON."""
    found: dict[str, Any] = {}
    for attribute, in_attribute in objects(owner, "attributes", where):
        key = attribute.get("key")
        if isinstance(key, str):
            found[key] = _any_value(member(attribute, "value", in_attribute))
    return found


def whole(owner: Mapping[str, Any], name: str, where: str) -> int:
    """Return a whole number of at most 64 bits; 0 where there is none."""
    value = owner.get(name)
    return 0 if value is None else as_whole(value, f"{where}.{name}")


def as_whole(value: Any, where: str) -> int:
    """Return the value as a whole number of at most 64 bits."""
    number = _whole_or_none(value)
    if number is None or not -_LARGEST < number < _LARGEST:
        refuse(where, f"found {shown(value)}; allowed is a whole number of 64 bits, as a number or a text")
    return number


def double(owner: Mapping[str, Any], name: str, where: str) -> float | None:
    """Return a number, perhaps NaN or infinite; None where there is none."""
    value = owner.get(name)
    return None if value is None else as_double(value, f"{where}.{name}")


def as_double(value: Any, where: str) -> float:
    """Return the value as a number, perhaps NaN or infinite."""
    number = _double_or_none(value)
    if number is None:
        refuse(where, f"found {shown(value)}; allowed is a number")
    return number


def time_of(owner: Mapping[str, Any], name: str, where: str) -> datetime | None:
    """Return a time, cut to microseconds; None where it is not told (0)."""
    nanoseconds = whole(owner, name, where)
    if nanoseconds == 0:
        return None
    if nanoseconds < 0:
        refuse(f"{where}.{name}", "allowed are nanoseconds since 1970")
    return EPOCH + timedelta(microseconds=nanoseconds // 1_000)


def refuse(place: str, message: str) -> NoReturn:
    """Raise `InvalidError` for what stands at this place."""
    raise InvalidError(Problem(place.removeprefix(".")[:_LONGEST_PLACE], message))


def _any_value(value: Mapping[str, Any]) -> Any:
    for kind in ("stringValue", "intValue", "boolValue", "doubleValue"):
        if value.get(kind) is not None:
            return value[kind]
    return json.dumps(value, sort_keys=True) if value else None


def _whole_or_none(value: Any) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return value
        case float():
            return int(value) if value.is_integer() else None
        case str():
            digits = value.removeprefix("-")
            return int(value) if len(value) <= 21 and digits.isascii() and digits.isdigit() else None
        case _:
            return None


def _double_or_none(value: Any) -> float | None:
    match value:
        case bool():
            return None
        case int() | float():
            return float(value)
        case str() if value in _ODD_DOUBLES:
            return _ODD_DOUBLES[value]
        case str():
            try:
                return float(value)
            except ValueError:
                return None
        case _:
            return None
