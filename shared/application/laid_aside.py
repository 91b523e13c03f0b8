"""Our own dead-letter list: what cannot be handled is laid aside with its reason, and is done with."""

import hashlib
import logging
import re
from dataclasses import dataclass

from shared.domain.dead_letters.decide import refuse_again
from shared.domain.dead_letters.letter import LONGEST_REASON, DeadLetter, Refused
from shared.domain.errors import TryLaterError, VersionConflictError
from shared.ports.clock import Clock
from shared.ports.dead_letters import DeadLetters

LONGEST_BODY = 256 * 1024
"""Bytes of a body that are kept: no message of Service Bus's standard tier has more."""
CONFLICTS_AT_MOST = 10
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")

log = logging.getLogger("slipway.laid_aside")


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that could not be handled."""

    source: str
    """Where it came from, such as `azure-monitor` or `commands`."""
    body: bytes
    subject: str = ""
    """What makes two of these the same trouble, where their bodies may differ; empty: the body does."""
    about: tuple[str, ...] = ()
    """The keys of the aggregates that it is about, where that is known."""
    attempts: int = 1
    """How often it had been tried."""


@dataclass(frozen=True, slots=True)
class LaidAside:
    """Writes letters; the same trouble twice is one letter with a longer history, whatever the reason was."""

    letters: DeadLetters
    clock: Clock

    def add(self, poison: Poison, reason: str) -> None:
        """Keep the message with its reason; a letter that was closed is open again.

        Raises `TryLaterError` when the store is unwell, and `NewerReleaseError` where a newer release has written the
        letter: nothing is overwritten.
        """
        log.error("laid aside (%s): %s", poison.source, reason)
        said = _ODD.sub(" ", reason)[:LONGEST_REASON]
        refused = Refused(reason=said, at=self.clock.now(), attempts=poison.attempts)
        for _ in range(CONFLICTS_AT_MOST):
            standing = self.letters.find(letter_id(poison))
            body, is_whole = poison.body[:LONGEST_BODY], len(poison.body) <= LONGEST_BODY
            if standing is None:
                letter = DeadLetter(
                    id=letter_id(poison),
                    source=poison.source,
                    about=poison.about,
                    body=body,
                    is_whole=is_whole,
                    happenings=(refused,),
                )
            else:
                letter = refuse_again(standing.letter, refused, body, is_whole=is_whole)
            try:
                self.letters.put(letter, standing.etag if standing else None)
            except VersionConflictError:
                continue
            return
        raise TryLaterError(f"letter {letter_id(poison)} is changing too fast to be written now", after_seconds=1)


def letter_id(poison: Poison) -> str:
    """Return by what a letter is known: where it came from and what it is, not why it was refused."""
    told = poison.subject.encode("utf-8", "surrogatepass") or poison.body
    return hashlib.sha256(f"{poison.source}\n".encode() + told).hexdigest()[:24]
