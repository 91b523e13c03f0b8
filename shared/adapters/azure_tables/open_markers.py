"""Open markers in Azure Table Storage: 16 partitions by hash, so that opening one waits for no other."""

import heapq
from datetime import datetime

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import delete, put, replace
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.ports.open_markers import Marker
from shared.wire.side_rows import MARKER_PARTITIONS, due_text, marker_row
from shared.wire.table_keys import EPOCH, LAST_MOMENT, moment, unescape_key

_ROWS_A_PAGE = 1000


class TableOpenMarkers:
    """Implements `OpenMarkers`; a token is the row's etag, and those overdue for longest come first.

    Looking for overdue markers reads the markers alone, a request for each thousand that are overdue. A damaged one
    whose `due` is no time is among them; one that lacks its `due`, or has it as another type than text, is not found.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def open(self, key: str, due: datetime) -> None:
        self._table.transact([put(marker_row(key, due))])

    def put_off(self, key: str, token: str, due: datetime) -> None:
        try:
            self._table.transact([replace(marker_row(key, due), token)])
        except RowConflictError:
            return  # opened again since, or gone: either way what stands there is right

    def close(self, key: str, token: str) -> None:
        try:
            self._table.transact([delete(marker_row(key, None), token)])
        except RowConflictError:
            return  # opened again since, or gone already: either way it is not ours to remove

    def overdue(self, now: datetime, *, limit: int) -> tuple[Marker, ...]:
        low, high = MARKER_PARTITIONS
        rows = self._table.rows(
            # The SDK knows a parameter by the blanks around it.
            "PartitionKey ge @low and PartitionKey lt @high and ( due le @now or due gt @last )",
            {"low": low, "high": high, "now": due_text(now), "last": due_text(moment(LAST_MOMENT))},
            a_page=_ROWS_A_PAGE,
        )
        return tuple(heapq.nsmallest(limit, map(_marker, rows), key=lambda marker: marker.due))


def _marker(row: StoredRow) -> Marker:
    """Return the marker in a row. One that says no time is due: who looks after it writes it anew, or takes it away."""
    try:
        due = moment(int(row.properties["due"]))
    except (ArithmeticError, LookupError, ValueError):
        due = EPOCH
    return Marker(unescape_key(row.key), due, row.etag)
