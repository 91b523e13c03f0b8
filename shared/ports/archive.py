"""All that is kept, entry by entry, whatever keeps it: what a backup is read from and a restore is written to.

Entries that follow from others are none of these: markers, rows of views and what flags are served from are made anew
from the aggregates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


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


class Archive(Protocol):
    """Walks over everything that is kept. No request is served this way: it is for who copies it all, or sets it up.

    Every method raises `TryLaterError` when the store is unwell, after a bounded time.
    """

    def read(self, cursor: Cursor | None) -> Chunk:
        """Return the next few hundred entries at most, perhaps none; `cursor` None: the first.

        Aggregates come in the order of their keys, and of each its history first, then state, inbox, outbox and
        deduplication rows in one chunk, as they stood together at one moment, with all of the history up to it and
        none beyond; then its records, of that moment or later. After the aggregates comes the rest, where a base
        line is no older than the observations beside it. Raises `TryLaterError` too when an aggregate changes
        faster than it can be read.
        """
        ...

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries that are not there, and leave those that are there and the same. Safe to repeat.

        Raises `RejectedError` that names an entry when another one stands in its place, or when the real service
        could not take it. Some of the others may have been written all the same.
        """
        ...

    def keys(self, *, after: str, limit: int) -> tuple[str, ...]:
        """Return the keys of aggregates that come after this one, in the order in which they are read."""
        ...
