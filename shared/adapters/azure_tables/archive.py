"""Everything in the table, read partition by partition.

The service gives no snapshot of a partition over several requests. So the head of an aggregate is read between two
looks at the etag of its state, and once more when that moved: only commits change state, outbox and history. What is
accepted meanwhile moves no etag; it is seen to by the order of reading, deduplication rows before the inbox.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from shared.adapters.azure_tables.archive_beside import FIRST_BESIDE, LAST, NEXT, partition_after, read_beside
from shared.adapters.azure_tables.archived_rows import (
    RECORD,
    answer_in,
    answers_in,
    entry_in,
    open_entries,
    write_rows,
)
from shared.adapters.azure_tables.table import Table
from shared.domain.archive import chunk_of
from shared.domain.errors import TryLaterError
from shared.ports.archive import Chunk, Cursor, Entry, Kind
from shared.wire import aggregate_rows
from shared.wire.archive_rows import rows_of
from shared.wire.table_keys import escape_key, unescape_key

_ROWS_A_CHUNK: Final = 500
_RECORDS_A_PAGE: Final = 20
"""A record may have a million characters."""
_HEADS_TRIED: Final = 5
_A_PAGE: Final = 1000
_AGGREGATES: Final = ("a|", "a}")
"""Half-open range of partition keys, as the others here."""
_ANSWERS: Final = ("d|", "f")
"""Half-open range of row keys: deduplication rows, by command and by time."""


class TableArchive:
    """Implements `Archive`. A small aggregate takes eight requests, a thousand more rows one more."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, cursor: Cursor | None) -> Chunk:
        at = cursor or self._aggregate_after("")
        match at.kind:
            case Kind.HISTORY:
                return self._history(at)
            case Kind.RECORD:
                return self._records(at)
            case _:
                return read_beside(self._table, at)

    def write(self, entries: Sequence[Entry]) -> None:
        write_rows(self._table, [row for entry in entries for row in rows_of(entry)])

    def keys(self, *, after: str, limit: int) -> tuple[str, ...]:
        found: list[str] = []
        while len(found) < limit and (key := self._key_after(found[-1] if found else after)) is not None:
            found.append(key)
        return tuple(found)

    def _history(self, at: Cursor) -> Chunk:
        lines, is_full = chunk_of(self._lines(at.place, at.name), _ROWS_A_CHUNK)
        last = lines[-1].name if lines else at.name
        if is_full:
            return Chunk(lines, Cursor(Kind.HISTORY, at.place, last))
        return Chunk((*lines, *self._head(at.place, last)), Cursor(Kind.RECORD, at.place))

    def _lines(self, key: str, after: str) -> Iterator[Entry]:
        low = aggregate_rows.history_key(int(after or 0) + 1)
        yield from self._entries(Kind.HISTORY, key, low, aggregate_rows.HISTORY + LAST, _ROWS_A_CHUNK)

    def _head(self, key: str, last: str) -> tuple[Entry, ...]:
        """Return what stands together at one moment, with the history that came since `last`."""
        partition = aggregate_rows.partition_of(key)
        for _ in range(_HEADS_TRIED):
            before = self._etag(partition)
            answers = tuple(answers_in(key, tuple(self._table.between(partition, *_ANSWERS, a_page=_A_PAGE))))
            rows = tuple(self._table.between(partition, *aggregate_rows.OPEN_ROWS, a_page=_A_PAGE))
            lines = tuple(self._lines(key, last))
            if self._etag(partition) == before:
                work = tuple(open_entries(key, rows))
                return (*lines, *self._late_answers(partition, work, answers), *answers, *work)
        raise TryLaterError(f"{key} changes faster than it can be read", after_seconds=1)

    def _late_answers(self, partition: str, work: Sequence[Entry], answers: Sequence[Entry]) -> Iterator[Entry]:
        """Yield the deduplication rows of what was accepted after those were read."""
        known = {answer.name for answer in answers}
        for entry in work:
            if entry.kind is Kind.INBOX and entry.name not in known:
                row = self._table.find(partition, aggregate_rows.answer_key(entry.name))
                if row is not None:
                    yield answer_in(entry.place, entry.name, row, entry.at)

    def _etag(self, partition: str) -> str | None:
        state = self._table.find(partition, aggregate_rows.STATE)
        return state.etag if state is not None else None

    def _records(self, at: Cursor) -> Chunk:
        low = f"{RECORD}{escape_key(at.name)}{NEXT}" if at.name else RECORD
        found = self._entries(Kind.RECORD, at.place, low, RECORD + LAST, _RECORDS_A_PAGE)
        records, is_full = chunk_of(found, _ROWS_A_CHUNK)
        if is_full:
            return Chunk(records, Cursor(Kind.RECORD, at.place, records[-1].name))
        return Chunk(records, self._aggregate_after(at.place))

    def _entries(self, kind: Kind, key: str, low: str, high: str, a_page: int) -> Iterator[Entry]:
        rows = self._table.between(aggregate_rows.partition_of(key), low, high, a_page=a_page)
        return (entry_in(kind, key, row) for row in rows)

    def _aggregate_after(self, key: str) -> Cursor:
        following = self._key_after(key)
        return Cursor(Kind.HISTORY, following) if following is not None else FIRST_BESIDE

    def _key_after(self, key: str) -> str | None:
        found = partition_after(self._table, aggregate_rows.partition_of(key), _AGGREGATES[1])
        return unescape_key(found.removeprefix(_AGGREGATES[0])) if found is not None else None
