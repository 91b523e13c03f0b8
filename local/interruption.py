"""Being told to end: noted when it comes, obeyed only where nothing is half begun.

An exception out of a signal handler could strike between the start of a process and the line that sees to its end.
So the handler only takes note, and whoever waits asks.
"""

import signal
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NAP_SECONDS = 0.1


class InterruptedBySignal(Exception):  # noqa: N818 - nothing went wrong: somebody asked
    """This program was told to end."""

    def __init__(self, number: int) -> None:
        super().__init__(f"told to end by {signal.Signals(number).name}")
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell reports for a program that this signal ended."""
        return 128 + self.number


class Interruption:
    """Whether this program was told to end, by Ctrl-C, SIGTERM or a terminal that was closed."""

    def __init__(self) -> None:
        self._received: int | None = None

    def listen(self) -> "Interruption":
        """Take note of signals from now on; only the main thread can. Returns itself."""
        for number in SIGNALS:
            signal.signal(number, self._note)
        return self

    def ignore(self) -> None:
        """Ignore signals from now on: everything is put away, and the interpreter's own end needs no hurry."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def check(self) -> None:
        """Raise `InterruptedBySignal` if a signal came."""
        if self._received is not None:
            raise InterruptedBySignal(self._received)

    def sleep(self, seconds: float) -> None:
        """Sleep; raise `InterruptedBySignal` at most 0.1 s after a signal."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _NAP_SECONDS))
        self.check()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._received = self._received or number
