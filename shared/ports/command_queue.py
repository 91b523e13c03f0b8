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

    def put_back(self, body: bytes, *, key: str, attempt: int, at: datetime) -> None:
        """Deliver a body that cannot be read here once more, as it came, not before `at`.

        `key` names the aggregate that it was sent for; the message says that this will be attempt number
        `attempt` + 1. Raises `TryLaterError` when the queue is unwell.
        """
        ...
