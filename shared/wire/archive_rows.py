"""The entries of an archive as rows of a table: the layout whose limits every store keeps to."""

from datetime import datetime
from uuid import uuid4

from shared.domain.archive import Entry, Kind
from shared.domain.errors import RejectedError
from shared.domain.names import EnvironmentName
from shared.wire import aggregate_rows as rows
from shared.wire.findings import shown
from shared.wire.flag_usage_rows import DAY
from shared.wire.flag_usage_rows import partition_of as usage_partition
from shared.wire.observation_rows import SEEN, time_key
from shared.wire.side_rows import dead_letter_row
from shared.wire.table_keys import EPOCH
from shared.wire.table_limits import TableRow, check_row
from shared.wire.table_text import split

OF_AGGREGATES = frozenset({Kind.HISTORY, Kind.STATE, Kind.OUTBOX, Kind.INBOX, Kind.ANSWER, Kind.RECORD})
"""The kinds of entries that an aggregate is made of."""


def rows_of(entry: Entry) -> list[TableRow]:
    """Return the rows that hold an entry. Raises `RejectedError` for one that no store has."""
    key, name, text = entry.place, entry.name, entry.text
    match entry.kind:
        case Kind.STATE:
            return [rows.state_row(key, text, uuid4().hex)]
        case Kind.OUTBOX:
            return [rows.outbox_row(key, name, text)]
        case Kind.INBOX:
            return [rows.inbox_row(key, name, _at(entry), text)]
        case Kind.ANSWER:
            return [rows.answer_row(key, name, text, uuid4().hex), rows.age_row(key, name, _at(entry))]
        case Kind.HISTORY:
            return [rows.history_row(key, sequence_of(entry), text)]
        case Kind.RECORD:
            return [rows.record_row(key, name, text)]
        case Kind.LETTER:
            return [dead_letter_row(name, text)]
        case Kind.OBSERVATION:
            return [TableRow(key, name, split(text))]
        case Kind.BASE_LINE:
            return [TableRow(key, name, {SEEN: time_key(_at(entry)), **split(text)})]
        case Kind.USAGE:
            return [TableRow(usage_partition(EnvironmentName(key)), name, {DAY: text})]


def sequence_of(entry: Entry) -> int:
    """Return the number of an entry of history."""
    if not entry.name.isascii() or not entry.name.isdigit():
        raise RejectedError(f"{words_of(entry)}: history is numbered")
    return int(entry.name)


def words_of(entry: Entry) -> str:
    """Return which entry this is, for people."""
    named = f" {shown(entry.name)}" if entry.name else ""
    return f"{entry.kind}{named} of {entry.place[:200]}" if entry.place else f"{entry.kind}{named}"


def _at(entry: Entry) -> datetime:
    return entry.at if entry.at is not None else EPOCH


def check_entry(entry: Entry) -> None:
    """Raise `RejectedError`, naming the limit, when the real service could not take it."""
    for row in rows_of(entry):
        check_row(row)
