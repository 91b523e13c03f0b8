"""The broker's rows: each function is one step inside a transaction that its caller holds.

Times are microseconds since 1970, so that they compare as integers. A message is on loan while it has a
lock token; its delivery count is the number of loans begun, less those handed back as though never begun.
"""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.adapters.sqlite.deliveries import (
    DEAD_LETTER_SUFFIX,
    DESCRIPTION_PROPERTY,
    REASON_PROPERTY,
    DeadLetteredMessage,
    Delivery,
    LockLostError,
)
from shared.domain.errors import RejectedError

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS broker_queues (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    sessions INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS broker_messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    message_id TEXT NOT NULL,
    session TEXT,
    body BLOB NOT NULL,
    properties TEXT NOT NULL,
    enqueued INTEGER NOT NULL,
    due INTEGER NOT NULL,
    delivery_count INTEGER NOT NULL DEFAULT 0,
    lock_token TEXT,
    locked_until INTEGER
);
CREATE INDEX IF NOT EXISTS broker_messages_due ON broker_messages (queue, due, sequence);
CREATE INDEX IF NOT EXISTS broker_messages_session ON broker_messages (queue, session, due, sequence)
    WHERE session IS NOT NULL;
CREATE INDEX IF NOT EXISTS broker_messages_locked ON broker_messages (queue, session)
    WHERE lock_token IS NOT NULL;
