"""A wake-up is handled, put off, or laid aside with its reason: never lost, and never a storm of redeliveries."""

import hashlib
import logging
from dataclasses import dataclass

from shared.application.drive import Driver, put_off
from shared.domain.errors import SlipwayError, TryLaterError, VersionConflictError
from shared.domain.rollout.timing import backoff
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.dead_letters import DeadLetter, DeadLetters

log = logging.getLogger("slipway.wake")


@dataclass(frozen=True, slots=True)
class WakeUpHandler:
    """What a queue trigger calls."""

    driver: Driver
    queue: CommandQueue
    letters: DeadLetters
    clock: Clock

    def handle(self, wake_up: WakeUp, *, redelivered: bool) -> None:
        """Drive the application.

        When store or queue are unwell, a copy is scheduled with a growing pause and the message is done with. Raises
        only when that fails too: then the broker must deliver it again.
        """
        try:
            self.driver.drive(wake_up, redelivered=redelivered or wake_up.attempt > 0)
        except (TryLaterError, VersionConflictError) as error:
            if wake_up.marker:
                log.warning("%s: the next sweep tries again: %s", wake_up.key, error)
                return
            pause = backoff(wake_up.attempt, error.after_seconds if isinstance(error, TryLaterError) else None)
            log.warning("%s is put off for %s: %s", wake_up.key, pause, error)
            self.queue.send(put_off(wake_up), at=self.clock.now() + pause)
        except SlipwayError as error:
            self.lay_aside("commands", wake_up.key, error)

    def refuse(self, body: bytes, error: SlipwayError) -> None:
        """Lay aside a message that is no wake-up."""
        self.lay_aside("commands", body.decode(errors="replace")[:10_000], error)

    def lay_aside(self, source: str, body: str, error: SlipwayError) -> None:
        """Put what cannot be handled on our own dead-letter list; the same trouble twice is one letter."""
        log.error("laid aside (%s): %s", source, error)
        letter_id = hashlib.sha256(f"{source}\n{error}\n{body}".encode()).hexdigest()[:24]
        self.letters.add(DeadLetter(id=letter_id, source=source, reason=str(error), body=body, at=self.clock.now()))
