"""What a guard counts: one rate, the tails of a histogram at several edges, or a level."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.analysis.dispersion import Dispersion
from shared.domain.analysis.guards import (
    Guard,
    Metric,
    Objective,
    Ratio,
    SampleRatio,
    Slower,
    Tail,
    Threshold,
    Worse,
)
from shared.domain.analysis.measurement import Histogram, Sample
from shared.domain.analysis.rates import Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePart:
    """One rate of a guard, with what the history says of it."""

    key: str
    """The guard's name, with the quantile behind an @ where it counts a tail."""
    edge: float | None = None
    """Slower than this many milliseconds counts; None: what the guard's metric counts."""
    dispersion: Dispersion


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPart:
    """The mean of a guard's metric a window, with what the history says of it."""

    key: str
    mean: float | None = None
    deviation: float | None = None
    """Standard deviation of stable's mean from one minute to the next; None: unknown."""
    correlation: float = 0.0
    """Between successive minutes."""
    requests: float = 0.0
    """Stable's requests a minute in that history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What was learnt of the stable version before traffic moved."""

    minutes: float = 0.0
    """How much history there was."""
    requests_per_second: float = 0.0
    rates: tuple[RatePart, ...] = ()
    levels: tuple[LevelPart, ...] = ()
    bulk_edge: float | None = None
    """The histogram edge nearest to stable's median."""
    bulk_share: float = 0.0
    """The share of its requests above it."""
    far_edge: float | None = None
    """The histogram edge nearest to stable's 99th percentile."""
    far_share: float = 0.0
    pooled: Sample | None = None
    """Everything together, without its histogram: what to compare with when stable has no traffic."""

    def rate(self, key: str) -> RatePart | None:
        """Return the rate of this key, or None."""
        return next((part for part in self.rates if part.key == key), None)

    def level(self, key: str) -> LevelPart | None:
        """Return the level of this key, or None."""
        return next((part for part in self.levels if part.key == key), None)


def counts_level(guard: Guard) -> bool:
    """Whether the guard compares means, and not counts: a gauge, or an average response time."""
    return isinstance(guard.test, Ratio) and guard.metric in (Metric.GAUGE, Metric.LATENCY)


COMPARED = "@compared"
"""Behind a guard's name: the comparison that an objective may ask for beside itself."""


def key_of(guard: Guard, quantile: float | None = None) -> str:
    """Return the name of a guard's rate."""
    return guard.name if quantile is None else f"{guard.name}@{quantile:g}"


def events(guard: Guard, sample: Sample, edge: float | None) -> tuple[float, float] | None:
    """Return how many of how many in a sample count for the guard, or None where the sample does not say."""
    if edge is not None and sample.histogram is not None:
        above = sample.histogram.above(edge)
        return None if above is None else (above, sample.histogram.total)
    if edge is not None:
        return _counted(sample, guard.of or guard.name)
    if guard.metric is Metric.COUNTER:
        return _counted(sample, guard.of)
    return sample.failures, sample.requests


def _counted(sample: Sample, name: str) -> tuple[float, float] | None:
    """Return a counter of how many; None where there is none, or one that is negative."""
    value = sample.named(name)
    if value is None or value.value < 0:
        return None
    return value.value, sample.requests if value.of is None else value.of


def level(guard: Guard, sample: Sample) -> float | None:
    """Return the mean that a guard looks at in a sample, or None where the sample does not say."""
    if guard.metric is Metric.GAUGE:
        value = sample.named(guard.of)
        return None if value is None else value.value
    return sample.latency_ms


def promise_of(guard: Guard, part: RatePart) -> Promise:
    """Return what a guard promises of a rate. Where less is worse the arms change places, and so does the slack."""
    if part.key.endswith(COMPARED):
        return Promise(Ratio().maximum, Ratio().slack)
    match guard.test:
        case Ratio(maximum=maximum, slack=slack, worse=worse):
            return Promise(maximum, slack * maximum if worse is Worse.LOWER else slack)
        case Tail(maximum=maximum, slack=slack):
            return Promise(maximum, slack * max(part.dispersion.usual, 1e-6))
        case Slower(maximum=maximum, slack=slack):
            return Promise(maximum, slack)
        case Objective(budget=budget, burn=burn):
            return Promise(0.0, min(1.0, budget * burn))
        case SampleRatio() | Threshold():
            raise TypeError(f"guard {guard.name} compares no rates")


def quantile_edge(histogram: Histogram, quantile: float) -> tuple[float, float]:
    """Return the edge whose share of slower requests is nearest (by ratio) to 1 - quantile, and that share."""
    total, wanted = histogram.total, 1.0 - quantile
    slower, best = total, (histogram.edges[-1], 0.0)
    nearest = float("inf")
    for edge, count in zip(histogram.edges, histogram.counts, strict=False):
        slower -= count
        share = max(slower, 0.0) / total
        distance = max(share / wanted, wanted / share) if share > 0 else float("inf")
        if distance < nearest:
            nearest, best = distance, (edge, share)
    return best


def rates_of(guard: Guard, parts: Iterable[RatePart]) -> tuple[RatePart, ...]:
    """Return the rates of a guard among all."""
    return tuple(part for part in parts if part.key == guard.name or part.key.startswith(f"{guard.name}@"))
