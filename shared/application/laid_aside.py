"""Our own dead-letter list: what cannot be handled is laid aside with its reason, and is done with."""

import hashlib
import logging
from dataclasses import dataclass

from shared.ports.clock import Clock
from shared.ports.dead_letters import DeadLetter, DeadLetters

LONGEST_BODY = 64_000
"""Characters of a body that are kept: a letter is one row of the store, however its characters are escaped."""

log = logging.getLogger("slipway.laid_aside")


@dataclass(frozen=True, slots=True)
class LaidAside:
    """Writes letters; the same trouble twice is one letter."""

    letters: DeadLetters
    clock: Clock

    def add(self, source: str, body: bytes, reason: str) -> None:
        """Keep the body with its reason. Raises `TryLaterError` when the store is unwell."""
        log.error("laid aside (%s): %s", source, reason)
        letter_id = hashlib.sha256(f"{source}\n{reason}\n".encode() + body).hexdigest()[:24]
        text = body.decode(errors="replace")[:LONGEST_BODY]
        self.letters.add(DeadLetter(id=letter_id, source=source, reason=reason, body=text, at=self.clock.now()))
