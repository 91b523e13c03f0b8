"""Snapshots of flags in the SQLite file."""

from collections.abc import Collection
from datetime import datetime
from sqlite3 import Connection
from uuid import uuid4

from shared.adapters.sqlite.database import Database
from shared.domain.errors import VersionConflictError
from shared.domain.flags.turns import Turn
from shared.domain.names import EnvironmentName
from shared.ports.flag_snapshots import Head
from shared.wire import flag_snapshot_rows as rows
from shared.wire.table_keys import micros
from shared.wire.table_limits import check_row, check_transaction
from shared.wire.table_text import pack, unpack

_SCHEMA = """
CREATE TABLE IF NOT EXISTS flag_heads (environment TEXT PRIMARY KEY, etag TEXT NOT NULL, chunks TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS flag_turns (environment TEXT PRIMARY KEY, turn TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS flag_chunks (
    environment TEXT NOT NULL, name TEXT NOT NULL, written INTEGER NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (environment, name));
CREATE INDEX IF NOT EXISTS flag_chunks_by_age ON flag_chunks (environment, written);
"""


class SqliteFlagSnapshots:
    """Implements `FlagSnapshots`."""

    def __init__(self, database: Database) -> None:
        database.require(_SCHEMA)
        self._database = database

    def read_head(self, environment: EnvironmentName) -> Head:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT etag, chunks, turn FROM flag_heads LEFT JOIN flag_turns USING (environment)"
                " WHERE environment = ?",
                (pack(environment),),
            ).fetchone()
            return Head(row[0], rows.read_chunks(row[1]), rows.read_turn(row[2])) if row else Head(None)

    def move_head(self, environment: EnvironmentName, head: Head) -> str:
        check_row(rows.head_row(environment, head.chunks, head.turn))
        etag, chunks = uuid4().hex, rows.write_chunks(head.chunks)
        with self._database.writing() as connection:
            if head.etag is None:
                moved = connection.execute(
                    "INSERT INTO flag_heads (environment, etag, chunks) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (pack(environment), etag, chunks),
                )
            else:
                moved = connection.execute(
                    "UPDATE flag_heads SET etag = ?, chunks = ? WHERE environment = ? AND etag = ?",
                    (etag, chunks, pack(environment), head.etag),
                )
            if moved.rowcount == 1:
                self._keep_turn(connection, environment, head.turn)
        if moved.rowcount != 1:
            raise VersionConflictError(f"the snapshot of {environment} moved since it was read")
        return etag

    @staticmethod
    def _keep_turn(connection: Connection, environment: EnvironmentName, turn: Turn | None) -> None:
        """The turn has a table to itself: files of earlier releases have no column for it."""
        connection.execute("DELETE FROM flag_turns WHERE environment = ?", (pack(environment),))
        if turn is not None:
            connection.execute(
                "INSERT INTO flag_turns (environment, turn) VALUES (?, ?)", (pack(environment), rows.write_turn(turn))
            )

    def read_chunk(self, environment: EnvironmentName, name: str) -> str | None:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT document FROM flag_chunks WHERE environment = ? AND name = ?", (pack(environment), pack(name))
            ).fetchone()
            return unpack(row[0]) if row else None

    def write_chunk(self, environment: EnvironmentName, name: str, document: str, now: datetime) -> None:
        check_transaction(rows.chunk_rows(environment, name, document, now))
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO flag_chunks (environment, name, written, document) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET written = excluded.written",
                (pack(environment), pack(name), micros(now), pack(document)),
            )

    def prune(self, environment: EnvironmentName, keep: Collection[str], before: datetime, *, at_most: int) -> int:
        kept = {pack(name) for name in keep}
        with self._database.writing() as connection:
            old = connection.execute(
                "SELECT name FROM flag_chunks WHERE environment = ? AND written < ? ORDER BY written LIMIT ?",
                (pack(environment), micros(before), len(kept) + at_most),
            ).fetchall()
            gone = [name for (name,) in old if name not in kept][:at_most]
            connection.executemany(
                "DELETE FROM flag_chunks WHERE environment = ? AND name = ?",
                ((pack(environment), name) for name in gone),
            )
        return len(gone)
