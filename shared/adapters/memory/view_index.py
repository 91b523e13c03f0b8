"""View rows in memory, in the order of their escaped keys as in every other store."""

from threading import RLock

from shared.ports.view_index import IndexRow, Page
from shared.wire.side_rows import view_row
from shared.wire.table_keys import escape_key
from shared.wire.table_limits import check_row


class MemoryViewIndex:
    """Implements `ViewIndex`. A row that was dropped is forgotten, its version too. Safe for several threads."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], dict[str, IndexRow]] = {}
        self._lock = RLock()

    def put(self, view: str, group: str, row: IndexRow) -> None:
        check_row(view_row(view, group, row.key, row.version, row.document))
        with self._lock:
            rows = self._groups.setdefault((view, group), {})
            known = rows.get(row.key)
            if known is None or row.version >= known.version:
                rows[row.key] = row

    def drop(self, view: str, group: str, key: str) -> None:
        with self._lock:
            self._groups.get((view, group), {}).pop(key, None)

    def page(self, view: str, group: str, *, after: str | None, limit: int) -> Page:
        size, start = max(1, limit), "" if after is None else escape_key(after)
        with self._lock:
            rows = {escape_key(row.key): row for row in self._groups.get((view, group), {}).values()}
        found = [rows[position] for position in sorted(rows) if position > start]
        return Page(tuple(found[:size]), found[size - 1].key if len(found) > size else None)
