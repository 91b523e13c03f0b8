"""Keeps locks alive while functions run, as the Service Bus extension does."""

import heapq
import logging
import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType

from shared.domain.errors import SlipwayError

logger = logging.getLogger(__name__)


class Hold:
    """One lock that is kept until `release`, and no longer than `at_most` seconds after the last `restart`."""

    def __init__(self, renew: Callable[[], object], every: float, at_most: float) -> None:
        self.renew = renew
        self.every = every
        self.released = False
        self._at_most = at_most
        self._deadline = monotonic() + at_most

    def __enter__(self) -> "Hold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let the lock run out or be given back."""
        self.released = True

    def restart(self) -> None:
        """Count the limit from now: a new message began."""
        self._deadline = monotonic() + self._at_most

    @property
    def wanted(self) -> bool:
        """Whether the lock is still held and within its limit."""
        return not self.released and monotonic() < self._deadline


class LockRenewal:
    """Renews all locks from one daemon thread; none runs until `start`."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Hold]] = []
        self._changed = threading.Condition()
        self._counter = 0
        self._stopping = False

    def start(self) -> None:
        """Begin to renew."""
        threading.Thread(target=self._run, name="lock-renewal", daemon=True).start()

    def stop(self) -> None:
        """Renew nothing any more."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def keep(self, renew: Callable[[], object], *, every: float, at_most: float) -> Hold:
        """Call `renew` every so many seconds while the hold lasts. One that raises is not called again."""
        hold = Hold(renew, every, at_most)
        self._plan(hold)
        return hold

    def _plan(self, hold: Hold) -> None:
        with self._changed:
            self._counter += 1
            heapq.heappush(self._due, (monotonic() + hold.every, self._counter, hold))
            self._changed.notify()

    def _run(self) -> None:
        while (hold := self._next()) is not None:
            if not hold.wanted:
                continue
            try:
                hold.renew()
            except SlipwayError as error:
                if not hold.released:
                    logger.warning("A lock could not be renewed; what it guards may be delivered again: %s", error)
            except Exception:
                if not hold.released:
                    logger.exception("A lock could not be renewed; what it guards may be delivered again")
            else:
                self._plan(hold)

    def _next(self) -> Hold | None:
        with self._changed:
            while not self._stopping:
                if self._due and self._due[0][0] <= monotonic():
                    return heapq.heappop(self._due)[2]
                self._changed.wait(self._due[0][0] - monotonic() if self._due else None)
        return None
