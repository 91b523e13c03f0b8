"""How many requests a second each caller may make of one worker."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Final

FREE: Final = 0.0
"""No limit."""
_CALLERS_AT_MOST: Final = 1_000


@dataclass(slots=True)
class Allowance:
    """A token bucket for each caller: `per_second` on average, and twice as many at once.

    It is kept in the memory of one worker, so the whole app lets through that many times its workers. That protects a
    worker from one caller that loops, which is all that it is for.
    """

    per_second: float = FREE
    _left: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def take(self, caller: str, now: float) -> float:
        """Let one request of `caller` through, and return 0; or return how many seconds it has to wait.

        `now` is in seconds, of a clock that is never set back.
        """
        if self.per_second <= FREE:
            return 0.0
        most = max(1.0, 2 * self.per_second)
        with self._lock:
            if len(self._left) >= _CALLERS_AT_MOST and caller not in self._left:
                self._left.clear()
            left, since = self._left.get(caller, (most, now))
            left = min(most, left + (now - since) * self.per_second)
            if left < 1.0:
                self._left[caller] = (left, now)
                return (1.0 - left) / self.per_second
            self._left[caller] = (left - 1.0, now)
            return 0.0
