"""All that is kept, read and written as a whole: what a backup is made of, and a restore goes into."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.archive import Chunk, Cursor, Entry, Kind

__all__ = ["Archive", "Chunk", "Cursor", "Entry", "Kind"]


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
