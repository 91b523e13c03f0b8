"""The queue that action groups put alerts on, for putting back what cannot be taken in yet."""

from datetime import datetime
from typing import Protocol


class AlertQueue(Protocol):
    """Takes back an alert, as it came."""

    def send(self, body: bytes, *, attempt: int, at: datetime) -> None:
        """Deliver the body not before `at`; the message says that this will be attempt number `attempt` + 1.

        Each send uses a fresh message id. Raises `TryLaterError` when the queue is unwell.
        """
        ...
