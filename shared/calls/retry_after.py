"""How long a dependency asks to be left alone: the `Retry-After` header, and others that say the same."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 86_400.0
"""A day: what asks for more is looked at again before."""


def read_retry_after(header: str | None) -> float | None:
    """Return the seconds from now, at most `LONGEST_SECONDS`; None where the header is missing or unreadable."""
    text = (header or "").strip()
    if not text:
        return None
    if (seconds := whole_number(text)) is not None:
        return at_most_a_day(seconds)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return at_most_a_day(seconds)


def whole_number(header: str | None) -> float | None:
    """Return the number in a header of digits alone, perhaps without an end; None where it is something else."""
    text = (header or "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


def at_most_a_day(seconds: float) -> float:
    """Return the time to wait: none where it is over, and at most `LONGEST_SECONDS`."""
    return min(max(seconds, 0.0), LONGEST_SECONDS)
