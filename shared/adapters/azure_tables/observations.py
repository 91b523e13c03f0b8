"""Pushed observations in Azure Table Storage: a partition for each target, so that a sender's rows and its base line
are one transaction.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from uuid import uuid4

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import Operation, create, delete, replace
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.domain.errors import TryLaterError, VersionConflictError
from shared.domain.names import Version
from shared.domain.observations import ClosedWindow, Observation, Spot
from shared.ports.observations import KeptBaseLine, Told
from shared.wire import observation_rows as rows
from shared.wire.table_limits import ROWS_A_TRANSACTION, TableRow

_ROWS_A_PAGE = 1000
_ADDITIONS_TRIED = 5
_NONCE = "nonce"


class TableObservations:
    """Implements `Observations` and `ClosedWindows`.

    Adding what is new is one request, and two more where some of it was there already.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(
        self, spot: Spot, observations: Sequence[Observation], base_line: KeptBaseLine | None = None
    ) -> tuple[bool, ...]:
        missing = {rows.told_key(each): each for each in observations}
        base = [_base_line_operation(spot, base_line)] if base_line else []
        for _ in range(_ADDITIONS_TRIED):
            if not base and not missing:
                break
            try:
                self._table.transact([*base, *(create(rows.told_row(spot, each)) for each in missing.values())])
            except RowConflictError as conflict:
                if base and self._has_moved(spot, base_line):
                    raise VersionConflictError("the base line moved since it was read") from conflict
                there = self._there(spot, list(missing.values()))
                missing = {key: each for key, each in missing.items() if key not in there}
                continue
            break
        else:
            raise TryLaterError("the same observations are being added by too many at once", after_seconds=1)
        new = set(missing)
        return tuple(_first(new, rows.told_key(each)) for each in observations)

    def told(self, spot: Spot, since: datetime, until: datetime) -> Told:
        found = [rows.told_in(spot, row.key, row.properties) for row in self._between(spot, rows.TOLD, since, until)]
        return Told(
            tuple(each for each in found if isinstance(each, Observation)),
            frozenset(each for each in found if isinstance(each, datetime)),
        )

    def base_line(self, spot: Spot, version: Version, sender: str) -> KeptBaseLine | None:
        row = self._table.find(rows.partition_of(spot), rows.base_line_key(version, sender))
        if row is None:
            return None
        base = rows.read_base_line(row.text())
        return KeptBaseLine(version=version, sender=sender, base=base, etag=row.etag)

    def prune(self, spot: Spot, *, told_before: datetime, closed_before: datetime, at_most: int) -> None:
        partition, a_page = rows.partition_of(spot), min(at_most, _ROWS_A_PAGE)
        told = self._table.between(partition, rows.TOLD, rows.since_key(rows.TOLD, told_before), a_page=a_page)
        closed = self._table.between(partition, rows.CLOSED, rows.since_key(rows.CLOSED, closed_before), a_page=a_page)
        low, high = rows.BASE_LINES
        base_lines = self._table.rows(
            f"PartitionKey eq @partition and RowKey ge @low and RowKey lt @high and {rows.SEEN} lt @seen",
            {"partition": partition, "low": low, "high": high, "seen": rows.time_key(told_before)},
            a_page=a_page,
        )
        for old in (told, closed, base_lines):
            self._forget(list(islice(old, at_most)))

    def open(self, spot: Spot, start: datetime) -> bool:
        return self._create_alone(rows.opened_row(spot, start))

    def close(self, spot: Spot, window: ClosedWindow) -> bool:
        return self._create_alone(rows.closed_row(spot, window))

    def closed(self, spot: Spot, since: datetime, until: datetime) -> tuple[ClosedWindow, ...]:
        found = (
            rows.closed_in(spot, row.key, row.properties) for row in self._between(spot, rows.CLOSED, since, until)
        )
        return tuple(window for window in found if window is not None)

    def _create_alone(self, row: TableRow) -> bool:
        """Say whether the row is ours: one whose reply was lost is sent again and meets itself, and its nonce tells."""
        nonce = uuid4().hex
        try:
            self._table.transact([create(TableRow(row.partition, row.key, {**row.properties, _NONCE: nonce}))])
        except RowConflictError:
            there = self._table.find(row.partition, row.key)
            return there is not None and there.properties.get(_NONCE) == nonce
        return True

    def _between(self, spot: Spot, kind: str, since: datetime, until: datetime) -> Iterator[StoredRow]:
        low, high = rows.since_key(kind, since), rows.since_key(kind, until)
        return self._table.between(rows.partition_of(spot), low, high, a_page=_ROWS_A_PAGE)

    def _has_moved(self, spot: Spot, base_line: KeptBaseLine | None) -> bool:
        if base_line is None:
            return False
        row = self._table.find(rows.partition_of(spot), rows.base_line_key(base_line.version, base_line.sender))
        return (row.etag if row else None) != base_line.etag

    def _there(self, spot: Spot, observations: Sequence[Observation]) -> set[str]:
        """Return the keys of the rows of these windows: what was refused is among them."""
        if not observations:
            return set()
        starts = [each.start for each in observations]
        return {row.key for row in self._between(spot, rows.TOLD, min(starts), max(starts) + spot.length)}

    def _forget(self, old: Sequence[StoredRow]) -> None:
        for at in range(0, len(old), ROWS_A_TRANSACTION):
            chunk = old[at : at + ROWS_A_TRANSACTION]
            try:
                self._table.transact([delete(TableRow(row.partition, row.key), row.etag) for row in chunk])
            except RowConflictError:
                return  # somebody else prunes too, or a base line moved: the rest goes the next time


def _base_line_operation(spot: Spot, kept: KeptBaseLine) -> Operation:
    row = rows.base_line_row(spot, kept.version, kept.sender, kept.base)
    return create(row) if kept.etag is None else replace(row, kept.etag)


def _first(new: set[str], key: str) -> bool:
    """Whether the key is new, for the first of its observations only."""
    if key not in new:
        return False
    new.remove(key)
    return True
