"""What senders pushed, in memory: the same contract as the durable stores, under the same keys. For one thread."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from shared.domain.errors import VersionConflictError
from shared.domain.names import Version
from shared.domain.observations import ClosedWindow, Observation, Spot
from shared.ports.observations import KeptBaseLine, Told
from shared.wire import observation_rows as rows
from shared.wire.table_limits import TableRow, check_transaction


class MemoryObservations:
    """Implements `Observations` and `ClosedWindows`."""

    def __init__(self) -> None:
        self._etags = count(1)
        self._kept: dict[tuple[str, str], TableRow] = {}
        self._known: dict[tuple[str, str], Any] = {}
        self._base_lines: dict[tuple[str, str], tuple[str, KeptBaseLine]] = {}
        """By partition and key, with the time from which each is as old as what was told then."""

    def add(
        self, spot: Spot, observations: Sequence[Observation], base_line: KeptBaseLine | None = None
    ) -> tuple[bool, ...]:
        written = {rows.told_key(each): rows.told_row(spot, each) for each in observations}
        base = [rows.base_line_row(spot, base_line.version, base_line.sender, base_line.base)] if base_line else []
        check_transaction([*base, *written.values()])
        if base_line is not None:
            self._move(spot, base[0], base_line)
        new = {key: self._insert(row) for key, row in written.items()}
        return tuple(new.pop(rows.told_key(each), False) for each in observations)

    def told(self, spot: Spot, since: datetime, until: datetime) -> Told:
        found = [self._read(row, spot, rows.told_in) for row in self._between(spot, rows.TOLD, since, until)]
        return Told(
            tuple(each for each in found if isinstance(each, Observation)),
            frozenset(each for each in found if isinstance(each, datetime)),
        )

    def base_line(self, spot: Spot, version: Version, sender: str) -> KeptBaseLine | None:
        found = self._base_lines.get((rows.partition_of(spot), rows.base_line_key(version, sender)))
        return None if found is None else found[1]

    def prune(self, spot: Spot, *, told_before: datetime, closed_before: datetime, at_most: int) -> None:
        partition = rows.partition_of(spot)
        for kind, before in ((rows.TOLD, told_before), (rows.CLOSED, closed_before)):
            last = rows.since_key(kind, before)
            old = sorted(at for at in self._kept if at[0] == partition and kind <= at[1] < last)
            for at in old[:at_most]:
                del self._kept[at]
                self._known.pop(at, None)
        seen = rows.time_key(told_before)
        stale = [at for at, (then, _) in self._base_lines.items() if at[0] == partition and then < seen]
        for at in stale[:at_most]:
            del self._base_lines[at]

    def open(self, spot: Spot, start: datetime) -> bool:
        return self._insert(rows.opened_row(spot, start))

    def close(self, spot: Spot, window: ClosedWindow) -> bool:
        row = rows.closed_row(spot, window)
        check_transaction([row])
        return self._insert(row)

    def closed(self, spot: Spot, since: datetime, until: datetime) -> tuple[ClosedWindow, ...]:
        found = [self._read(row, spot, rows.closed_in) for row in self._between(spot, rows.CLOSED, since, until)]
        return tuple(window for window in found if window is not None)

    def _read(self, row: TableRow, spot: Spot, read: Callable[..., Any]) -> Any:
        """Return what a row says; each is read once."""
        at = (row.partition, row.key)
        if at not in self._known:
            self._known[at] = read(spot, row.key, row.properties)
        return self._known[at]

    def _insert(self, row: TableRow) -> bool:
        is_new = (row.partition, row.key) not in self._kept
        if is_new:
            self._kept[row.partition, row.key] = row
        return is_new

    def _between(self, spot: Spot, kind: str, since: datetime, until: datetime) -> Iterator[TableRow]:
        partition, first, last = rows.partition_of(spot), rows.since_key(kind, since), rows.since_key(kind, until)
        keys = sorted(at for at in self._kept if at[0] == partition and first <= at[1] < last)
        return (self._kept[at] for at in keys)

    def _move(self, spot: Spot, row: TableRow, wanted: KeptBaseLine) -> None:
        at = (row.partition, row.key)
        before = self._base_lines.get(at)
        if (before[1].etag if before else None) != wanted.etag:
            raise VersionConflictError(f"the base line of {wanted.sender} moved since it was read")
        etag = f"line-{next(self._etags)}"
        kept = KeptBaseLine(version=wanted.version, sender=wanted.sender, base=wanted.base, etag=etag)
        self._base_lines[at] = (str(row.properties[rows.SEEN]), kept)
