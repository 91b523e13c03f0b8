"""The rollout store in one SQLite file: each change is one transaction, on disk when it returns."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

from shared.adapters.sqlite.database import Database
from shared.domain.errors import VersionConflictError
from shared.ports.rollout_store import (
    Change,
    HistoryEntry,
    InboxEntry,
    Loaded,
    OutboxEntry,
    Receipt,
)
from shared.wire import aggregate_rows
from shared.wire.table_keys import micros, moment
from shared.wire.table_limits import TableRow, check_transaction
from shared.wire.table_text import pack, unpack

_INBOX_ENTRIES_A_LOAD = 20
_ANSWERS_FORGOTTEN_A_COMMIT = 10
_ANY_NONCE = uuid4().hex
"""The other stores name each write; here it only counts towards the size of a row."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS aggregates (
    aggregate TEXT PRIMARY KEY, etag TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    aggregate TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (aggregate, id));
CREATE TABLE IF NOT EXISTS inbox (
    aggregate TEXT NOT NULL, accepted INTEGER NOT NULL, command TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (aggregate, accepted, command));
CREATE TABLE IF NOT EXISTS answers (
    aggregate TEXT NOT NULL, command TEXT NOT NULL, accepted INTEGER NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (aggregate, command));
CREATE INDEX IF NOT EXISTS answers_by_age ON answers (aggregate, accepted);
CREATE TABLE IF NOT EXISTS history (
    aggregate TEXT NOT NULL, sequence INTEGER NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (aggregate, sequence));
CREATE TABLE IF NOT EXISTS records (
    aggregate TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (aggregate, id));
"""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SqliteRolloutStore:
    """Implements `RolloutStore` and `RolloutArchive`.

    `now` dates only the answers that were given without an inbox entry, which bring no time of their own.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime] = _utc_now) -> None:
        database.require(_SCHEMA)
        self._database = database
        self._now = now

    def load(self, key: str) -> Loaded:
        aggregate = pack(key)
        with self._database.reading() as connection:
            etag, document = _state(connection, aggregate)
            inbox = tuple(_inbox(connection, aggregate))
            outbox = tuple(sorted(_outbox(connection, aggregate), key=lambda entry: entry.id))
        return Loaded(key, etag, document, inbox, outbox)

    def accept(self, key: str, command_id: str, answer: str, entry: InboxEntry | None) -> Receipt:
        accepted = entry.accepted if entry else self._now()
        check_transaction(_rows_of_acceptance(key, command_id, answer, accepted, entry))
        with self._database.writing() as connection:
            known = _answer(connection, pack(key), command_id)
            if known is not None:
                return Receipt(first=False, answer=known)
            connection.execute(
                "INSERT INTO answers (aggregate, command, accepted, answer) VALUES (?, ?, ?, ?)",
                (pack(key), pack(command_id), micros(accepted), pack(answer)),
            )
            if entry:
                _put_into_inbox(connection, pack(key), entry)
        return Receipt(first=True, answer=answer)

    def commit(self, change: Change) -> str:
        check_transaction(_rows_of_change(change))
        aggregate = pack(change.key)
        with self._database.writing() as connection:
            etag = _move_state(connection, aggregate, change)
            _take_from_inbox(connection, aggregate, change)
            _close_and_open(connection, aggregate, change)
            _append_history(connection, aggregate, change)
            _keep_records(connection, aggregate, change)
            if change.forget_before:
                _forget_answers(connection, aggregate, change.forget_before)
        return etag

    def history(self, key: str, *, after: int, up_to: int, limit: int) -> tuple[HistoryEntry, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT sequence, document FROM history WHERE aggregate = ? AND sequence > ? AND sequence <= ?"
                " ORDER BY sequence LIMIT ?",
                (pack(key), after, up_to, max(0, limit)),
            )
            return tuple(HistoryEntry(sequence, unpack(document)) for sequence, document in rows)

    def record(self, key: str, record_id: str) -> str | None:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT document FROM records WHERE aggregate = ? AND id = ?", (pack(key), pack(record_id))
            ).fetchone()
            return unpack(row[0]) if row else None

    def answer(self, key: str, command_id: str) -> str | None:
        with self._database.reading() as connection:
            return _answer(connection, pack(key), command_id)


def _state(connection: sqlite3.Connection, aggregate: str) -> tuple[str | None, str | None]:
    row = connection.execute("SELECT etag, document FROM aggregates WHERE aggregate = ?", (aggregate,)).fetchone()
    return (row[0], unpack(row[1])) if row else (None, None)


def _inbox(connection: sqlite3.Connection, aggregate: str) -> Iterator[InboxEntry]:
    rows = connection.execute(
        "SELECT command, document, accepted FROM inbox WHERE aggregate = ? ORDER BY accepted, rowid LIMIT ?",
        (aggregate, _INBOX_ENTRIES_A_LOAD),
    )
    for command, document, accepted in rows:
        yield InboxEntry(unpack(command), unpack(document), moment(accepted))


