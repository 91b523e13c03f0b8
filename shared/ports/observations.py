"""What senders pushed, kept until their windows are closed, and the closed windows after that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.base_lines import BaseLine
from shared.domain.names import Version
from shared.domain.observations import ClosedWindow, Observation, Spot

ROWS_AT_MOST = 99
"""So many observations may be added at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBaseLine:
    """What the next cumulative points of a sender are compared with; `etag` None: nothing was kept yet."""

    version: Version
    sender: str
    base: BaseLine
    etag: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of some windows: the rows of their senders, and the starts of the windows that were opened."""

    rows: tuple[Observation, ...]
    opened: frozenset[datetime]


class Observations(Protocol):
    """Keeps what senders say. The same observation again is no other: what was said first stands.

    What one call reads or writes does not grow with the number of applications, nor with their past. Every method
    raises `TryLaterError` when the store is unwell.
    """

    def add(
        self, spot: Spot, observations: Sequence[Observation], base_line: KeptBaseLine | None = None
    ) -> tuple[bool, ...]:
        """Keep observations of this spot, at most `ROWS_AT_MOST`, and say of each whether it is new.

        With a base line, all are written in one transaction with it, or nothing is: raises `VersionConflictError`
        when it is not any more as it was read. After a `TryLaterError` they may have been written all the same.
        """
        ...

    def told(self, spot: Spot, since: datetime, until: datetime) -> Told:
        """Return what was told of the windows with `since <= start < until`."""
        ...

    def base_line(self, spot: Spot, version: Version, sender: str) -> KeptBaseLine | None:
        """Return the base line of a sender's cumulative points, or None."""
        ...

    def prune(self, spot: Spot, *, told_before: datetime, closed_before: datetime, at_most: int) -> None:
        """Forget what was told of windows that began before, base lines as old, and closed windows.

        Of whatever length, but of each kind at most so many rows: what is left goes the next time.
        """
        ...


class ClosedWindows(Protocol):
    """Says who is the first to meet a window and who closes it, and keeps what closed windows came to.

    Every method raises `TryLaterError` when the store is unwell.
    """

    def open(self, spot: Spot, start: datetime) -> bool:
        """Note that something was told of the window. True for one caller only; perhaps for none, after an error."""
        ...

    def close(self, spot: Spot, window: ClosedWindow) -> bool:
        """Keep what the window came to, for good. True for one caller only; perhaps for none, after an error."""
        ...

    def closed(self, spot: Spot, since: datetime, until: datetime) -> tuple[ClosedWindow, ...]:
        """Return the closed windows with `since <= start < until`, ascending."""
        ...
