"""A wake-up is handled, put off, or laid aside with its reason: never lost, and never a storm of redeliveries.

What a newer release stored or sent is left as it is, and looked at again once a minute: while two releases run side
by side the newer one takes it in moments, and after a way back to the older one it waits for a day until a person is
told.
"""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

from shared.application.dead_letters import LETTERS
from shared.application.drive import put_off
from shared.application.flag_aggregates import FLAGS, SEGMENTS
from shared.application.laid_aside import LaidAside, Poison
from shared.application.release_aggregate import RELEASES
from shared.domain.errors import (
    InvalidError,
    NewerReleaseError,
    RejectedError,
    SlipwayError,
    TryLaterError,
    VersionConflictError,
)
from shared.domain.names import ApplicationName, application_key
from shared.domain.rollout.timing import backoff
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.wire.wake_ups import encode_wake_up, parse_wake_up

SOURCE = "commands"
"""Under which name letters of this queue stand on the dead-letter list."""

APPLICATIONS = application_key(ApplicationName(""))
LEFT_ALONE_AT_MOST = 1440
"""Attempts at what a newer release left, one a minute: after a day there is a letter about it, to be redriven."""

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
    """Drives what the keys of releases of several applications name."""
    flags: Drives
    """Drives what the keys of flags and segments name."""
    letters: Drives
    """Looks after dead letters."""
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

    def refuse(self, body: bytes, error: SlipwayError, *, attempt: int = 0) -> None:
        """Lay aside a message that is no wake-up."""
        self.aside.add(Poison(SOURCE, body, attempts=attempt + 1), str(error))

    def put_back(self, body: bytes, error: NewerReleaseError, *, key: str, attempt: int) -> None:
        """Leave a message that only a newer release can read on its queue for later, as it came.

        `key` is the session that it came by. After a day it is laid aside.
        """
        if self._is_given_up(Poison(SOURCE, body, attempts=attempt + 1), error, attempt):
            return
        pause = backoff(attempt, error.after_seconds)
        log.warning("a message for %s is left alone for %s: %s", key, pause, error)
        self.queue.put_back(body, key=key, attempt=attempt + 1, at=self.clock.now() + pause)

    def take_over(self, body: bytes, why: str, *, deliveries: int = 1) -> None:
        """Lay aside what the broker gave up after so many deliveries.

        While the list cannot be written, a wake-up goes back to its queue for later: it does no harm there. Raises
        `TryLaterError` when it is no wake-up, or when that fails too.
        """
        try:
            self.aside.add(_given_up(body, deliveries), why)
        except TryLaterError as error:
            self._put_off(_wake_up_in(body, error), error)

    def _drive(self, wake_up: WakeUp, *, redelivered: bool) -> None:
        try:
            self._driver_of(wake_up.key).drive(wake_up, redelivered=redelivered)
        except (InvalidError, RejectedError) as error:
            self.aside.add(_poison(wake_up), str(error))

    def _driver_of(self, key: str) -> Drives:
        kinds = {
            APPLICATIONS: self.driver,
            RELEASES: self.releases,
            FLAGS: self.flags,
            SEGMENTS: self.flags,
            LETTERS: self.letters,
        }
        for kind, driver in kinds.items():
            if key.startswith(kind):
                return driver
        raise NewerReleaseError(f"{key} is of a kind that only a newer release can know")

    def _put_off(self, wake_up: WakeUp, error: SlipwayError) -> None:
        if isinstance(error, NewerReleaseError) and self._is_given_up(_poison(wake_up), error, wake_up.attempt):
            return
        pause = backoff(wake_up.attempt, error.after_seconds if isinstance(error, TryLaterError) else None)
        log.warning("%s is put off for %s: %s", wake_up.key, pause, error)
        self.queue.send(put_off(wake_up), at=self.clock.now() + pause)

    def _is_given_up(self, poison: Poison, error: NewerReleaseError, attempt: int) -> bool:
        """Lay aside what was left alone for a day.

        What the list does not take is left alone for longer, as where a newer release wrote that very letter: the
        broker would try it without a pause.
        """
        if attempt < LEFT_ALONE_AT_MOST:
            return False
        try:
            self.aside.add(poison, str(error))
        except TryLaterError as unwell:
            log.warning("%s cannot be laid aside: %s", poison.subject or "a message", unwell)
            return False
        return True


def _poison(wake_up: WakeUp) -> Poison:
    """Return what is known of a wake-up that was refused: all of one aggregate are the same trouble."""
    about = (wake_up.key,)
    return Poison(SOURCE, encode_wake_up(wake_up), subject=wake_up.key, about=about, attempts=wake_up.attempt + 1)


def _given_up(body: bytes, deliveries: int) -> Poison:
    try:
        wake_up = parse_wake_up(body)
    except SlipwayError:
        return Poison(SOURCE, body, attempts=deliveries)
    return replace(_poison(wake_up), body=body, attempts=wake_up.attempt + deliveries)


def _wake_up_in(body: bytes, trouble: TryLaterError) -> WakeUp:
    """Return the wake-up in a body. Raises `trouble` when there is none."""
    try:
        return parse_wake_up(body)
    except (InvalidError, RejectedError):
        raise trouble from None
