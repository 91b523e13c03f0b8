"""What Table Storage takes in one transaction, checked before anything is sent.

The limits are the service's own (Understanding the Table service data model; Performing entity group
transactions). The emulator does not enforce all of them and other stores none, so every store of ours checks
here: what one of them takes, each of them takes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.errors import RejectedError
from shared.wire.table_text import utf16_length

ROWS_A_TRANSACTION = 100
BYTES_A_TRANSACTION = 4 * 1024 * 1024
BYTES_AN_ENTITY = 1024 * 1024
PROPERTIES_AN_ENTITY = 252
BYTES_A_STRING = 64 * 1024
BYTES_A_KEY = 1024
_ENVELOPE = 1_000
"""Bytes that one operation adds around its entity: boundary, method, URL and headers (measured: 550 to 870,
and up to 4 for each character of a key)."""
_SYSTEM_PROPERTIES = 4 + (8 + 2 * len("Timestamp") + 8)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One entity: its keys and its custom properties, all text. A row without properties is to be deleted."""

    partition: str
    key: str
    properties: Mapping[str, str] = field(default_factory=dict)


def check_transaction(rows: Sequence[TableRow]) -> None:
    """Raise `RejectedError`, naming the limit, when the service could not take these rows as one transaction."""
    if len(rows) > ROWS_A_TRANSACTION:
        raise RejectedError(f"{len(rows)} rows in one change: a transaction takes {ROWS_A_TRANSACTION} rows")
    _check_each_row_is_there_once(rows)
    for row in rows:
        check_row(row)
    payload = sum(_payload(row) for row in rows)
    if payload > BYTES_A_TRANSACTION:
        raise RejectedError(
            f"{payload:,} bytes in one change: a transaction takes {BYTES_A_TRANSACTION:,} bytes (4 MiB)"
        )


def check_row(row: TableRow) -> None:
    """Raise `RejectedError`, naming the limit, when the service could not take this row."""
    for name, key in (("partition key", row.partition), ("row key", row.key)):
        _at_most(2 * utf16_length(key), BYTES_A_KEY, f"the {name} {key[:80]!r}", "a key takes 1 KiB in UTF-16")
    where = f"row {row.key[:80]!r}"
    count = len(row.properties)
    if count > PROPERTIES_AN_ENTITY:
        raise RejectedError(f"{where} has {count} properties: an entity takes {PROPERTIES_AN_ENTITY} properties")
    for name, text in row.properties.items():
        what = f"property {name} of {where}"
        _at_most(2 * utf16_length(text), BYTES_A_STRING, what, "a string takes 64 KiB in UTF-16")
    _at_most(_entity_size(row), BYTES_AN_ENTITY, where, "an entity takes 1 MiB in UTF-16")


def _check_each_row_is_there_once(rows: Sequence[TableRow]) -> None:
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if (row.partition, row.key) in seen:
            raise RejectedError(f"row {row.key!r} appears twice in one change: a transaction takes each row once")
        seen.add((row.partition, row.key))


def _at_most(size: int, limit: int, what: str, rule: str) -> None:
    if size > limit:
        raise RejectedError(f"{what} has {size:,} bytes: {rule} ({limit:,} bytes)")


def _entity_size(row: TableRow) -> int:
    """The service's own formula: keys, names and strings in UTF-16, 8 bytes a property, 4 a string."""
    keys = 2 * (utf16_length(row.partition) + utf16_length(row.key))
    custom = sum(8 + 2 * len(name) + 4 + 2 * utf16_length(text) for name, text in row.properties.items())
    return _SYSTEM_PROPERTIES + keys + custom


def _payload(row: TableRow) -> int:
    """Bytes on the wire, where JSON goes as ASCII: an upper bound."""
    named = sum(len(json.dumps(text)) + 2 * len(name) + 40 for name, text in row.properties.items())
    return _ENVELOPE + 4 * (len(row.partition) + len(row.key)) + named
