"""Entries of an archive in the rows that stand in the table, and rows that are written so that they stand there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import create
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.domain.errors import RejectedError
from shared.ports.archive import Entry, Kind
from shared.wire import aggregate_rows
from shared.wire.flag_usage_rows import DAY
from shared.wire.observation_rows import SEEN
from shared.wire.table_keys import moment, unescape_key
from shared.wire.table_limits import ROWS_A_TRANSACTION, TableRow
from shared.wire.table_text import join, unpack

RECORD: Final = "r|"
NONCE: Final = "nonce"
"""Names a write, and is another one after each."""


def entry_in(kind: Kind, place: str, row: StoredRow) -> Entry:
    """Return the entry that a row holds; not for deduplication rows, which are two each."""
    return row.read(
        lambda row: Entry(
            kind,
            place,
            _NAMES.get(kind, _key)(row),
            row.properties[DAY] if kind is Kind.USAGE else join(row.properties),
            _at(kind, row),
        )
    )


def open_entries(place: str, rows: Sequence[StoredRow]) -> Iterator[Entry]:
    """Yield what is in the rows that a load reads: the state is the last, so that who has it has the others too."""
    for row in rows:
        if row.key.startswith(aggregate_rows.OUTBOX):
            yield entry_in(Kind.OUTBOX, place, row)
        elif row.key.startswith(aggregate_rows.INBOX):
            yield entry_in(Kind.INBOX, place, row)
    for row in rows:
        if row.key == aggregate_rows.STATE:
            yield entry_in(Kind.STATE, place, row)


def answers_in(place: str, rows: Sequence[StoredRow]) -> Iterator[Entry]:
    """Yield what was answered, with the commands and the times from the rows in the order of time."""
    texts = {row.key: row for row in rows}
    for age in rows:
        if age.key.startswith(aggregate_rows.AGES):
            answer = texts.get(aggregate_rows.answer_key_of_age(age.key))
            if answer is not None:
                accepted = age.read(lambda row: moment(aggregate_rows.accepted_of(row.key)))
                yield answer_in(place, age.read(_command), answer, accepted)


def answer_in(place: str, command: str, row: StoredRow, accepted: datetime | None) -> Entry:
    """Return what a command was answered."""
    return Entry(Kind.ANSWER, place, command, row.text(), accepted)


def write_rows(table: Table, rows: Sequence[TableRow]) -> None:
    """Write rows that are not there. Raises `RejectedError` where another one stands."""
    for _, of_partition in groupby(rows, key=lambda row: row.partition):
        together = list(of_partition)
        for at in range(0, len(together), ROWS_A_TRANSACTION):
            _write(table, together[at : at + ROWS_A_TRANSACTION])


def _write(table: Table, rows: Sequence[TableRow]) -> None:
    """In one transaction where that is possible, in smaller ones where it is too much for one."""
    if len(rows) == 1:
        _write_one(table, rows[0])
        return
    try:
        table.transact([create(row) for row in rows])
    except RowConflictError:
        for row in rows:
            _write_one(table, row)
    except RejectedError:
        half = len(rows) // 2
        _write(table, rows[:half])
        _write(table, rows[half:])


def _write_one(table: Table, row: TableRow) -> None:
    try:
        table.transact([create(row)])
    except RowConflictError as conflict:
        standing = table.find(row.partition, row.key)
        if standing is None or _bare(standing.properties) != _bare(row.properties):
            raise RejectedError(
                f"row {row.key[:80]!r} of {row.partition[:200]!r}: something else stands there"
            ) from conflict


def _bare(properties: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in properties.items() if name != NONCE}


def _at(kind: Kind, row: StoredRow) -> datetime | None:
    match kind:
        case Kind.INBOX:
            return moment(aggregate_rows.accepted_of(row.key))
        case Kind.BASE_LINE:
            return moment(int(row.properties[SEEN]))
        case _:
            return None


def _key(row: StoredRow) -> str:
    return row.key


def _command(row: StoredRow) -> str:
    return unpack(row.properties["command"])


_NAMES: Final[dict[Kind, Callable[[StoredRow], str]]] = {
    Kind.STATE: lambda _row: "",
    Kind.OUTBOX: lambda row: unescape_key(row.key.removeprefix(aggregate_rows.OUTBOX)),
    Kind.INBOX: _command,
    Kind.HISTORY: lambda row: str(int(row.key.removeprefix(aggregate_rows.HISTORY))),
    Kind.RECORD: lambda row: unescape_key(row.key.removeprefix(RECORD)),
    Kind.LETTER: lambda row: unescape_key(row.key),
}
