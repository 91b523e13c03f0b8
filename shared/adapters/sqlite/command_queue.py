"""The command queue of the embedded default: a queue with sessions of the SQLite broker."""

import uuid
from datetime import datetime

from shared.adapters.sqlite.broker import SqliteBroker
from shared.ports.command_queue import WakeUp
from shared.wire.message_properties import of_attempt
from shared.wire.wake_ups import encode_wake_up


class SqliteCommandQueue:
    """Sends wake-ups to one queue of the broker; the session is the aggregate."""

    def __init__(self, broker: SqliteBroker, queue_name: str) -> None:
        """Raises `RejectedError` when the queue was declared without sessions."""
        broker.declare(queue_name, sessions=True)
        self._broker = broker
        self._queue_name = queue_name

    def send(self, wake_up: WakeUp, *, at: datetime | None = None) -> None:
        """Deliver the wake-up now, or not before `at`. Raises `TryLaterError` when the file is unwell."""
        self._broker.send(
            self._queue_name,
            encode_wake_up(wake_up),
            message_id=str(uuid.uuid4()),
            session_id=wake_up.key,
            at=at,
        )

    def put_back(self, body: bytes, *, key: str, attempt: int, at: datetime) -> None:
        """Deliver the body not before `at`. Raises `TryLaterError` when the file is unwell."""
        self._broker.send(
            self._queue_name,
            body,
            message_id=str(uuid.uuid4()),
            session_id=key,
            at=at,
            properties=of_attempt(attempt),
        )
