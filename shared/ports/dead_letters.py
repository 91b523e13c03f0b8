"""Our own dead-letter list: what could not be handled, so that a person can look, mend, send again or discard."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.dead_letters.letter import DeadLetter, UnreadLetter


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A letter as it stands, with the etag of this state of it."""

    letter: DeadLetter
    etag: str


class DeadLetters(Protocol):
    """Keeps letters, each changed only by who knows how it stands. Raises `TryLaterError` when the store is unwell."""

    def find(self, letter_id: str) -> KeptLetter | None:
        """Return a letter, or None. Raises `NewerReleaseError` for one of a newer release, `RejectedError` for a
        broken one."""
        ...

    def page(self, *, after: str | None, limit: int) -> tuple[DeadLetter | UnreadLetter, ...]:
        """Return up to `limit` letters by id, ascending, whose ids come after `after`."""
        ...

    def put(self, letter: DeadLetter, etag: str | None) -> str:
        """Write the letter over the state that `etag` names (None: it must be new) and return its new etag.

        Raises `VersionConflictError` when another state stands there, `RejectedError` when it is too large.
        """
        ...

    def remove(self, letter_id: str, etag: str) -> None:
        """Forget the letter, unless it is in another state by now. Safe to repeat."""
        ...
