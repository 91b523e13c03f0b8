"""The alert queue of the embedded default: a queue without sessions of the SQLite broker."""

import uuid
from datetime import datetime

from shared.adapters.sqlite.broker import SqliteBroker
from shared.wire.message_properties import of_attempt


class SqliteAlertQueue:
    """Puts alerts back on one queue of the broker."""

    def __init__(self, broker: SqliteBroker, queue_name: str) -> None:
        """Raises `RejectedError` when the queue was declared with sessions."""
        broker.declare(queue_name, sessions=False)
        self._broker = broker
        self._queue_name = queue_name

    def send(self, body: bytes, *, attempt: int, at: datetime) -> None:
        """Deliver the body not before `at`. Raises `TryLaterError` when the file is unwell."""
        self._broker.send(self._queue_name, body, message_id=str(uuid.uuid4()), at=at, properties=of_attempt(attempt))
