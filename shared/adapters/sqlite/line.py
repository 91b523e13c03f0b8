"""A lock whose waiters are served in the order in which they came."""

import threading
from collections import deque


class Line:
    """Held by one thread at a time. A thread that lets go and comes again stands behind those who wait.

    Neither SQLite's own waiting nor `threading.Lock` promises that: under load some wait for ever.
    """

    def __init__(self) -> None:
        self._state = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    def enter(self, patience: float) -> bool:
        """Wait for the turn; False when it has not come after so many seconds. Not for the thread that holds it."""
        with self._state:
            if not self._held:
                self._held = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            if mine.acquire(timeout=patience):
                return True
        except BaseException:  # out of a signal handler: nobody will take the turn that would come here
            if not self._step_out(mine):
                self.leave()
            raise
        return not self._step_out(mine)

    def _step_out(self, mine: threading.Lock) -> bool:
        """Wait no longer; False when the turn was handed over at the last moment."""
        with self._state:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True

    def leave(self) -> None:
        """Hand the turn to who has waited the longest."""
        with self._state:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False
