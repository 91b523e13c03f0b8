"""The broker's twin in memory: the semantics of Service Bus queues that `SqliteBroker` keeps in a file.

It passes the same contract suite. Beyond the contract it says what became of sends, for the laws of the simulation.
"""

from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from shared.adapters.sqlite.deliveries import (
    DEAD_LETTER_SUFFIX,
    DESCRIPTION_PROPERTY,
    REASON_PROPERTY,
    Delivery,
    LockLostError,
    is_dead_letter_queue,
)
from shared.domain.errors import RejectedError


@dataclass(slots=True, kw_only=True)
class Message:
    """One message, on loan while it has a lock token."""

    sequence: int
    message_id: str
    session: str | None
    body: bytes
    properties: Mapping[str, str]
    due: datetime
    delivery_count: int = 0
    lock_token: str | None = None
    locked_until: datetime | None = None

    @property
    def order(self) -> tuple[datetime, int]:
        """By time, then as they came."""
        return (self.due, self.sequence)


@dataclass(slots=True)
class _Queue:
    sessions: bool
    turned: datetime | None = None
    """Up to when locks that ran out were taken: none runs out twice at one moment."""
    messages: list[Message] = field(default_factory=list)
    """In their order."""
    locks: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """The owner of each session that is held, and until when."""
    seen: dict[str, tuple[int, datetime]] = field(default_factory=dict)


