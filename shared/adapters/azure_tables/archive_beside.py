"""What is kept beside the aggregates, partition by partition."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.adapters.azure_tables.archived_rows import entry_in
from shared.adapters.azure_tables.table import Table
from shared.domain.archive import chunk_of
from shared.domain.names import EnvironmentName
from shared.ports.archive import Chunk, Cursor, Kind
from shared.wire.flag_usage_rows import partition_of as usage_partition
from shared.wire.observation_rows import BASE_LINES, CLOSED
from shared.wire.side_rows import DEAD_LETTERS
from shared.wire.table_keys import escape_key, unescape_key

LAST: Final = "\x7f"
"""Comes after each character of a key."""
NEXT: Final = " "
"""Comes before each character of a key: a key and this is where the next key may begin."""
_ROWS_A_CHUNK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """Where the entries of one kind stand."""

    kind: Kind
    partitions: tuple[str, str]
    """Half-open range of partition keys."""
    rows: tuple[str, str] = ("", LAST)
    """Half-open range of row keys."""
    partition_of: Callable[[str], str] = lambda place: place
    place_of: Callable[[str], str] = lambda partition: partition
    row_key: Callable[[str], str] = lambda name: name


_SPOTS: Final = ("o|", "o}")
_ENVIRONMENTS: Final = ("u|", "u}")
_ALL: Final = (
    _Beside(
        kind=Kind.LETTER,
        partitions=(DEAD_LETTERS, DEAD_LETTERS + NEXT),
        partition_of=lambda _place: DEAD_LETTERS,
        place_of=lambda _partition: "",
        row_key=escape_key,
    ),
    _Beside(kind=Kind.OBSERVATION, partitions=_SPOTS, rows=(CLOSED, LAST)),
    _Beside(kind=Kind.BASE_LINE, partitions=_SPOTS, rows=BASE_LINES),
    _Beside(
        kind=Kind.USAGE,
        partitions=_ENVIRONMENTS,
        partition_of=lambda place: usage_partition(EnvironmentName(place)),
        place_of=lambda partition: unescape_key(partition.removeprefix(_ENVIRONMENTS[0])),
    ),
)
"""In the order in which they are read: a base line is read after what was told."""
FIRST_BESIDE: Final = Cursor(_ALL[0].kind, "")


def read_beside(table: Table, at: Cursor) -> Chunk:
    """Return entries of one partition; a cursor without a place: of the first one."""
    number = [each.kind for each in _ALL].index(at.kind)
    beside = _ALL[number]
    end = Cursor(_ALL[number + 1].kind, "") if number + 1 < len(_ALL) else None
    first = beside.partition_of(at.place) if at.place or at.name else partition_from(table, beside.partitions)
    if first is None:
        return Chunk((), end)
    place, (low, high) = beside.place_of(first), beside.rows
    low = beside.row_key(at.name) + NEXT if at.name else low
    rows = table.between(first, low, high, a_page=_ROWS_A_CHUNK)
    found, is_full = chunk_of((entry_in(beside.kind, place, row) for row in rows), _ROWS_A_CHUNK)
    if is_full:
        return Chunk(found, Cursor(beside.kind, place, found[-1].name))
    following = partition_after(table, first, beside.partitions[1])
    return Chunk(found, Cursor(beside.kind, beside.place_of(following)) if following is not None else end)


def partition_from(table: Table, among: tuple[str, str]) -> str | None:
    """Return the first partition of a half-open range."""
    return _partition(table, "ge", *among)


def partition_after(table: Table, partition: str, end: str) -> str | None:
    """Return the next partition before `end`."""
    return _partition(table, "gt", partition, end)


def _partition(table: Table, comes: str, low: str, high: str) -> str | None:
    """Ask for one row, which the service finds by its keys."""
    where = f"PartitionKey {comes} @low and PartitionKey lt @high"
    row = next(table.rows(where, {"low": low, "high": high}, a_page=1), None)
    return row.partition if row is not None else None
