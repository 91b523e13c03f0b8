"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """The `Clock` of everything that really runs."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)
