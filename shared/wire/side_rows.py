"""Which rows of a table the things beside the aggregates are: open markers, view rows, dead letters.

m|{shard}            one row for each open aggregate; 16 shards by hash, so that no partition is hot
v|{view}|{group}     one row for each line of a view
l|                   dead letters
"""

from datetime import datetime
from hashlib import sha256

from shared.wire.table_keys import escape_key, micros, padded
from shared.wire.table_limits import TableRow
from shared.wire.table_text import split

MARKER_PARTITIONS = ("m|", "m}")
"""Half-open range of the partition keys of all shards."""
DEAD_LETTERS = "l|"


def marker_row(key: str, due: datetime | None) -> TableRow:
    """`due` None names the row for its deletion."""
    shard = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[0]
    properties = {} if due is None else {"due": due_text(due)}
    return TableRow(f"m|{shard}", escape_key(key), properties)


def due_text(due: datetime) -> str:
    """Return the time as text that sorts."""
    return padded(micros(due), "a time in microseconds since 1970")


def view_row(view: str, group: str, key: str, version: int, document: str) -> TableRow:
    """One line of a view, with the version that guards it."""
    properties = {"version": padded(version, "the version of a view row"), **split(document)}
    return TableRow(view_partition(view, group), escape_key(key), properties)


def view_partition(view: str, group: str) -> str:
    """Return the partition key of one group of a view."""
    return f"v|{escape_key(view)}|{escape_key(group)}"


def dead_letter_row(letter_id: str, document: str | None) -> TableRow:
    """`document` None names the row for its deletion."""
    return TableRow(DEAD_LETTERS, escape_key(letter_id), {} if document is None else split(document))
