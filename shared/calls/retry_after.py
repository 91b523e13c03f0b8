"""The `Retry-After` header: how long a dependency asks to be left alone."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 86_400.0
"""A day: what asks for more is looked at again before."""


def read_retry_after(header: str | None) -> float | None:
    """Return the seconds from now, at most `LONGEST_SECONDS`; None where the header is missing or unreadable."""
    text = (header or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_SECONDS)
