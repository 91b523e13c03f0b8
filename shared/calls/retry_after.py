"""The `Retry-After` header: how long a dependency asks to be left alone."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def read_retry_after(header: str | None) -> float | None:
    """Return the seconds from now, or None where the header is missing or unreadable."""
    text = (header or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
