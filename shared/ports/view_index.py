"""Rows for list views and look-ups, written after the fact so that reading a list never scans aggregates."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of a view. `version` is the aggregate's, so that a late write never replaces a newer one."""

    key: str
    version: int
    document: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of their keys and the key to go on after, None at the end."""

    rows: tuple[IndexRow, ...]
    next: str | None


class ViewIndex(Protocol):
    """Small read models: a view has groups (one partition each), a group has rows.

    Every method raises `TryLaterError` when the store is unwell.
    """

    def put(self, view: str, group: str, row: IndexRow) -> None:
        """Write the row unless a newer version of it stands there. Safe to repeat."""
        ...

    def drop(self, view: str, group: str, key: str) -> None:
        """Remove the row. Safe to repeat."""
        ...

    def page(self, view: str, group: str, *, after: str | None, limit: int) -> Page:
        """Return up to `limit` rows whose keys come after `after`."""
        ...
