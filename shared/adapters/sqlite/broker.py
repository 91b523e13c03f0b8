"""A message broker in one SQLite file, with the semantics of Azure Service Bus queues.

A delivery is a loan: it ends by being settled, or by its lock running out, and then the message is there
again with a higher delivery count. On a queue with sessions the loan is the session's: one owner at a
time, its messages in order and one after the other.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from shared.adapters.sqlite import broker_tables as tables
from shared.adapters.sqlite.broker_file import BrokerFile
from shared.adapters.sqlite.deliveries import DeadLetteredMessage, Delivery, is_dead_letter_queue
from shared.domain.errors import RejectedError

MAX_BODY_BYTES: Final = 256 * 1024
"""The largest message of Service Bus's standard tier."""

MAX_ID_CHARACTERS: Final = 128
"""The longest message id and session id that Service Bus takes."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """One transaction on one queue, at one reading of the clock, with overdue loans already ended."""

    db: sqlite3.Connection
    queue: str
    sessions: bool
    now: datetime


class SqliteBroker:
    """Named queues in one durable file. Every method may be called from any thread.

    Every method raises `TryLaterError` when the file is unwell, after a bounded time, and `RejectedError`
    for a queue that was not declared; what takes a delivery raises `LockLostError` when the loan is over.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        now: Callable[[], datetime],
        lock_duration: timedelta = timedelta(seconds=30),
        max_delivery_count: int = 10,
        duplicate_window: timedelta = timedelta(minutes=10),
    ) -> None:
        """Open the file, made when it is missing. `now` returns the time in UTC, timezone-aware."""
        self._file = BrokerFile(path)
        self._now = now
        self._lock_duration = lock_duration
        self._max_delivery_count = max_delivery_count
        self._duplicate_window = duplicate_window
        self._news = threading.Condition()
        self._revision = 0

    def close(self) -> None:
        """Let go of the file and wake whoever waits. Locks stay until they run out. Safe to repeat."""
        self._file.close()
        self._tell()

    def declare(self, queue: str, *, sessions: bool) -> None:
        """Make the queue and its dead-letter queue where they are missing. Names ignore case.

        Raises `RejectedError` when the queue exists and differs in its sessions.
        """
        if is_dead_letter_queue(queue):
            raise RejectedError(f"{queue} is the dead-letter queue that its queue brings along")
        with self._file.transaction() as db:
            tables.insert_queue(db, queue, sessions=sessions)
            if tables.find_queue(db, queue)[1] != sessions:
                raise RejectedError(f"queue {queue} exists {'without' if sessions else 'with'} sessions")
        self._file.see_to(partial(tables.insert_queue, queue=queue, sessions=sessions))

    def has_sessions(self, queue: str) -> bool:
        """Whether the queue was declared with sessions."""
        with self._file.transaction() as db:
            return tables.find_queue(db, queue)[1]

    def send(
        self,
        queue: str,
        body: bytes,
        *,
        message_id: str,
        session_id: str | None = None,
        at: datetime | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> int:
        """Store a message, for now or not before `at`, and return its sequence number.

        A message whose id was sent to this queue within the duplicate window is lost without a word, as on
        Service Bus; the number returned is then that of the first one. Raises `RejectedError` for what Service
        Bus would not take: a body over 256 KiB, an id over 128 characters, no session where the queue has them.
        """
        with self._turn(queue) as turn:
            _check_sendable(turn, body, message_id, session_id)
            tables.forget_ids(turn.db, turn.queue, turn.now - self._duplicate_window)
            first = tables.sequence_of_id(turn.db, turn.queue, message_id)
            if first is not None:
                return first
            sequence = tables.insert_message(
                turn.db,
                turn.queue,
                body,
                message_id=message_id,
                session=session_id,
                due=max(turn.now, at or turn.now),
                properties=properties or {},
            )
            tables.remember_id(turn.db, turn.queue, message_id, sequence, turn.now)
        self._tell()
        return sequence

    def cancel(self, queue: str, sequence: int) -> bool:
        """Take back a scheduled message. False when it came due before, or is not there."""
        with self._turn(queue) as turn:
            return tables.delete_scheduled(turn.db, turn.queue, sequence, turn.now)

    def accept_next_session(self, queue: str, owner: str) -> str | None:
        """Lock the free session whose due message is the oldest, and return it; None when there is none.

        `owner` names this acceptance: use a fresh one each time, so that a lost lock is noticed.
        """
        with self._turn(queue) as turn:
            session = tables.next_free_session(turn.db, turn.queue, turn.now) if turn.sessions else None
            if session is not None:
                tables.lock_session(turn.db, turn.queue, session, owner, turn.now + self._lock_duration)
            return session

    def accept_session(self, queue: str, session: str, owner: str) -> bool:
        """Lock the named session, also when it is empty. False when somebody holds it."""
        with self._turn(queue) as turn:
            return tables.lock_session(turn.db, turn.queue, session, owner, turn.now + self._lock_duration)

    def renew_session(self, queue: str, session: str, owner: str) -> datetime:
        """Hold the session and the delivery under it for another lock duration; return the new end.

        Raises `LockLostError` when the owner does not hold it any more.
        """
        with self._turn(queue) as turn:
            tables.session_lock(turn.db, turn.queue, session, owner)
            until = turn.now + self._lock_duration
            tables.hold_session(turn.db, turn.queue, session, until)
            return until

    def release_session(self, queue: str, session: str, owner: str) -> None:
        """Give the session back. A delivery under it that was not settled does not count. Safe to repeat."""
        with self._turn(queue) as turn:
            tables.unlock_session(turn.db, turn.queue, session, owner)
        self._tell()

    def receive(self, queue: str, *, session: str | None = None, owner: str) -> Delivery | None:
        """Lend the message that has been due the longest; None when there is none, without waiting.

        On a queue with sessions `owner` must hold `session`, or `LockLostError` is raised, and None is
        returned as long as the session's last delivery is not settled.
        """
        with self._turn(queue) as turn:
            if turn.sessions:
                until = tables.session_lock(turn.db, turn.queue, session, owner)
                row = tables.oldest_due_of_session(turn.db, turn.queue, str(session), turn.now)
            else:
                until = turn.now + self._lock_duration
                row = tables.oldest_due(turn.db, turn.queue, turn.now)
            return None if row is None else tables.lend(turn.db, row, until)

    def renew(self, delivery: Delivery) -> Delivery:
        """Hold the message for another lock duration, under a session the session too; return the longer loan."""
        with self._turn(delivery.queue) as turn:
            row = tables.on_loan(turn.db, delivery)
            until = turn.now + self._lock_duration
            if turn.sessions:
                tables.hold_session(turn.db, turn.queue, row["session"], until)
            else:
                tables.hold_message(turn.db, row, until)
            return replace(delivery, locked_until=until)

    def complete(self, delivery: Delivery) -> None:
        """The message is done with: forget it."""
        with self._turn(delivery.queue) as turn:
            tables.delete_message(turn.db, tables.on_loan(turn.db, delivery))

    def abandon(self, delivery: Delivery) -> None:
        """Make the message available again at once; after the last delivery allowed it is dead-lettered instead."""
        with self._turn(delivery.queue) as turn:
            row = tables.on_loan(turn.db, delivery)
            tables.end_loan(turn.db, row, turn.now, self._max_delivery_count)
        self._tell()

    def release(self, delivery: Delivery) -> None:
        """Make the message available again at once, as though it had not been delivered."""
        with self._turn(delivery.queue) as turn:
            tables.hand_back(turn.db, tables.on_loan(turn.db, delivery))
        self._tell()

    def dead_letter(self, delivery: Delivery, reason: str, description: str) -> None:
        """Move the message to the dead-letter queue. From there it can only be completed."""
        with self._turn(delivery.queue) as turn:
            if is_dead_letter_queue(turn.queue):
                raise RejectedError(f"{turn.queue} has no dead-letter queue of its own")
            tables.bury(turn.db, tables.on_loan(turn.db, delivery), turn.now, reason, description)
        self._tell()

    def dead_letters(self, queue: str, *, limit: int = 100) -> tuple[DeadLetteredMessage, ...]:
        """Return the oldest dead letters without a loan. To remove one, receive and complete it."""
        with self._turn(queue) as turn:
            return tables.buried(turn.db, turn.queue, limit)

    def next_due(self, queue: str) -> datetime | None:
        """When the next message that nobody holds comes due, perhaps in the past; None when there is none."""
        with self._turn(queue) as turn:
            return tables.earliest_free(turn.db, turn.queue)

    def depth(self, queue: str) -> int:
        """How many messages the queue has: due, scheduled and on loan."""
        with self._turn(queue) as turn:
            return tables.count_messages(turn.db, turn.queue)

    def release_locks(self) -> None:
        """End every loan at once, for a host that starts and knows that it is the only one.

        The deliveries count, as when their locks run out: a message that kills its host is dead-lettered in the end.
        """
        with self._file.transaction() as db:
            tables.end_every_loan(db, self._now(), self._max_delivery_count)
        self._tell()

    @property
    def revision(self) -> int:
        """Grows whenever this broker object may have made a message available."""
        return self._revision

    def wait(self, timeout: float, *, seen: int | None = None) -> int:
        """Sleep until `revision` is not `seen` (default: what it is now), at most `timeout` seconds; return it.

        Read `revision`, look for messages, then wait with it as `seen`: so none slips in between.
        """
        with self._news:
            last = self._revision if seen is None else seen
            self._news.wait_for(lambda: self._revision != last, timeout)
            return self._revision

    @contextmanager
    def _turn(self, queue: str) -> Iterator[_Turn]:
        with self._file.transaction() as db:
            name, sessions = tables.find_queue(db, queue)
            now = self._now()
            tables.end_overdue_loans(db, name, now, self._max_delivery_count)
            yield _Turn(db, name, sessions, now)

    def _tell(self) -> None:
        with self._news:
            self._revision += 1
            self._news.notify_all()


def _check_sendable(turn: _Turn, body: bytes, message_id: str, session_id: str | None) -> None:
    if is_dead_letter_queue(turn.queue):
        raise RejectedError(f"{turn.queue} takes no messages from outside")
    if turn.sessions and not session_id:
        raise RejectedError(f"queue {turn.queue} has sessions: a message needs one")
    if len(body) > MAX_BODY_BYTES:
        raise RejectedError(f"a message has at most {MAX_BODY_BYTES} bytes, this one has {len(body)}")
    for name, text in (("message id", message_id), ("session id", session_id or "")):
        if len(text) > MAX_ID_CHARACTERS:
            raise RejectedError(f"a {name} has at most {MAX_ID_CHARACTERS} characters, this one has {len(text)}")
    if not message_id:
        raise RejectedError("a message needs an id")
