"""Everything in the SQLite file. What one transaction read stood there together."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

from shared.adapters.sqlite.archived_tables import (
    ANSWERS,
    BESIDE_AGGREGATES,
    HISTORY,
    INBOX,
    OF_AGGREGATES,
    OUTBOX,
    RECORDS,
    STATE,
    TABLES,
)
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.dead_letters import SqliteDeadLetters
from shared.adapters.sqlite.flag_usage import SqliteFlagUsage
from shared.adapters.sqlite.observations import SqliteObservations
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.domain.archive import chunk_of
from shared.ports.archive import Chunk, Cursor, Entry, Kind
from shared.wire.archive_rows import check_entry
from shared.wire.table_text import pack, unpack

_LINES_A_CHUNK: Final = 500
_ALL: Final = -1
_NEXT_KEY: Final = " UNION ALL ".join(
    f"SELECT min(aggregate) AS found FROM {table.table} WHERE aggregate > :after"  # noqa: S608 - ours
    for table in OF_AGGREGATES
)


class SqliteArchive:
    """Implements `Archive`."""

    def __init__(self, database: Database) -> None:
        for keeper in (SqliteRolloutStore, SqliteDeadLetters, SqliteObservations, SqliteFlagUsage):
            keeper(database)  # sees to it that its tables are there
        self._database = database

    def read(self, cursor: Cursor | None) -> Chunk:
        with self._database.reading() as connection:
            at = cursor or _aggregate_after(connection, "")
            match at.kind:
                case Kind.HISTORY:
                    return _history(connection, at)
                case Kind.RECORD:
                    return _records(connection, at)
                case _:
                    return _beside(connection, at)

    def write(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            check_entry(entry)
        with self._database.writing() as connection:
            for entry in entries:
                TABLES[entry.kind].put(connection, entry)

    def keys(self, *, after: str, limit: int) -> tuple[str, ...]:
        found: list[str] = []
        with self._database.reading() as connection:
            while len(found) < limit and (key := _key_after(connection, found[-1] if found else after)) is not None:
                found.append(key)
        return tuple(found)


def _history(connection: Connection, at: Cursor) -> Chunk:
    lines, is_full = chunk_of(
        HISTORY.of_place(connection, at.place, after=at.name, limit=_LINES_A_CHUNK), _LINES_A_CHUNK
    )
    if is_full:
        return Chunk(lines, Cursor(Kind.HISTORY, at.place, lines[-1].name))
    head = (
        entry
        for table in (OUTBOX, INBOX, ANSWERS, STATE)
        for entry in table.of_place(connection, at.place, after="", limit=_ALL)
    )
    return Chunk((*lines, *head), Cursor(Kind.RECORD, at.place))


def _records(connection: Connection, at: Cursor) -> Chunk:
    found, is_full = chunk_of(
        RECORDS.of_place(connection, at.place, after=at.name, limit=_LINES_A_CHUNK), _LINES_A_CHUNK
    )
    return Chunk(
        found, Cursor(at.kind, at.place, found[-1].name) if is_full else _aggregate_after(connection, at.place)
    )


def _beside(connection: Connection, at: Cursor) -> Chunk:
    found, is_full = chunk_of(
        TABLES[at.kind].all_after(connection, at.place, at.name, limit=_LINES_A_CHUNK), _LINES_A_CHUNK
    )
    if is_full:
        return Chunk(found, Cursor(at.kind, found[-1].place, found[-1].name))
    following = [table.kind for table in BESIDE_AGGREGATES]
    following = following[following.index(at.kind) + 1 :]
    return Chunk(found, Cursor(following[0], "") if following else None)


def _aggregate_after(connection: Connection, key: str) -> Cursor:
    following = _key_after(connection, key)
    return Cursor(Kind.HISTORY, following) if following is not None else Cursor(BESIDE_AGGREGATES[0].kind, "")


def _key_after(connection: Connection, key: str) -> str | None:
    (found,) = connection.execute(f"SELECT min(found) FROM ({_NEXT_KEY})", {"after": pack(key)}).fetchone()  # noqa: S608 - ours
    return unpack(found) if found is not None else None
