"""A wake-up is handled, put off, or laid aside with its reason: never lost, and never a storm of redeliveries."""

import logging
from dataclasses import dataclass
from typing import Protocol

from shared.application.drive import put_off
from shared.application.flag_aggregates import FLAGS, SEGMENTS
from shared.application.laid_aside import LaidAside
from shared.application.release_aggregate import RELEASES
from shared.domain.errors import InvalidError, RejectedError, SlipwayError, TryLaterError, VersionConflictError
from shared.domain.rollout.timing import backoff
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.wire.wake_ups import parse_wake_up

SOURCE = "commands"
"""Under which name letters of this queue stand on the dead-letter list."""

log = logging.getLogger("slipway.wake")


class Drives(Protocol):
    """Handles wake-ups of one kind of aggregate."""

    def drive(self, wake_up: WakeUp, *, redelivered: bool = False) -> None:
        """Decide and do all that is due. Raises `TryLaterError`: deliver it again later."""
        ...


@dataclass(frozen=True, slots=True)
class WakeUpHandler:
    """What the triggers of the command queue call."""

    driver: Drives
    releases: Drives
    """Drives what the keys of releases of several applications name; `driver` everything else."""
    flags: Drives
    """Drives what the keys of flags and segments name."""
    queue: CommandQueue
    aside: LaidAside
    clock: Clock

    def handle(self, wake_up: WakeUp, *, redelivered: bool) -> None:
        """Drive the application, or the release of several.

        When store or queue are unwell, a copy is scheduled with a growing pause and the message is done with. Raises
        only when that fails too: then the broker must deliver it again.
        """
        try:
            self._drive(wake_up, redelivered=redelivered or wake_up.attempt > 0)
        except (TryLaterError, VersionConflictError) as error:
            if wake_up.marker:
                log.warning("%s: the next sweep tries again: %s", wake_up.key, error)
                return
            self._put_off(wake_up, error)

    def refuse(self, body: bytes, error: SlipwayError) -> None:
        """Lay aside a message that is no wake-up."""
        self.aside.add(SOURCE, body, str(error))

    def take_over(self, body: bytes, why: str) -> None:
        """Lay aside what the broker gave up.

        While the list cannot be written, a wake-up goes back to its queue for later: it does no harm there. Raises
        `TryLaterError` when it is no wake-up, or when that fails too.
        """
        try:
            self.aside.add(SOURCE, body, why)
        except TryLaterError as error:
            self._put_off(_wake_up_in(body, error), error)

    def _drive(self, wake_up: WakeUp, *, redelivered: bool) -> None:
        try:
            self._driver_of(wake_up.key).drive(wake_up, redelivered=redelivered)
        except (InvalidError, RejectedError) as error:
            self.aside.add(SOURCE, wake_up.key.encode(), str(error))

    def _driver_of(self, key: str) -> Drives:
        if key.startswith(RELEASES):
            return self.releases
        return self.flags if key.startswith((FLAGS, SEGMENTS)) else self.driver

    def _put_off(self, wake_up: WakeUp, error: SlipwayError) -> None:
        pause = backoff(wake_up.attempt, error.after_seconds if isinstance(error, TryLaterError) else None)
        log.warning("%s is put off for %s: %s", wake_up.key, pause, error)
        self.queue.send(put_off(wake_up), at=self.clock.now() + pause)


def _wake_up_in(body: bytes, trouble: TryLaterError) -> WakeUp:
    """Return the wake-up in a body. Raises `trouble` when there is none."""
    try:
        return parse_wake_up(body)
    except (InvalidError, RejectedError):
        raise trouble from None
