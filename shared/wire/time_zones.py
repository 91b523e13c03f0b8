"""Time zones by their IANA names. Their rules come from the machine's list, or else from the package `tzdata`."""

from datetime import UTC
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from shared.domain.rollout.calendar import TimeZone
from shared.wire.findings import closest

UTC_ZONE: Final = TimeZone("UTC", UTC)

_OF_A_MACHINE: Final = ("posix", "right", "localtime", "posixrules", "Factory")
"""What only some machines have, or have as something else."""


def parse_time_zone(name: str) -> TimeZone:
    """Return the zone of this name. Raises ValueError, with a suggestion when one is near."""
    zone = time_zone(name)
    if zone.rules is None:
        raise ValueError(f"allowed is an IANA time zone such as Europe/Berlin or UTC{closest(name, _names())}")
    return zone


def time_zone(name: str) -> TimeZone:
    """Return the zone of this name, without rules where there are none here: what was stored must stay readable."""
    if name == UTC_ZONE.name:
        return UTC_ZONE
    if name.partition("/")[0] in _OF_A_MACHINE:
        return TimeZone(name, None)
    try:
        return TimeZone(name, ZoneInfo(name))
    except (LookupError, ValueError, OSError):  # unknown; not a name; a folder
        return TimeZone(name, None)


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))
