"""Open markers in the SQLite file."""

from datetime import datetime
from uuid import uuid4

from shared.adapters.sqlite.database import Database
from shared.ports.open_markers import Marker
from shared.wire.side_rows import marker_row
from shared.wire.table_keys import EPOCH, LAST_MOMENT, micros, moment
from shared.wire.table_limits import check_row
from shared.wire.table_text import pack, unpack

_SCHEMA = """
CREATE TABLE IF NOT EXISTS open_markers (
    aggregate TEXT PRIMARY KEY, due INTEGER NOT NULL, token TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS open_markers_by_due ON open_markers (due);
"""
_OVERDUE = """
SELECT aggregate, due, token FROM open_markers WHERE due <= :now
UNION ALL
SELECT aggregate, due, token FROM open_markers WHERE due > :last_moment
ORDER BY due LIMIT :limit
"""
"""The second half finds those that are damaged: to SQLite what is no number is greater than any. Each half is a search
in the index; one condition of both would go through all markers.
"""


class SqliteOpenMarkers:
    """Implements `OpenMarkers`; the markers that are overdue for longest come first."""

    def __init__(self, database: Database) -> None:
        database.require(_SCHEMA)
        self._database = database

    def open(self, key: str, due: datetime) -> None:
        check_row(marker_row(key, due))
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO open_markers (aggregate, due, token) VALUES (?, ?, ?)",
                (pack(key), micros(due), uuid4().hex),
            )

    def put_off(self, key: str, token: str, due: datetime) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE open_markers SET due = ?, token = ? WHERE aggregate = ? AND token = ?",
                (micros(due), uuid4().hex, pack(key), token),
            )

    def close(self, key: str, token: str) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM open_markers WHERE aggregate = ? AND token = ?", (pack(key), token))

    def overdue(self, now: datetime, *, limit: int) -> tuple[Marker, ...]:
        with self._database.reading() as connection:
            asked = {"now": micros(now), "last_moment": LAST_MOMENT, "limit": max(0, limit)}
            rows = connection.execute(_OVERDUE, asked)
            return tuple(Marker(unpack(aggregate), _due(due), token) for aggregate, due, token in rows)


def _due(stored: int) -> datetime:
    """Return the time; one that no calendar has is long past: who looks after it writes it anew, or takes it away."""
    try:
        return moment(stored)
    except (ArithmeticError, TypeError):
        return EPOCH
