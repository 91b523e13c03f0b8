"""What was measured: windows of time with the counts of both versions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from math import isfinite

MOST = 1e15
"""No figure is larger: sums and squares of what is must stay numbers."""


class Lack(StrEnum):
    """Why there is no sample."""

    NO_DATA = "no-data"
    """The source answered and had nothing for this window."""
    ERROR = "error"
    """The source failed, or answered what cannot be a measurement (NaN, infinite, negative)."""


@dataclass(frozen=True, slots=True)
class Missing:
    """No sample, and why. Never counts as zero and never as good."""

    lack: Lack
    why: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Requests by response time in milliseconds.

    `counts[i]` requests took more than `edges[i - 1]` and at most `edges[i]`; the last count, one more than there are
    edges, is what took longer than every edge.
    """

    edges: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def total(self) -> float:
        """All requests in it."""
        return sum(self.counts)

    @property
    def is_plausible(self) -> bool:
        """Whether this can be a histogram: rising finite edges, and one count more than edges, none negative."""
        rising = all(low < high for low, high in pairwise(self.edges))
        sound = all(isfinite(edge) for edge in self.edges) and all(0 <= n <= MOST for n in self.counts)
        return bool(self.edges) and rising and sound and len(self.counts) == len(self.edges) + 1

    def above(self, edge: float) -> float | None:
        """Return how many requests took longer than `edge`, or None where `edge` is none of the edges."""
        if edge not in self.edges:
            return None
        return sum(self.counts[self.edges.index(edge) + 1 :])

    def plus(self, other: "Histogram") -> "Histogram | None":
        """Return both together, or None when their edges differ."""
        if self.edges != other.edges:
            return None
        return Histogram(self.edges, tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A figure of a team's own in one window, under the name that a guard asks for.

    A counter says how many (`value`) of how many opportunities (`of`; None: of the requests); a gauge says its mean
    over the window.
    """

    name: str
    value: float
    of: float | None = None

    @property
    def is_plausible(self) -> bool:
        """Whether this can be a figure: finite, of a size that can be reckoned with, of no negative number."""
        return abs(self.value) <= MOST and (self.of is None or 0 <= self.of <= MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Counts of one version in one window."""

    requests: float
    failures: float
    latency_ms: float | None = None
    """Average response time; None when there were no requests or the source does not know."""
    histogram: Histogram | None = None
    """Response times by size; None when the source does not know."""
    values: tuple[Value, ...] = ()

    @property
    def is_plausible(self) -> bool:
        """Whether this can be a measurement: finite, not negative, not more failures than requests."""
        figures = (self.requests, self.failures, self.latency_ms or 0.0)
        sound = all(0 <= figure <= MOST for figure in figures) and self.failures <= self.requests
        own = all(value.is_plausible for value in self.values)
        return sound and own and (self.histogram is None or self.histogram.is_plausible)

    def plus(self, other: "Sample") -> "Sample":
        """Return both together: counts add up, the average is weighted by requests. Values of a team's own stay out."""
        requests = self.requests + other.requests
        timed = [(s.latency_ms, s.requests) for s in (self, other) if s.latency_ms is not None and s.requests > 0]
        weight = sum(count for _, count in timed)
        both = self.histogram.plus(other.histogram) if self.histogram and other.histogram else None
        return Sample(
            requests=requests,
            failures=self.failures + other.failures,
            latency_ms=sum(ms * count for ms, count in timed) / weight if weight else None,
            histogram=both,
        )

    def named(self, name: str) -> Value | None:
        """Return the figure of this name, or None."""
        return next((value for value in self.values if value.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One closed interval `[start, end)` with what each version's users met in it.

    `start` identifies the window: it enters the evidence at most once.
    """

    start: datetime
    end: datetime
    candidate: Sample | Missing
    stable: Sample | Missing