CREATE TABLE IF NOT EXISTS broker_sessions (
    queue TEXT NOT NULL,
    session TEXT NOT NULL,
    owner TEXT NOT NULL,
    locked_until INTEGER NOT NULL,
    PRIMARY KEY (queue, session)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS broker_seen_ids (
    queue TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    PRIMARY KEY (queue, message_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS broker_seen_ids_sent ON broker_seen_ids (queue, sent);
"""

_FREE_SESSION: Final = (
    "NOT EXISTS (SELECT 1 FROM broker_sessions AS s WHERE s.queue = m.queue AND s.session = m.session)"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def find_queue(db: sqlite3.Connection, queue: str) -> tuple[str, bool]:
    """Return the queue's name as declared, and whether it has sessions."""
    row = db.execute("SELECT name, sessions FROM broker_queues WHERE name = ?", (queue,)).fetchone()
    if row is None:
        raise RejectedError(f"queue {queue} does not exist")
    return str(row["name"]), bool(row["sessions"])


def insert_queue(db: sqlite3.Connection, queue: str, *, sessions: bool) -> None:
    """Make the queue and its dead-letter queue where they are missing."""
    for name, with_sessions in ((queue, sessions), (queue + DEAD_LETTER_SUFFIX, False)):
        db.execute("INSERT OR IGNORE INTO broker_queues VALUES (?, ?)", (name, with_sessions))


def insert_message(
    db: sqlite3.Connection,
    queue: str,
    body: bytes,
    *,
    message_id: str,
    session: str | None,
    due: datetime,
    properties: Mapping[str, str],
) -> int:
    """Store a message and return its sequence number."""
    inserted = db.execute(
        "INSERT INTO broker_messages (queue, message_id, session, body, properties, enqueued, due)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (queue, message_id, session, body, json.dumps(dict(properties)), _micros(due), _micros(due)),
    )
    assert inserted.lastrowid is not None
    return inserted.lastrowid


def delete_scheduled(db: sqlite3.Connection, queue: str, sequence: int, now: datetime) -> bool:
    """Delete the message if it is still to come due."""
    return _changed(
        db,
        "DELETE FROM broker_messages WHERE sequence = ? AND queue = ? AND due > ?",
        (sequence, queue, _micros(now)),
    )


def forget_ids(db: sqlite3.Connection, queue: str, sent_before: datetime) -> None:
    """Forget the message ids that left the duplicate window."""
    db.execute("DELETE FROM broker_seen_ids WHERE queue = ? AND sent <= ?", (queue, _micros(sent_before)))


def sequence_of_id(db: sqlite3.Connection, queue: str, message_id: str) -> int | None:
    """Return the sequence number of the message that was sent with this id within the duplicate window."""
    row = db.execute(
        "SELECT sequence FROM broker_seen_ids WHERE queue = ? AND message_id = ?", (queue, message_id)
    ).fetchone()
    return None if row is None else int(row["sequence"])


def remember_id(db: sqlite3.Connection, queue: str, message_id: str, sequence: int, now: datetime) -> None:
    """Open the duplicate window of this id."""
    db.execute("INSERT INTO broker_seen_ids VALUES (?, ?, ?, ?)", (queue, message_id, sequence, _micros(now)))


def next_free_session(db: sqlite3.Connection, queue: str, now: datetime) -> str | None:
    """Return the free session whose due message is the oldest."""
    row = db.execute(
        f"SELECT session FROM broker_messages AS m WHERE queue = ? AND due <= ? AND session IS NOT NULL"  # noqa: S608
        f" AND {_FREE_SESSION} ORDER BY due, sequence LIMIT 1",
        (queue, _micros(now)),
    ).fetchone()
    return None if row is None else str(row["session"])


def lock_session(db: sqlite3.Connection, queue: str, session: str, owner: str, until: datetime) -> bool:
    """Lock the session for the owner, unless somebody holds it."""
    return _changed(
        db,
        "INSERT OR IGNORE INTO broker_sessions VALUES (?, ?, ?, ?)",
        (queue, session, owner, _micros(until)),
    )


def session_lock(db: sqlite3.Connection, queue: str, session: str | None, owner: str) -> datetime:
    """Return when the owner's lock of the session ends. Raises `LockLostError` when the owner has none."""
    row = db.execute(
        "SELECT locked_until FROM broker_sessions WHERE queue = ? AND session = ? AND owner = ?",
        (queue, session, owner),
    ).fetchone()
    if row is None:
        raise LockLostError(f"session {session} of queue {queue} is not held by {owner}")
    return _time(row["locked_until"])


def hold_session(db: sqlite3.Connection, queue: str, session: str, until: datetime) -> None:
    """Move the end of the session's lock, and of the delivery's under it."""
    db.execute(
        "UPDATE broker_sessions SET locked_until = ? WHERE queue = ? AND session = ?",
        (_micros(until), queue, session),
    )
    db.execute(
        "UPDATE broker_messages SET locked_until = ? WHERE queue = ? AND session = ? AND lock_token IS NOT NULL",
        (_micros(until), queue, session),
    )


def unlock_session(db: sqlite3.Connection, queue: str, session: str, owner: str) -> None:
    """End the owner's lock of the session, and hand back the delivery under it."""
    if _changed(
        db,
        "DELETE FROM broker_sessions WHERE queue = ? AND session = ? AND owner = ?",
        (queue, session, owner),
    ):
        held = db.execute(
            "SELECT * FROM broker_messages WHERE queue = ? AND session = ? AND lock_token IS NOT NULL",
            (queue, session),
        )
        for row in held.fetchall():
            hand_back(db, row)


def oldest_due(db: sqlite3.Connection, queue: str, now: datetime) -> sqlite3.Row | None:
    """Return the message that has been due the longest and is not on loan."""
    return _one(
        db,
        "SELECT * FROM broker_messages WHERE queue = ? AND due <= ? AND lock_token IS NULL"
        " ORDER BY due, sequence LIMIT 1",
        (queue, _micros(now)),
    )


def oldest_due_of_session(db: sqlite3.Connection, queue: str, session: str, now: datetime) -> sqlite3.Row | None:
    """Return the session's message that has been due the longest, or None while another one is on loan."""
    return _one(
        db,
        "SELECT * FROM broker_messages WHERE queue = :queue AND session = :session AND due <= :now"
        " AND NOT EXISTS (SELECT 1 FROM broker_messages WHERE queue = :queue AND session = :session"
        "                 AND lock_token IS NOT NULL)"
        " ORDER BY due, sequence LIMIT 1",
        {"queue": queue, "session": session, "now": _micros(now)},
    )


def lend(db: sqlite3.Connection, row: sqlite3.Row, until: datetime) -> Delivery:
    """Begin a loan of the message."""
    token = str(uuid.uuid4())
    count = row["delivery_count"] + 1
    db.execute(
        "UPDATE broker_messages SET lock_token = ?, locked_until = ?, delivery_count = ? WHERE sequence = ?",
        (token, _micros(until), count, row["sequence"]),
    )
    return Delivery(
        queue=row["queue"],
        sequence=row["sequence"],
        message_id=row["message_id"],
        session_id=row["session"],
        body=row["body"],
        properties=json.loads(row["properties"]),
        delivery_count=count,
        enqueued=_time(row["enqueued"]),
        lock_token=token,
        locked_until=until,
    )


def on_loan(db: sqlite3.Connection, delivery: Delivery) -> sqlite3.Row:
    """Return the row that the delivery lends. Raises `LockLostError` when the loan is over."""
    row = _one(
        db,
        "SELECT * FROM broker_messages WHERE sequence = ? AND lock_token = ?",
        (delivery.sequence, delivery.lock_token),
    )
    if row is None:
        raise LockLostError(f"message {delivery.sequence} of queue {delivery.queue} is not on this loan any more")
    return row


def hold_message(db: sqlite3.Connection, row: sqlite3.Row, until: datetime) -> None:
    """Move the end of the loan."""
    db.execute("UPDATE broker_messages SET locked_until = ? WHERE sequence = ?", (_micros(until), row["sequence"]))


def delete_message(db: sqlite3.Connection, row: sqlite3.Row) -> None:
    """Forget the message."""
    db.execute("DELETE FROM broker_messages WHERE sequence = ?", (row["sequence"],))


def hand_back(db: sqlite3.Connection, row: sqlite3.Row) -> None:
    """End the loan as though it had not begun."""
    db.execute(
        "UPDATE broker_messages SET lock_token = NULL, delivery_count = delivery_count - 1 WHERE sequence = ?",
        (row["sequence"],),
    )


def end_loan(db: sqlite3.Connection, row: sqlite3.Row, now: datetime, max_delivery_count: int) -> None:
    """End a loan that came to nothing; the last one allowed moves the message to the dead-letter queue."""
    if row["delivery_count"] < max_delivery_count or row["queue"].endswith(DEAD_LETTER_SUFFIX):
        db.execute("UPDATE broker_messages SET lock_token = NULL WHERE sequence = ?", (row["sequence"],))
        return
    description = f"Message could not be consumed after {row['delivery_count']} delivery attempts."
    bury(db, row, now, "MaxDeliveryCountExceeded", description)


def bury(db: sqlite3.Connection, row: sqlite3.Row, now: datetime, reason: str, description: str) -> None:
    """Move the message to the dead-letter queue; there it is due from now on."""
    properties = json.loads(row["properties"]) | {REASON_PROPERTY: reason, DESCRIPTION_PROPERTY: description}
    db.execute(
        "UPDATE broker_messages SET queue = ?, due = ?, properties = ?, lock_token = NULL WHERE sequence = ?",
        (row["queue"] + DEAD_LETTER_SUFFIX, _micros(now), json.dumps(properties), row["sequence"]),
    )


def end_overdue_loans(db: sqlite3.Connection, queue: str, now: datetime, max_delivery_count: int) -> None:
    """Take back every session and message of the queue whose lock ran out."""
    db.execute("DELETE FROM broker_sessions WHERE queue = ? AND locked_until <= ?", (queue, _micros(now)))
    overdue = db.execute(
        "SELECT * FROM broker_messages WHERE queue = ? AND lock_token IS NOT NULL AND locked_until <= ?",
        (queue, _micros(now)),
    )
    for row in overdue.fetchall():
        end_loan(db, row, now, max_delivery_count)


def end_every_loan(db: sqlite3.Connection, now: datetime, max_delivery_count: int) -> None:
    """Take back every session and message of every queue."""
    db.execute("DELETE FROM broker_sessions")
    for row in db.execute("SELECT * FROM broker_messages WHERE lock_token IS NOT NULL").fetchall():
        end_loan(db, row, now, max_delivery_count)


def earliest_free(db: sqlite3.Connection, queue: str) -> datetime | None:
    """Return when the first message that nobody holds is due."""
    row = _one(
        db,
        f"SELECT due FROM broker_messages AS m WHERE queue = ? AND lock_token IS NULL AND {_FREE_SESSION}"  # noqa: S608
        " ORDER BY due LIMIT 1",
        (queue,),
    )
    return None if row is None else _time(row["due"])


def count_messages(db: sqlite3.Connection, queue: str) -> int:
    """Return how many messages the queue has."""
    (count,) = db.execute("SELECT count(*) FROM broker_messages WHERE queue = ?", (queue,)).fetchone()
    return int(count)


def buried(db: sqlite3.Connection, queue: str, limit: int) -> tuple[DeadLetteredMessage, ...]:
    """Return the oldest dead letters of the queue."""
    rows = db.execute(
        "SELECT * FROM broker_messages WHERE queue = ? ORDER BY due, sequence LIMIT ?",
        (queue + DEAD_LETTER_SUFFIX, limit),
    )
    return tuple(
        DeadLetteredMessage(
            sequence=row["sequence"],
            message_id=row["message_id"],
            session_id=row["session"],
            body=row["body"],
            properties=json.loads(row["properties"]),
            delivery_count=row["delivery_count"],
        )
        for row in rows.fetchall()
    )


def _one(
    db: sqlite3.Connection, statement: str, values: tuple[object, ...] | Mapping[str, object]
) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(statement, values).fetchone()
    return row


def _changed(db: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> bool:
    return db.execute(statement, values).rowcount > 0


def _micros(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _time(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND
