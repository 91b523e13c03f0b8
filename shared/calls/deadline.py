"""The time that all parts of one operation share."""

from time import monotonic

from shared.domain.errors import TryLaterError


class Deadline:
    """Runs from the moment it is made."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, above zero. Raises `TryLaterError` when there are none."""
        left = self._ends - monotonic()
        if left <= 0:
            raise TryLaterError(f"not done within {self._seconds:g} s")
        return left
