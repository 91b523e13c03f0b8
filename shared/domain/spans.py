"""Lengths of time, in words for people."""

from datetime import timedelta


def span_in_words(span: timedelta) -> str:
    """Return a length of time for people, rounded up to seconds: `45 s`, `12 min`, `3 h 40 min`, `2 d`."""
    total = -(-span // timedelta(seconds=1))
    minutes, seconds = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    counts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count} {unit}" for count, unit in counts if count) or "0 s"