def _outbox(connection: sqlite3.Connection, aggregate: str) -> Iterator[OutboxEntry]:
    rows = connection.execute("SELECT id, document FROM outbox WHERE aggregate = ?", (aggregate,))
    for entry_id, document in rows:
        yield OutboxEntry(unpack(entry_id), unpack(document))


def _answer(connection: sqlite3.Connection, aggregate: str, command_id: str) -> str | None:
    row = connection.execute(
        "SELECT answer FROM answers WHERE aggregate = ? AND command = ?", (aggregate, pack(command_id))
    ).fetchone()
    return unpack(row[0]) if row else None


def _put_into_inbox(connection: sqlite3.Connection, aggregate: str, entry: InboxEntry) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO inbox (aggregate, accepted, command, document) VALUES (?, ?, ?, ?)",
        (aggregate, micros(entry.accepted), pack(entry.command_id), pack(entry.document)),
    )


def _move_state(connection: sqlite3.Connection, aggregate: str, change: Change) -> str:
    etag = uuid4().hex
    if change.etag is None:
        moved = connection.execute(
            "INSERT INTO aggregates (aggregate, etag, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (aggregate, etag, pack(change.document)),
        )
    else:
        moved = connection.execute(
            "UPDATE aggregates SET etag = ?, document = ? WHERE aggregate = ? AND etag = ?",
            (etag, pack(change.document), aggregate, change.etag),
        )
    _expect_one(moved, change, "its etag is another one")
    return etag


def _take_from_inbox(connection: sqlite3.Connection, aggregate: str, change: Change) -> None:
    for accepted, command in dict.fromkeys((micros(e.accepted), e.command_id) for e in change.consumed):
        taken = connection.execute(
            "DELETE FROM inbox WHERE aggregate = ? AND accepted = ? AND command = ?",
            (aggregate, accepted, pack(command)),
        )
        _expect_one(taken, change, f"inbox entry {command!r} is gone")


def _close_and_open(connection: sqlite3.Connection, aggregate: str, change: Change) -> None:
    opened = {entry.id for entry in change.opened}
    for entry_id in dict.fromkeys(entry_id for entry_id in change.closed if entry_id not in opened):
        closed = connection.execute("DELETE FROM outbox WHERE aggregate = ? AND id = ?", (aggregate, pack(entry_id)))
        _expect_one(closed, change, f"outbox entry {entry_id!r} is gone")
    connection.executemany(
        "INSERT OR REPLACE INTO outbox (aggregate, id, document) VALUES (?, ?, ?)",
        ((aggregate, pack(entry.id), pack(entry.document)) for entry in change.opened),
    )


def _append_history(connection: sqlite3.Connection, aggregate: str, change: Change) -> None:
    for entry in change.history:
        appended = connection.execute(
            "INSERT INTO history (aggregate, sequence, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (aggregate, entry.sequence, pack(entry.document)),
        )
        _expect_one(appended, change, f"history entry {entry.sequence} stands already")


def _keep_records(connection: sqlite3.Connection, aggregate: str, change: Change) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO records (aggregate, id, document) VALUES (?, ?, ?)",
        ((aggregate, pack(record.id), pack(record.document)) for record in change.records),
    )


def _forget_answers(connection: sqlite3.Connection, aggregate: str, before: datetime) -> None:
    connection.execute(
        "DELETE FROM answers WHERE rowid IN ("
        "SELECT rowid FROM answers WHERE aggregate = ? AND accepted < ? ORDER BY accepted LIMIT ?)",
        (aggregate, micros(before), _ANSWERS_FORGOTTEN_A_COMMIT),
    )


def _expect_one(cursor: sqlite3.Cursor, change: Change, otherwise: str) -> None:
    if cursor.rowcount != 1:
        raise VersionConflictError(f"{change.key} changed since it was loaded: {otherwise}")


def _rows_of_acceptance(
    key: str, command_id: str, answer: str, accepted: datetime, entry: InboxEntry | None
) -> list[TableRow]:
    rows = [
        aggregate_rows.answer_row(key, command_id, answer, _ANY_NONCE),
        aggregate_rows.age_row(key, command_id, accepted),
    ]
    if entry:
        rows.append(aggregate_rows.inbox_row(key, entry.command_id, entry.accepted, entry.document))
    return rows


def _rows_of_change(change: Change) -> list[TableRow]:
    """What the change would be in a table: only its limits matter here."""
    key = change.key
    opened = {entry.id for entry in change.opened}
    consumed = {(entry.command_id, entry.accepted) for entry in change.consumed}
    return [
        aggregate_rows.state_row(key, change.document, _ANY_NONCE),
        *(aggregate_rows.outbox_row(key, entry.id, entry.document) for entry in change.opened),
        *(aggregate_rows.outbox_row(key, entry_id, None) for entry_id in set(change.closed) - opened),
        *(aggregate_rows.inbox_row(key, command, accepted, None) for command, accepted in consumed),
        *(aggregate_rows.history_row(key, entry.sequence, entry.document) for entry in change.history),
        *(aggregate_rows.record_row(key, record.id, record.document) for record in change.records),
    ]
