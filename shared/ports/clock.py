"""Time, as a port, so that no rule ever asks the machine for it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of the current time."""

    def now(self) -> datetime:
        """Return the current time, timezone-aware, in UTC."""
        ...
