"""Which rows of a table an aggregate is made of: one partition, so that one transaction can change it whole.

    0a                      state
    0b|{id}                 outbox
    0c|{accepted}|{hash}    inbox, in the order in which it was accepted
    d|{hash}                answer given to a command id, the deduplication row
    e|{accepted}|{hash}     the same once more in the order of time, to find the old ones without a scan
    h|{sequence}            history
    r|{id}                  records

What a load needs stands together (`0`), the state first and the inbox last: one range query reads it, and the
reader can stop after the oldest few inbox entries. Times are microseconds since 1970; a hash is the SHA-256 of
the command id.
"""

from datetime import datetime
from hashlib import sha256

from shared.wire.table_keys import escape_key, micros, padded
from shared.wire.table_limits import TableRow
from shared.wire.table_text import pack, split

STATE = "0a"
OUTBOX = "0b|"
INBOX = "0c|"
HISTORY = "h|"
AGES = "e|"
OPEN_ROWS = ("0", "1")
"""Half-open range of the row keys that a load reads."""


def partition_of(key: str) -> str:
    """Return the partition key of an aggregate."""
    return f"a|{escape_key(key)}"


def state_row(key: str, document: str, nonce: str) -> TableRow:
    """`nonce` names the write, so that a writer who lost the reply can tell whether it was its own."""
    return TableRow(partition_of(key), STATE, {"nonce": nonce, **split(document)})


def outbox_row(key: str, entry_id: str, document: str | None) -> TableRow:
    """`document` None names the row for its deletion; so in the other functions here."""
    return _row(key, OUTBOX + escape_key(entry_id), document)


def inbox_row(key: str, command_id: str, accepted: datetime, document: str | None) -> TableRow:
    row_key = f"{INBOX}{_time(accepted)}|{_hash(command_id)}"
    extra = {} if document is None else {"command": pack(command_id)}
    return _row(key, row_key, document, **extra)


def history_row(key: str, sequence: int, document: str) -> TableRow:
    return _row(key, history_key(sequence), document)


def record_row(key: str, record_id: str, document: str | None) -> TableRow:
    return _row(key, f"r|{escape_key(record_id)}", document)


def answer_row(key: str, command_id: str, answer: str, nonce: str) -> TableRow:
    return _row(key, answer_key(command_id), answer, nonce=nonce)


def age_row(key: str, command_id: str, accepted: datetime) -> TableRow:
    row_key = f"{AGES}{_time(accepted)}|{_hash(command_id)}"
    return TableRow(partition_of(key), row_key, {"command": pack(command_id)})


def history_key(sequence: int) -> str:
    return HISTORY + padded(sequence, "a history sequence number")


def answer_key(command_id: str) -> str:
    return f"d|{_hash(command_id)}"


def ages_before(moment: datetime) -> tuple[str, str]:
    """Return the half-open range of row keys of answers given before this time."""
    return AGES, AGES + padded(max(0, micros(moment)), "a time")


def answer_key_of_age(row_key: str) -> str:
    """Return the key of the deduplication row that belongs to a row of `age_row`."""
    return f"d|{row_key.rpartition('|')[2]}"


def accepted_of(row_key: str) -> int:
    """Return the time, in microseconds, in the key of an inbox row."""
    return int(row_key.split("|")[1])


def _row(key: str, row_key: str, document: str | None, **extra: str) -> TableRow:
    text = {} if document is None else split(document)
    return TableRow(partition_of(key), row_key, {**extra, **text})


def _time(moment: datetime) -> str:
    return padded(micros(moment), "a time in microseconds since 1970")


def _hash(command_id: str) -> str:
    return sha256(command_id.encode("utf-8", "surrogatepass")).hexdigest()
