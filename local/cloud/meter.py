"""Counts of what passed a slot, second by second, for the last two hours."""

from dataclasses import dataclass, field

REACH_SECONDS = 7200
"""How far back counts can be asked for: two of the longest windows."""
KEPT_SECONDS = REACH_SECONDS + 60
"""How far back counts are kept."""


@dataclass(slots=True)
class Tally:
    """What happened in a span of time. `busy` is the sum of response times in seconds."""

    requests: int = 0
    failures: int = 0
    busy: float = 0.0
    pins: int = 0
    """Routing cookies handed out that pin a client to this slot."""

    def add(self, other: "Tally") -> None:
        """Count what the other counted."""
        self.requests += other.requests
        self.failures += other.failures
        self.busy += other.busy
        self.pins += other.pins


@dataclass(slots=True)
class Meter:
    """The tallies of one slot by second since the epoch, in bounded memory."""

    seconds: dict[int, Tally] = field(default_factory=dict)
    unsaved: set[int] = field(default_factory=set)
    """Seconds that changed since they were last written down."""

    def count_answer(self, at: float, *, failed: bool, took: float) -> None:
        """Credit one answered request to the second in which the answer was complete."""
        tally = self._tally(at)
        tally.requests += 1
        tally.failures += failed
        tally.busy += took

    def count_pin(self, at: float) -> None:
        """Credit one routing cookie."""
        self._tally(at).pins += 1

    def total(self, start: int, end: int) -> Tally:
        """Return what happened from second `start` until before second `end`."""
        total = Tally()
        for second in range(start, end):
            if (tally := self.seconds.get(second)) is not None:
                total.add(tally)
        return total

    def _tally(self, at: float) -> Tally:
        second = int(at)
        self.unsaved.add(second)
        tally = self.seconds.get(second)
        if tally is None:
            tally = self.seconds[second] = Tally()
            self._forget(second - KEPT_SECONDS)
        return tally

    def _forget(self, horizon: int) -> None:
        for second in [second for second in self.seconds if second < horizon]:
            del self.seconds[second]
