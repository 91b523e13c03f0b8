"""Ends the host by `kill -9` at random moments, and starts it again at once."""

import random
import select
import signal
import threading
import time
from dataclasses import dataclass

from tests.faults.host_process import HostProcess

SHORTEST_LIFE, LONGEST_LIFE = 0.1, 4.5
"""In seconds since it was spawned: some lives end before the host is ready."""
AFTER_A_COMMAND = 0.12
"""Within so many seconds of a command being sent it dies, where the command provokes it."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One end of the host."""

    at: float
    """Seconds since the killer began."""
    life: float
    """How long the host had lived, in seconds."""
    was_ready: bool


class Killer:
    """Kills from a thread of its own, as often as it is allowed to."""

    def __init__(self, host: HostProcess, chance: random.Random) -> None:
        self.kills: list[Kill] = []
        self.troubles: list[str] = []
        """Ends of the host that were none of ours."""
        self._host = host
        self._chance = chance
        self._allowed = 0
        self._due = 0.0
        self._changed = threading.Condition()
        self._stopped = False
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="killer", daemon=True)

    def start(self) -> None:
        """Spawn the host, and begin."""
        self._spawn()
        self._thread.start()

    def stop(self) -> None:
        """Kill no more; the host goes on. Safe to repeat."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def allow(self, kills: int) -> None:
        """Let there be so many kills in all by now."""
        with self._changed:
            self._allowed = kills
            self._changed.notify()

    def provoke(self) -> None:
        """A command is being sent: perhaps this is the moment."""
        if self._chance.random() < 0.5:
            with self._changed:
                self._due = min(self._due, time.monotonic() + self._chance.uniform(0.0, AFTER_A_COMMAND))
                self._changed.notify()

    def _run(self) -> None:
        while self._await_moment():
            self._kill()
            self._spawn()

    def _await_moment(self) -> bool:
        """Return True when it is time to kill, False when it is over."""
        with self._changed:
            while not self._stopped:
                self._see_that_it_lives()
                left = self._due - time.monotonic() if len(self.kills) < self._allowed else 1.0
                if left <= 0:
                    return True
                self._changed.wait(min(left, 1.0))
        return False

    def _see_that_it_lives(self) -> None:
        process = self._host.process
        if process is not None and process.poll() is not None:
            self._note_end(process.returncode)
            self._spawn()

    def _note_end(self, code: int) -> None:
        self.troubles.append(f"the host ended by itself with {code}: {self._host.last_words()[-500:]}")

    def _kill(self) -> None:
        process = self._host.process
        assert process is not None
        assert process.stdout is not None
        was_ready = bool(select.select([process.stdout], [], [], 0)[0])
        self._host.kill()
        if process.returncode != -signal.SIGKILL:
            self._note_end(process.returncode)
        now = time.monotonic()
        self.kills.append(Kill(now - self._began, now - self._spawned, was_ready))

    def _spawn(self) -> None:
        self._host.spawn()
        self._spawned = time.monotonic()
        self._due = self._spawned + self._chance.uniform(SHORTEST_LIFE, LONGEST_LIFE)
