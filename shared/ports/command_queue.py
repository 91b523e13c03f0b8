"""How an aggregate is woken: a message with its key, now or at a later time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeUp:
    """Asks for a look at one aggregate. Carries the key, never the truth."""

    key: str
    """The aggregate, such as `application:shop`; also the session, so that its messages keep their order."""
    fence: str
    """Which scheduled wake-up this is; `""` for one that only says "there is news"."""
    attempt: int = 0
    """How often this wake-up was put off because a dependency was unwell."""
    marker: str = ""
    """The token of the open marker that the sweep saw, when the sweep sent this; else `""`."""


class CommandQueue(Protocol):
    """Wakes aggregates, at least once each.

    Each send uses a fresh message id: the broker's duplicate detection must never swallow one.
    """

    def send(self, wake_up: WakeUp, *, at: datetime | None = None) -> None:
        """Deliver the wake-up now, or not before `at`. Raises `TryLaterError` when the queue is unwell."""
        ...
