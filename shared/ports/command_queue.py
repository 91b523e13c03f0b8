"""How an aggregate is woken: a message with its key, now or at a later time."""

from datetime import datetime
from typing import Protocol

from shared.domain.wake_up import WakeUp

__all__ = ["CommandQueue", "WakeUp"]


class CommandQueue(Protocol):
    """Wakes aggregates, at least once each.

    Each send uses a fresh message id: the broker's duplicate detection must never swallow one.
    """

    def send(self, wake_up: WakeUp, *, at: datetime | None = None) -> None:
        """Deliver the wake-up now, or not before `at`. Raises `TryLaterError` when the queue is unwell."""
        ...
