"""The two ways to a queue, each with a receiving side, so that one suite runs on both.

A rig has a queue with sessions (`commands`) and one without (`plain`), fresh for every test, locks of 30
seconds, at most 3 deliveries, a duplicate window of 600 seconds, and a clock that a test moves.
"""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from shared.adapters.service_bus.command_queue import ServiceBusCommandQueue
from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.command_queue import SqliteCommandQueue
from shared.adapters.sqlite.deliveries import DEAD_LETTER_SUFFIX, Delivery, LockLostError
from shared.ports.command_queue import CommandQueue
from tests.amqp_broker import BrokerProcess
from tests.simulation.protocol.broker import MemoryBroker

LOCK = timedelta(seconds=30)
MAX_DELIVERIES = 3
DUPLICATE_WINDOW = timedelta(minutes=10)

_LOOK_SECONDS = 0.3
"""How long a Service Bus receiver waits before it says that there is nothing."""

_READ_SECONDS = 0.02
"""How long the SDK blocks on a socket: on loopback its 0.2 would only be waiting."""


class LockLost(Exception):  # noqa: N818 - what a test expects, not an error of the product
    """The receiving side was told that its lock is gone."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the receiving side sees it."""

    body: bytes
    session: str | None
    message_id: str
    delivery_count: int
    reason: str | None
    description: str | None
    token: Any
    """What the rig settles it by."""


class Receiver(Protocol):
    """Peek-lock receiving from one queue, or from the one session that it holds."""

    session: str | None

    def receive(self) -> Received | None: ...
    def complete(self, message: Received) -> None: ...
    def abandon(self, message: Received) -> None: ...
    def dead_letter(self, message: Received, reason: str, description: str) -> None: ...
    def renew(self, message: Received) -> None: ...
    def close(self) -> None: ...


class Rig(Protocol):
    """One broker with its command queue, and the ways to look behind it."""

    commands: str
    plain: str
    queue: CommandQueue

    def now(self) -> datetime: ...
    def advance(self, time: timedelta) -> None: ...
    def send(self, body: bytes, *, message_id: str, at: datetime | None = None) -> int | None:
        """Send to the plain queue; where `at` is given, return the sequence number."""
        ...

    def cancel(self, sequence: int) -> bool: ...
    def receiver(self) -> Receiver: ...
    def next_session(self) -> Receiver | None: ...
    def dead_letters(self, queue: str) -> Receiver: ...
    def restart(self) -> None: ...


class SqliteRig:
    """The SQLite broker through its own receiving side."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "queue.db"
        self._now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        self.commands, self.plain = "commands", "plain"
        self._open()

    def _open(self) -> None:
        self.broker = SqliteBroker(
            self._file,
            now=self.now,
            lock_duration=LOCK,
            max_delivery_count=MAX_DELIVERIES,
            duplicate_window=DUPLICATE_WINDOW,
        )
        self.broker.declare(self.plain, sessions=False)
        self.queue = SqliteCommandQueue(self.broker, self.commands)

    def now(self) -> datetime:
        return self._now

    def advance(self, time: timedelta) -> None:
        self._now += time

    def send(self, body: bytes, *, message_id: str, at: datetime | None = None) -> int | None:
        return self.broker.send(self.plain, body, message_id=message_id, at=at)

    def cancel(self, sequence: int) -> bool:
        return self.broker.cancel(self.plain, sequence)

    def receiver(self) -> Receiver:
        return SqliteReceiver(self.broker, self.plain, None)

    def next_session(self) -> Receiver | None:
        owner = str(uuid.uuid4())
        session = self.broker.accept_next_session(self.commands, owner)
        return None if session is None else SqliteReceiver(self.broker, self.commands, session, owner)

    def dead_letters(self, queue: str) -> Receiver:
        return SqliteReceiver(self.broker, queue + DEAD_LETTER_SUFFIX, None)

    def restart(self) -> None:
        self.broker.close()
        self._open()

    def close(self) -> None:
        self.broker.close()


class MemoryRig(SqliteRig):
    """The broker's twin that the simulation runs on, behind the same command queue."""

    def _open(self) -> None:
        self.broker = MemoryBroker(
            now=self.now, lock_duration=LOCK, max_delivery_count=MAX_DELIVERIES, duplicate_window=DUPLICATE_WINDOW
        )
        self.broker.declare(self.plain, sessions=False)
        self.queue = SqliteCommandQueue(self.broker, self.commands)

    def restart(self) -> None:
        """A restart of nothing: what is in memory here is the broker's for good."""


class SqliteReceiver:
    def __init__(self, broker: SqliteBroker, queue: str, session: str | None, owner: str = "receiver") -> None:
        self._broker = broker
        self._queue = queue
        self._owner = owner
        self.session = session

    def receive(self) -> Received | None:
        with _lock_lost(LockLostError):
            delivery = self._broker.receive(self._queue, session=self.session, owner=self._owner)
        return None if delivery is None else _received(delivery)

    def complete(self, message: Received) -> None:
        with _lock_lost(LockLostError):
            self._broker.complete(message.token)

    def abandon(self, message: Received) -> None:
        with _lock_lost(LockLostError):
            self._broker.abandon(message.token)

    def dead_letter(self, message: Received, reason: str, description: str) -> None:
        with _lock_lost(LockLostError):
            self._broker.dead_letter(message.token, reason, description)

    def renew(self, message: Received) -> None:
        with _lock_lost(LockLostError):
            self._broker.renew(message.token)

    def close(self) -> None:
        if self.session is not None:
            self._broker.release_session(self._queue, self.session, self._owner)


