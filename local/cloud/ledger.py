"""Who answered which requests how fast, second by second, for the last two hours: what telemetry with dimensions has.

Where a `Meter` counts what passed a slot, a ledger also knows the version that answered and the class of its status.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from local.cloud.meter import KEPT_SECONDS

EDGES_MS = (5, 10, 25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000, 10000)
"""The upper ends of the response times that are told apart, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What answers have in common."""

    slot: str
    version: str
    status: int
    """The first digit of the status."""
    at_edge: bool
    """A user's request to the site's own host, that did not name its place."""


@dataclass(slots=True)
class Heap:
    """Answers of one kind. `busy` is the sum of their response times in seconds."""

    requests: int = 0
    busy: float = 0.0
    by_time: list[int] = field(default_factory=lambda: [0] * (len(EDGES_MS) + 1))
    """How many took at most each of `EDGES_MS` and more than the one before; at the end, longer than all."""

    def add(self, other: "Heap") -> None:
        """Count what the other counted."""
        self.requests += other.requests
        self.busy += other.busy
        self.by_time = [ours + theirs for ours, theirs in zip(self.by_time, other.by_time, strict=True)]


@dataclass(slots=True)
class Ledger:
    """The answers of one site by second since the epoch, in bounded memory."""

    seconds: dict[int, dict[Kind, Heap]] = field(default_factory=dict)
    unsaved: set[int] = field(default_factory=set)
    """Seconds that changed since they were last written down."""

    def count(self, at: float, kind: Kind, took: float) -> None:
        """Credit one answer, that took so many seconds, to the second in which it was complete."""
        second = int(at)
        self.unsaved.add(second)
        if second not in self.seconds:
            self._forget(second - KEPT_SECONDS)
        heap = self.seconds.setdefault(second, {}).setdefault(kind, Heap())
        heap.requests += 1
        heap.busy += took
        heap.by_time[bisect_left(EDGES_MS, took * 1000)] += 1

    def between(self, start: int, end: int) -> dict[Kind, Heap]:
        """Return what was answered from second `start` until before second `end`, by kind."""
        found: dict[Kind, Heap] = {}
        for second in range(start, end):
            for kind, heap in self.seconds.get(second, {}).items():
                found.setdefault(kind, Heap()).add(heap)
        return found

    def take_unsaved(self) -> Iterator[tuple[int, Kind, Heap]]:
        """Yield what changed since the last time."""
        for second in sorted(self.unsaved):
            for kind, heap in self.seconds.get(second, {}).items():
                yield second, kind, heap
        self.unsaved.clear()

    def _forget(self, horizon: int) -> None:
        for second in [second for second in self.seconds if second < horizon]:
            del self.seconds[second]