class MemoryBroker:
    """Named queues with sessions, scheduled messages, locks, duplicate detection and dead letters."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        lock_duration: timedelta = timedelta(seconds=30),
        max_delivery_count: int = 10,
        duplicate_window: timedelta = timedelta(minutes=10),
    ) -> None:
        self.swallowed: list[str] = []
        """The ids of messages that the duplicate detection has lost."""
        self._now = now
        self._lock_duration = lock_duration
        self._max_delivery_count = max_delivery_count
        self._duplicate_window = duplicate_window
        self._queues: dict[str, _Queue] = {}
        self._sequences = count(1)
        self._tokens = count(1)

    def declare(self, queue: str, *, sessions: bool) -> None:
        """Make the queue and its dead-letter queue where they are missing."""
        for name, with_sessions in ((queue, sessions), (queue + DEAD_LETTER_SUFFIX, False)):
            self._queues.setdefault(name, _Queue(with_sessions))

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
        """Store a message, for now or not before `at`; one whose id was sent lately is lost without a word."""
        found, now = self._turn(queue), self._now()
        if found.sessions and not session_id:
            raise RejectedError(f"queue {queue} has sessions: a message needs one")
        self._forget_ids(found, now)
        if message_id in found.seen:
            self.swallowed.append(message_id)
            return found.seen[message_id][0]
        message = Message(
            sequence=next(self._sequences),
            message_id=message_id,
            session=session_id,
            body=body,
            properties=properties or {},
            due=max(now, at or now),
        )
        insort(found.messages, message, key=lambda each: each.order)
        found.seen[message_id] = (message.sequence, now)
        return message.sequence

    def cancel(self, queue: str, sequence: int) -> bool:
        """Take back a scheduled message. False when it came due before, or is not there."""
        found, now = self._turn(queue), self._now()
        scheduled = [each for each in found.messages if each.sequence == sequence and each.due > now]
        for message in scheduled:
            found.messages.remove(message)
        return bool(scheduled)

    def accept_next_session(self, queue: str, owner: str) -> str | None:
        """Lock the free session whose due message is the oldest, and return it; None when there is none."""
        found, now = self._turn(queue), self._now()
        for message in found.messages:
            if message.due > now:
                return None
            if message.session is not None and message.session not in found.locks:
                found.locks[message.session] = (owner, now + self._lock_duration)
                return message.session
        return None

    def release_session(self, queue: str, session: str, owner: str) -> None:
        """Give the session back. A delivery under it that was not settled does not count. Safe to repeat."""
        found = self._turn(queue)
        if found.locks.get(session, ("",))[0] != owner:
            return
        del found.locks[session]
        for message in found.messages:
            if message.session == session and message.lock_token is not None:
                message.lock_token = None
                message.delivery_count -= 1

    def drop_session(self, queue: str, session: str) -> None:
        """Take a session from whoever holds it, as a link that breaks does: the delivery counts, and comes again."""
        found = self._turn(queue)
        found.locks.pop(session, None)
        for message in [each for each in found.messages if each.session == session and each.lock_token is not None]:
            self._end_loan(queue, message)

    def receive(self, queue: str, *, session: str | None = None, owner: str) -> Delivery | None:
        """Lend the message that has been due the longest; None when there is none."""
        found, now = self._turn(queue), self._now()
        until = now + self._lock_duration
        if found.sessions:
            holder, until = found.locks.get(str(session), ("", now))
            if holder != owner:
                raise LockLostError(f"session {session} of queue {queue} is not held by {owner}")
        mine = [each for each in found.messages if not found.sessions or each.session == session]
        if found.sessions and any(each.lock_token for each in mine):
            return None
        message = next((each for each in mine if each.lock_token is None and each.due <= now), None)
        return None if message is None else self.lend(queue, message, until)

    def lend(self, queue: str, message: Message, until: datetime | None = None) -> Delivery:
        """Begin a loan of the message, whoever else works in its session."""
        message.lock_token = f"{next(self._tokens)}"
        message.locked_until = until or self._now() + self._lock_duration
        message.delivery_count += 1
        return Delivery(
            queue=queue,
            sequence=message.sequence,
            message_id=message.message_id,
            session_id=message.session,
            body=message.body,
            properties=message.properties,
            delivery_count=message.delivery_count,
            enqueued=message.due,
            lock_token=message.lock_token,
            locked_until=message.locked_until,
        )

    def renew(self, delivery: Delivery) -> Delivery:
        """Hold the message for another lock duration, under a session the session too; return the longer loan."""
        found, message = self._on_loan(delivery)
        until = self._now() + self._lock_duration
        message.locked_until = until
        if found.sessions and message.session in found.locks:
            found.locks[message.session] = (found.locks[message.session][0], until)
        return replace(delivery, locked_until=until)

    def complete(self, delivery: Delivery) -> None:
        """The message is done with: forget it."""
        found, message = self._on_loan(delivery)
        found.messages.remove(message)

    def abandon(self, delivery: Delivery) -> None:
        """Make the message available again at once; after the last delivery allowed it is dead-lettered instead."""
        _, message = self._on_loan(delivery)
        self._end_loan(delivery.queue, message)

    def dead_letter(self, delivery: Delivery, reason: str, description: str) -> None:
        """Move the message to the dead-letter queue. From there it can only be completed."""
        if is_dead_letter_queue(delivery.queue):
            raise RejectedError(f"{delivery.queue} has no dead-letter queue of its own")
        _, message = self._on_loan(delivery)
        self._bury(delivery.queue, message, reason, description)

    def next_due(self, queue: str) -> datetime | None:
        """When the next message that nobody holds comes due, perhaps in the past; None when there is none."""
        found = self._turn(queue)
        free = (each.due for each in found.messages if each.lock_token is None and each.session not in found.locks)
        return next(free, None)

    def next_event(self, queue: str) -> datetime | None:
        """When something changes by itself: a message comes due, or a lock runs out."""
        found, now = self._turn(queue), self._now()
        times = [each.locked_until if each.lock_token else each.due for each in found.messages]
        times += [until for _, until in found.locks.values()]
        return min((at for at in times if at is not None and at > now), default=None)

    def has_due(self, queue: str, *, in_sessions: bool) -> bool:
        """Whether a message is due that nobody holds, or one whose session nobody holds."""
        found, now = self._turn(queue), self._now()
        for message in found.messages:
            if message.due > now:
                return False
            if message.session not in found.locks if in_sessions else message.lock_token is None:
                return True
        return False

    def messages(self, queue: str) -> tuple[Message, ...]:
        """Return all messages: due, scheduled and on loan."""
        return tuple(self._turn(queue).messages)

    def depth(self, queue: str) -> int:
        """How many messages the queue has: due, scheduled and on loan."""
        return len(self._turn(queue).messages)

    def close(self) -> None:
        """Nothing to let go of."""

    def _turn(self, queue: str) -> _Queue:
        found, now = self._queues[queue], self._now()
        if found.turned == now:
            return found
        found.turned = now
        if found.locks:
            for session in [each for each, (_, until) in found.locks.items() if until <= now]:
                del found.locks[session]
        for message in [each for each in found.messages if each.lock_token and _is_past(each.locked_until, now)]:
            self._end_loan(queue, message)
        return found

    def _on_loan(self, delivery: Delivery) -> tuple[_Queue, Message]:
        found = self._turn(delivery.queue)
        for message in found.messages:
            if message.sequence == delivery.sequence and message.lock_token == delivery.lock_token:
                return found, message
        raise LockLostError(f"message {delivery.sequence} of queue {delivery.queue} is not on this loan any more")

    def _end_loan(self, queue: str, message: Message) -> None:
        if message.delivery_count < self._max_delivery_count or is_dead_letter_queue(queue):
            message.lock_token = None
            return
        why = f"Message could not be consumed after {message.delivery_count} delivery attempts."
        self._bury(queue, message, "MaxDeliveryCountExceeded", why)

    def _bury(self, queue: str, message: Message, reason: str, description: str) -> None:
        self._queues[queue].messages.remove(message)
        message.properties = {**message.properties, REASON_PROPERTY: reason, DESCRIPTION_PROPERTY: description}
        message.due, message.lock_token = self._now(), None
        insort(self._queues[queue + DEAD_LETTER_SUFFIX].messages, message, key=lambda each: each.order)

    def _forget_ids(self, found: _Queue, now: datetime) -> None:
        old = [each for each, (_, sent) in found.seen.items() if sent <= now - self._duplicate_window]
        for message_id in old:
            del found.seen[message_id]


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
