"""Instants in contexts and clauses: RFC 3339 texts, or numbers as milliseconds since 1970."""

import re
from datetime import date

from shared.domain.flags.json_values import number_of
from shared.domain.flags.model import Json

_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,20})?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH = date(1970, 1, 1).toordinal()


def instant_of(value: Json) -> float | None:
    """Return the milliseconds since 1970, None where the value is no instant. A text without an offset is none."""
    if isinstance(value, str):
        match = _RFC_3339.fullmatch(value)
        return _milliseconds(match) if match else None
    return number_of(value)


def _milliseconds(match: re.Match[str]) -> float | None:
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    offset_hours, offset_minutes = int(match[9] or 0), int(match[10] or 0)
    if hour > 23 or minute > 59 or second > 60 or offset_hours > 23 or offset_minutes > 59:  # 60: a leap second
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:  # a day that no month has
        return None
    offset = (offset_hours * 60 + offset_minutes) * 60 * (-1 if match[8] == "-" else 1)
    whole = ((days * 24 + hour) * 60 + minute) * 60 + second - offset
    return whole * 1000.0 + float(match[7] or 0) * 1000.0
