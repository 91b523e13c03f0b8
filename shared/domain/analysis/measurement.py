"""What was measured: windows of time with the counts of both versions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Counts of one version in one window."""

    requests: float
    failures: float
    latency_ms: float | None = None
    """Average response time; None when there were no requests or the source does not know."""

    @property
    def is_plausible(self) -> bool:
        """Whether this can be a measurement: finite, not negative, not more failures than requests."""
        figures = (self.requests, self.failures, self.latency_ms or 0.0)
        return all(isfinite(figure) and figure >= 0 for figure in figures) and self.failures <= self.requests

    def plus(self, other: "Sample") -> "Sample":
        """Return both together: counts add up, the average is weighted by requests."""
        requests = self.requests + other.requests
        timed = [(s.latency_ms, s.requests) for s in (self, other) if s.latency_ms is not None and s.requests > 0]
        weight = sum(count for _, count in timed)
        return Sample(
            requests=requests,
            failures=self.failures + other.failures,
            latency_ms=sum(ms * count for ms, count in timed) / weight if weight else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One closed interval `[start, end)` with what each version's users met in it.

    `start` identifies the window: it enters the evidence at most once.
    """

    start: datetime
    end: datetime
    candidate: Sample | Missing
    stable: Sample | Missing
