"""Snapshots of flags in Azure Table Storage: a partition for each environment."""

from collections.abc import Collection
from datetime import datetime
from itertools import islice

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import create, delete, put, replace
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.domain.errors import VersionConflictError
from shared.domain.names import EnvironmentName
from shared.ports.flag_snapshots import Head
from shared.wire import flag_snapshot_rows as rows
from shared.wire.table_limits import TableRow


class TableFlagSnapshots:
    """Implements `FlagSnapshots`. Each method is one request but `prune`, which is two for each chunk that goes."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read_head(self, environment: EnvironmentName) -> Head:
        row = self._table.find(rows.partition_of(environment), rows.HEAD)
        if row is None:
            return Head(None)
        return Head(row.etag, rows.read_chunks(row.text()), rows.read_turn(row.properties.get(rows.TURN)))

    def move_head(self, environment: EnvironmentName, head: Head) -> str:
        row = rows.head_row(environment, head.chunks, head.turn)
        try:
            return self._table.transact([create(row) if head.etag is None else replace(row, head.etag)])[0]
        except RowConflictError as conflict:
            raise VersionConflictError(f"the snapshot of {environment} moved since it was read") from conflict

    def read_chunk(self, environment: EnvironmentName, name: str) -> str | None:
        low, high = rows.chunk_range(name)
        partition = rows.partition_of(environment)
        pieces = list(self._table.between(partition, low, high, a_page=rows.PIECES_AT_MOST))
        if not pieces:
            return None
        return pieces[0].read(lambda _: rows.chunk_text([piece.properties for piece in pieces]))

    def write_chunk(self, environment: EnvironmentName, name: str, document: str, now: datetime) -> None:
        pieces = rows.chunk_rows(environment, name, document, now)
        self._table.transact([*map(put, pieces), put(rows.age_row(environment, name, now))])

    def prune(self, environment: EnvironmentName, keep: Collection[str], before: datetime, *, at_most: int) -> int:
        low, high = rows.ages_before(before)
        looked_at = len(keep) + at_most
        ages = self._table.between(rows.partition_of(environment), low, high, a_page=looked_at)
        old = [age for age in islice(ages, looked_at) if age.text() not in keep]
        return sum(self._forget(age) for age in old[:at_most])

    def _forget(self, age: StoredRow) -> bool:
        """Remove a chunk unless it was written again since; either way this date of it goes."""
        low, high = rows.chunk_range(age.text())
        pieces = list(self._table.between(age.partition, low, high, a_page=rows.PIECES_AT_MOST))
        is_of_then = bool(pieces) and pieces[0].properties.get(rows.WRITTEN) == rows.written_of(age.key)
        gone = [delete(TableRow(row.partition, row.key), row.etag) for row in pieces] if is_of_then else []
        try:
            self._table.transact([*gone, delete(TableRow(age.partition, age.key))])
        except RowConflictError:
            return False  # written again just now, or somebody else prunes: what is left goes the next time
        return is_of_then
