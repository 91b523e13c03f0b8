"""View rows in Azure Table Storage: a partition for each group of a view."""

from itertools import islice

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import create, delete, replace
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.domain.errors import TryLaterError
from shared.ports.view_index import IndexRow, Page
from shared.wire.side_rows import view_partition, view_row
from shared.wire.table_keys import escape_key, unescape_key
from shared.wire.table_limits import TableRow
from shared.wire.table_text import join

_WRITES_TRIED = 5


class TableViewIndex:
    """Implements `ViewIndex`. A row that was dropped is forgotten, its version too."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, view: str, group: str, row: IndexRow) -> None:
        new = view_row(view, group, row.key, row.version, row.document)
        for _ in range(_WRITES_TRIED):
            standing = self._table.find(new.partition, new.key)
            if standing and standing.read(_version) > row.version:
                return
            try:
                self._table.transact([replace(new, standing.etag) if standing else create(new)])
            except RowConflictError:
                continue
            return
        raise TryLaterError(f"row {row.key!r} of view {view!r} is being written by too many at once")

    def drop(self, view: str, group: str, key: str) -> None:
        try:
            self._table.transact([delete(TableRow(view_partition(view, group), escape_key(key)))])
        except RowConflictError:
            return  # gone already

    def page(self, view: str, group: str, *, after: str | None, limit: int) -> Page:
        size = max(1, limit)
        rows = self._table.rows(
            "PartitionKey eq @partition and RowKey gt @after",
            {"partition": view_partition(view, group), "after": "" if after is None else escape_key(after)},
            a_page=size + 1,
        )
        found = tuple(row.read(_index_row) for row in islice(rows, size + 1))
        return Page(found[:size], found[size - 1].key if len(found) > size else None)


def _index_row(row: StoredRow) -> IndexRow:
    return IndexRow(unescape_key(row.key), _version(row), join(row.properties))


def _version(row: StoredRow) -> int:
    return int(row.properties["version"])
