"""Lengths of time as people write them: `30s`, `5m`, `1h30m`, `2d`, or ISO 8601 `PT5M`."""

import re
from datetime import timedelta
from typing import Final

LONGEST: Final = timedelta(days=365)
SECOND: Final = timedelta(seconds=1)

_COUNT = "([0-9]{1,9})"
_PLAIN: Final = re.compile(rf"(?=.)(?:{_COUNT}d)?(?:{_COUNT}h)?(?:{_COUNT}m)?(?:{_COUNT}s)?")
_ISO: Final = re.compile(rf"P(?=.)(?:{_COUNT}D)?(?:T(?=.)(?:{_COUNT}H)?(?:{_COUNT}M)?(?:{_COUNT}S)?)?")


def parse_duration(text: str) -> timedelta:
    """Return a duration of whole seconds, from 1 s to 365 days. Raises ValueError saying what is allowed."""
    duration = parse_duration_or_none(text)
    if duration < SECOND:
        raise ValueError("allowed is a duration of at least 1s")
    return duration


def parse_duration_or_none(text: str) -> timedelta:
    """Return a duration that may also be no time at all, `0s`. Raises ValueError saying what is allowed."""
    match = _PLAIN.fullmatch(text) or _ISO.fullmatch(text)
    if match is None:
        raise ValueError("allowed is a duration such as 30s, 5m, 1h30m, 2d or PT5M")
    days, hours, minutes, seconds = (int(count or 0) for count in match.groups())
    total = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if total > LONGEST.total_seconds():
        raise ValueError(f"allowed is a duration of at most {format_duration(LONGEST)}")
    return timedelta(seconds=total)


def format_duration(duration: timedelta) -> str:
    """Return the shortest form in days, hours, minutes and seconds: 90 s is `1m30s`.

    Raises ValueError for fractions of a second and negative times, which have no form.
    """
    if duration < timedelta(0) or duration.microseconds:
        raise ValueError(f"{duration!r} is not a whole number of seconds from 0")
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    counts = ((duration.days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in counts if count) or "0s"
