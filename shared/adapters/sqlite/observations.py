"""Pushed observations in the SQLite file, under the row keys that every store has."""

from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection
from uuid import uuid4

from shared.adapters.sqlite.database import Database
from shared.domain.errors import VersionConflictError
from shared.domain.names import Version
from shared.domain.observations import ClosedWindow, Observation, Spot
from shared.ports.observations import KeptBaseLine, Told
from shared.wire import observation_rows as rows
from shared.wire.table_limits import TableRow, check_transaction
from shared.wire.table_text import join, pack, unpack

_SCHEMA = """
CREATE TABLE IF NOT EXISTS observations (
    spot TEXT NOT NULL, position TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (spot, position));
CREATE TABLE IF NOT EXISTS observation_base_lines (
    spot TEXT NOT NULL, position TEXT NOT NULL, seen TEXT NOT NULL, etag TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (spot, position));
"""


class SqliteObservations:
    """Implements `Observations` and `ClosedWindows`."""

    def __init__(self, database: Database) -> None:
        database.require(_SCHEMA)
        self._database = database

    def add(
        self, spot: Spot, observations: Sequence[Observation], base_line: KeptBaseLine | None = None
    ) -> tuple[bool, ...]:
        told = {rows.told_key(each): each for each in observations}
        written = [rows.told_row(spot, each) for each in told.values()]
        base = [rows.base_line_row(spot, base_line.version, base_line.sender, base_line.base)] if base_line else []
        check_transaction([*base, *written])
        with self._database.writing() as connection:
            if base_line is not None:
                _replace_base_line(connection, base[0], base_line)
            new = {row.key: _insert(connection, row) for row in written}
        return tuple(new.pop(rows.told_key(each), False) for each in observations)

    def told(self, spot: Spot, since: datetime, until: datetime) -> Told:
        found = [
            rows.told_in(spot, position, {"d0": document})
            for position, document in self._between(spot, rows.TOLD, since, until)
        ]
        return Told(
            tuple(each for each in found if isinstance(each, Observation)),
            frozenset(each for each in found if isinstance(each, datetime)),
        )

    def base_line(self, spot: Spot, version: Version, sender: str) -> KeptBaseLine | None:
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT etag, document FROM observation_base_lines WHERE spot = ? AND position = ?",
                (rows.partition_of(spot), rows.base_line_key(version, sender)),
            ).fetchone()
            if found is None:
                return None
            etag, document = found
            return KeptBaseLine(version=version, sender=sender, base=rows.read_base_line(unpack(document)), etag=etag)

    def prune(self, spot: Spot, *, told_before: datetime, closed_before: datetime, at_most: int) -> None:
        partition = rows.partition_of(spot)
        with self._database.writing() as connection:
            for kind, before in ((rows.TOLD, told_before), (rows.CLOSED, closed_before)):
                connection.execute(
                    "DELETE FROM observations WHERE (spot, position) IN (SELECT spot, position FROM observations"
                    " WHERE spot = ? AND position >= ? AND position < ? LIMIT ?)",
                    (partition, kind, rows.since_key(kind, before), at_most),
                )
            connection.execute(
                "DELETE FROM observation_base_lines WHERE (spot, position) IN (SELECT spot, position FROM"
                " observation_base_lines WHERE spot = ? AND seen < ? LIMIT ?)",
                (partition, rows.time_key(told_before), at_most),
            )

    def open(self, spot: Spot, start: datetime) -> bool:
        return self._insert_alone(rows.opened_row(spot, start))

    def close(self, spot: Spot, window: ClosedWindow) -> bool:
        return self._insert_alone(rows.closed_row(spot, window))

    def closed(self, spot: Spot, since: datetime, until: datetime) -> tuple[ClosedWindow, ...]:
        found = (
            rows.closed_in(spot, position, {"d0": document})
            for position, document in self._between(spot, rows.CLOSED, since, until)
        )
        return tuple(window for window in found if window is not None)

    def _insert_alone(self, row: TableRow) -> bool:
        check_transaction([row])
        with self._database.writing() as connection:
            return _insert(connection, row)

    def _between(self, spot: Spot, kind: str, since: datetime, until: datetime) -> list[tuple[str, str]]:
        with self._database.reading() as connection:
            return connection.execute(
                "SELECT position, document FROM observations WHERE spot = ? AND position >= ? AND position < ?"
                " ORDER BY position",
                (rows.partition_of(spot), rows.since_key(kind, since), rows.since_key(kind, until)),
            ).fetchall()


def _insert(connection: Connection, row: TableRow) -> bool:
    inserted = connection.execute(
        "INSERT INTO observations (spot, position, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (row.partition, row.key, _document(row)),
    )
    return inserted.rowcount == 1


def _replace_base_line(connection: Connection, row: TableRow, kept: KeptBaseLine) -> None:
    new = (row.properties[rows.SEEN], uuid4().hex, _document(row))
    if kept.etag is None:
        done = connection.execute(
            "INSERT INTO observation_base_lines (seen, etag, document, spot, position) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (*new, row.partition, row.key),
        )
    else:
        done = connection.execute(
            "UPDATE observation_base_lines SET seen = ?, etag = ?, document = ?"
            " WHERE spot = ? AND position = ? AND etag = ?",
            (*new, row.partition, row.key, kept.etag),
        )
    if done.rowcount != 1:
        raise VersionConflictError(f"the base line of {kept.sender} moved since it was read")


def _document(row: TableRow) -> str:
    return pack(join(row.properties))
