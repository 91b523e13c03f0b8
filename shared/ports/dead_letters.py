"""What could not be handled, kept with its reason so that a person can look, mend and send it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused input: `source` says where it came from, such as `azure-monitor` or `commands`."""

    id: str
    source: str
    reason: str
    body: str
    at: datetime


class DeadLetters(Protocol):
    """Our own dead-letter list. Every method raises `TryLaterError` when the store is unwell."""

    def add(self, letter: DeadLetter) -> None:
        """Keep the letter. Adding the same id again changes nothing."""
        ...

    def page(self, *, after: str | None, limit: int) -> tuple[DeadLetter, ...]:
        """Return letters by id, ascending."""
        ...

    def remove(self, letter_id: str) -> None:
        """Forget a letter. Safe to repeat."""
        ...
