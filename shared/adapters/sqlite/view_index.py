"""View rows in the SQLite file, in the order of their escaped keys as in every other store."""

from shared.adapters.sqlite.database import Database
from shared.ports.view_index import IndexRow, Page
from shared.wire.side_rows import view_row
from shared.wire.table_keys import escape_key, unescape_key
from shared.wire.table_limits import check_row
from shared.wire.table_text import pack, unpack

_SCHEMA = """
CREATE TABLE IF NOT EXISTS view_rows (
    view TEXT NOT NULL, section TEXT NOT NULL, position TEXT NOT NULL, version INTEGER NOT NULL,
    document TEXT NOT NULL, PRIMARY KEY (view, section, position));
"""


class SqliteViewIndex:
    """Implements `ViewIndex`. A row that was dropped is forgotten, its version too."""

    def __init__(self, database: Database) -> None:
        database.require(_SCHEMA)
        self._database = database

    def put(self, view: str, group: str, row: IndexRow) -> None:
        check_row(view_row(view, group, row.key, row.version, row.document))
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO view_rows (view, section, position, version, document) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET version = excluded.version, document = excluded.document"
                " WHERE excluded.version >= version",
                (pack(view), pack(group), escape_key(row.key), row.version, pack(row.document)),
            )

    def drop(self, view: str, group: str, key: str) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM view_rows WHERE view = ? AND section = ? AND position = ?",
                (pack(view), pack(group), escape_key(key)),
            )

    def page(self, view: str, group: str, *, after: str | None, limit: int) -> Page:
        size = max(1, limit)
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT position, version, document FROM view_rows"
                " WHERE view = ? AND section = ? AND position > ? ORDER BY position LIMIT ?",
                (pack(view), pack(group), "" if after is None else escape_key(after), size + 1),
            ).fetchall()
            rows = tuple(
                IndexRow(unescape_key(position), int(version), unpack(document))
                for position, version, document in found[:size]
            )
        return Page(rows, rows[-1].key if len(found) > size else None)
