"""Times as the world writes them, always returned in UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_RFC_3339: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,18}))?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def parse_time(text: str, *, zone_required: bool = True) -> datetime:
    """Return an RFC 3339 time, cut to microseconds: Azure writes 0 to 7 fraction digits.

    A time without a zone is UTC, unless the zone is required. Raises ValueError for everything else.
    """
    match = _RFC_3339.fullmatch(text.strip())
    if match is None or (zone_required and match[4] is None):
        raise ValueError("allowed is an RFC 3339 time such as 2026-04-05T17:31:00Z")
    date, time, fraction, zone = match.groups()
    offset = "+00:00" if zone in (None, "Z", "z") else zone
    try:
        at = datetime.fromisoformat(f"{date}T{time}.{fraction or '0'}{offset}")
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("there is no such time") from error


def parse_american_time(text: str) -> datetime:
    """Return a time such as `3/22/2019 1:36:31 PM`, which is UTC. Raises ValueError for everything else."""
    return datetime.strptime(text.strip(), "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Return whole microseconds since the epoch."""
    return (at - EPOCH) // timedelta(microseconds=1)
