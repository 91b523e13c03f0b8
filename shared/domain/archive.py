"""All that is kept, entry by entry, whatever keeps it.

Entries that follow from others are none of these: markers, rows of views and what flags are served from are made anew
from the aggregates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

CHARACTERS_A_CHUNK: Final = 1_000_000


class Kind(StrEnum):
    """What an entry is. Each has a `place` and in it a `name`."""

    HISTORY = "history"
    """Place: the aggregate's key, here and in the next five; name: the sequence number, in digits."""
    OUTBOX = "outbox"
    """Name: the row's id."""
    INBOX = "inbox"
    """Name: the command's id; `at` is when it was accepted."""
    ANSWER = "answer"
    """A deduplication row. Name: the command's id; `at` is when it was accepted."""
    STATE = "state"
    """Name: empty."""
    RECORD = "record"
    """Name: the record's id."""
    LETTER = "letter"
    """Place: empty; name: the dead letter's id."""
    OBSERVATION = "observation"
    """Place and name: the keys of the row in a table (`shared.wire.observation_rows`), here and in the next one."""
    BASE_LINE = "base-line"
    """`at` is how far it reaches."""
    USAGE = "usage"
    """Place: the environment; name: the key of the row (`shared.wire.flag_usage_rows`); text: the day."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is kept; `text` is never looked into."""

    kind: Kind
    place: str
    name: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to go on: with the entries of this kind and place that come after `name`."""

    kind: Kind
    place: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some entries, and where the next ones begin; None: these were the last."""

    entries: tuple[Entry, ...]
    next: Cursor | None


def chunk_of(entries: Iterator[Entry], limit: int) -> tuple[tuple[Entry, ...], bool]:
    """Return the first entries, and whether there may be more of them.

    They are at most `limit`, and the one with which they have `CHARACTERS_A_CHUNK` characters is the last: a letter or
    a record may have hundreds of thousands.
    """
    found: list[Entry] = []
    characters = 0
    while len(found) < limit and characters < CHARACTERS_A_CHUNK:
        entry = next(entries, None)
        if entry is None:
            return tuple(found), False
        found.append(entry)
        characters += len(entry.text)
    return tuple(found), True
