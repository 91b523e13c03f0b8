"""Which aggregates have open work: what the sweep reads, so that it never scans the aggregates themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Marker:
    """An aggregate with open work; `token` changes whenever the marker is opened again."""

    key: str
    due: datetime
    token: str


class OpenMarkers(Protocol):
    """One row for each aggregate with open work, in hash-sharded partitions.

    Every method raises `TryLaterError` when the store is unwell.
    """

    def open(self, key: str, due: datetime) -> None:
        """Say that the aggregate has open work and should have moved by `due`. Overwrites; renews the token."""
        ...

    def put_off(self, key: str, token: str, due: datetime) -> None:
        """Move the marker to a later `due`, unless it was opened again since `token` was read. Safe to repeat."""
        ...

    def close(self, key: str, token: str) -> None:
        """Remove the marker, unless it was opened again since `token` was read. Safe to repeat."""
        ...

    def overdue(self, now: datetime, *, limit: int) -> tuple[Marker, ...]:
        """Return markers with `due <= now`, at most `limit`."""
        ...
