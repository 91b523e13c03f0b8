"""What a plan can be asked for: a version, and a time from which on it is reckoned."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.names import Version
from shared.wire.fields import VERSION
from shared.wire.findings import shown
from shared.wire.timestamps import parse_time

_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""No calendar of a release is known any further ahead."""


def parse_planned_time(text: str) -> datetime:
    """Return an RFC 3339 time of this century or the next. Raises ValueError saying what is allowed."""
    at = parse_time(text)
    if not _FIRST <= at < _LAST:
        raise ValueError(f"allowed is a time from {_FIRST:%Y} on and before {_LAST:%Y}")
    return at


def planned_time_in(params: Mapping[str, str]) -> datetime | None:
    """Return the query's `at`; None where there is none. Raises `InvalidError`."""
    text = params.get("at")
    if not text:
        return None
    try:
        return parse_planned_time(text)
    except ValueError as error:
        raise InvalidError(Problem("at", f"found {shown(text)}; {error}")) from error


def version_in(params: Mapping[str, str]) -> Version | None:
    """Return the query's `version`; None where there is none. Raises `InvalidError`."""
    text = params.get("version")
    if not text:
        return None
    if not VERSION.fullmatch(text):
        raise InvalidError(
            Problem("version", f"found {shown(text)}; allowed are 1 to 256 visible ASCII characters without spaces")
        )
    return Version(text)