def _received(delivery: Delivery) -> Received:
    return Received(
        body=delivery.body,
        session=delivery.session_id,
        message_id=delivery.message_id,
        delivery_count=delivery.delivery_count,
        reason=delivery.properties.get("DeadLetterReason"),
        description=delivery.properties.get("DeadLetterErrorDescription"),
        token=delivery,
    )


class ServiceBusRig:
    """The Service Bus adapter and Microsoft's own receivers, over AMQP to the test broker."""

    def __init__(self, process: BrokerProcess) -> None:
        from azure.servicebus import ServiceBusClient

        self._process = process
        self.commands, self.plain = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("commands", "plain"))
        self._process.queues.declare(self.commands, sessions=True)
        self._process.queues.declare(self.plain, sessions=False)
        connection = self._process.connection_string
        self.queue = ServiceBusCommandQueue(self.commands, connection_string=connection, time_out=timedelta(seconds=10))
        self._sender = ServiceBusClient.from_connection_string(
            connection, retry_total=1, retry_backoff_factor=0.1, retry_mode="fixed"
        ).get_queue_sender(self.plain)
        self._client = ServiceBusClient.from_connection_string(connection, retry_total=0)
        self._to_close: list[Callable[[], None]] = [self.queue.close, self._sender.close]

    def now(self) -> datetime:
        return self._process.now()

    def advance(self, time: timedelta) -> None:
        self._process.advance(time.total_seconds())

    def send(self, body: bytes, *, message_id: str, at: datetime | None = None) -> int | None:
        from azure.servicebus import ServiceBusMessage

        message = ServiceBusMessage(body, message_id=message_id)
        if at is not None:
            return self._sender.schedule_messages(message, at)[0]
        self._sender.send_messages(message)
        return None

    def cancel(self, sequence: int) -> bool:
        from azure.servicebus.exceptions import MessageNotFoundError

        try:
            self._sender.cancel_scheduled_messages(sequence)
        except MessageNotFoundError:
            return False
        return True

    def receiver(self) -> Receiver:
        return self._attached(self._client.get_queue_receiver(self.plain, socket_timeout=_READ_SECONDS))

    def next_session(self) -> Receiver | None:
        from azure.servicebus import NEXT_AVAILABLE_SESSION
        from azure.servicebus.exceptions import OperationTimeoutError

        link = self._client.get_queue_receiver(
            self.commands, session_id=NEXT_AVAILABLE_SESSION, max_wait_time=_LOOK_SECONDS
        )
        try:
            return self._attached(link)
        except OperationTimeoutError:
            return None

    def dead_letters(self, queue: str) -> Receiver:
        return self._attached(
            self._client.get_queue_receiver(queue, sub_queue="deadletter", socket_timeout=_READ_SECONDS)
        )

    def restart(self) -> None:
        self._process.kill()
        self._process.start()

    def close(self) -> None:
        for close in self._to_close:
            with suppress(Exception):  # a receiver that a test has cut off cannot say goodbye
                close()

    def _attached(self, link: Any) -> "ServiceBusReceiver":
        link.__enter__()  # or its first receive would spend its waiting time on this
        receiver = ServiceBusReceiver(link)
        self._to_close.append(receiver.close)
        return receiver


class ServiceBusReceiver:
    def __init__(self, link: Any) -> None:
        self._link = link
        self.session = link.session.session_id if link.session else None

    def receive(self) -> Received | None:
        from azure.servicebus.exceptions import SessionLockLostError

        with _lock_lost(SessionLockLostError):
            messages = self._link.receive_messages(max_message_count=1, max_wait_time=_LOOK_SECONDS)
        if not messages:
            return None
        (message,) = messages
        return Received(
            body=b"".join(message.body),
            session=message.session_id,
            message_id=message.message_id,
            delivery_count=message.delivery_count + 1,  # as Azure Functions shows it
            reason=message.dead_letter_reason,
            description=message.dead_letter_error_description,
            token=message,
        )

    def complete(self, message: Received) -> None:
        self._settle(self._link.complete_message, message)

    def abandon(self, message: Received) -> None:
        self._settle(self._link.abandon_message, message)

    def dead_letter(self, message: Received, reason: str, description: str) -> None:
        self._settle(self._link.dead_letter_message, message, reason=reason, error_description=description)

    def renew(self, message: Received) -> None:
        if self._link.session:
            self._settle(lambda _: self._link.session.renew_lock(), message)
        else:
            self._settle(self._link.renew_message_lock, message)

    def close(self) -> None:
        self._link.close()

    def _settle(self, act: Callable[..., Any], message: Received, **details: str) -> None:
        from azure.servicebus.exceptions import MessageLockLostError, SessionLockLostError

        with _lock_lost(MessageLockLostError, SessionLockLostError):
            act(message.token, **details)


class _lock_lost:  # noqa: N801 - used as a statement
    def __init__(self, *foreign: type[Exception]) -> None:
        self._foreign = foreign

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, self._foreign):
            raise LockLost from error
