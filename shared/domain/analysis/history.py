"""What the stable version was like before traffic moved: rates, their roughness, and where its tails begin."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from math import sqrt

from shared.domain.analysis.dispersion import Dispersion, disperse
from shared.domain.analysis.guards import Guard, GuardConfig, Metric, Objective, SampleRatio, Slower, Tail, Threshold
from shared.domain.analysis.measurement import Histogram, Sample, Window
from shared.domain.analysis.parts import (
    COMPARED,
    Baseline,
    LevelPart,
    RatePart,
    counts_level,
    events,
    key_of,
    level,
    quantile_edge,
)

UNKNOWN = Dispersion(phi=4.0, usual=0.0)
"""Without a history: as rough as clusters of four."""
ENOUGH_IN_TAIL = 20.0
"""Requests beyond the edge that a tail above the 99th percentile needs in the history to be guarded."""


def learn(windows: Iterable[Window], config: GuardConfig) -> Baseline:
    """Return what the stable side of these windows says, ascending in time; 60 minutes of them are meant.

    Windows of less than a minute are put together to minutes first. With less history, or none, the dispersion is
    taken to be higher: slower to take back, never quicker.
    """
    samples = [w.stable for w in windows if isinstance(w.stable, Sample) and w.stable.is_plausible]
    per_minute = max(1, round(60.0 / config.window.total_seconds()))
    counters = frozenset(guard.of for guard in config.guards if guard.metric is Metric.COUNTER)
    minutes = [_together(samples[i : i + per_minute], counters) for i in range(0, len(samples), per_minute)]
    span = len(samples) * config.window.total_seconds() / 60.0
    histogram = _histogram(minutes)
    baseline = Baseline(
        minutes=span,
        requests_per_second=sum(s.requests for s in samples) / (60.0 * span) if span else 0.0,
        rates=tuple(part for guard in config.guards for part in _rates(guard, minutes, histogram)),
        levels=tuple(_level(guard, minutes) for guard in config.guards if may_be_level(guard)),
        pooled=replace(reduce(Sample.plus, samples), histogram=None) if samples else None,
    )
    return _with_shape(baseline, histogram)


def learn_late(baseline: Baseline, window: Window, config: GuardConfig) -> Baseline:
    """Return the baseline with the tails that it lacks, by stable's first window: it serves from the next one on."""
    stable = window.stable
    if baseline.bulk_edge is not None or not isinstance(stable, Sample) or stable.histogram is None:
        return baseline
    if stable.histogram.total < 1.0 / (1.0 - 0.95):
        return baseline
    kept = tuple(part for part in baseline.rates if part.edge is None or part.edge in stable.histogram.edges)
    known = {part.key for part in kept}
    late = tuple(
        replace(part, dispersion=replace(UNKNOWN, usual=part.dispersion.usual))
        for guard in config.guards
        for part in _rates(guard, [stable], stable.histogram)
        if part.key not in known
    )
    return _with_shape(replace(baseline, rates=(*kept, *late)), stable.histogram)


def may_be_level(guard: Guard) -> bool:
    """Whether the guard may have to do with means: by its test, or for want of a histogram."""
    return counts_level(guard) or isinstance(guard.test, Tail)


def _rates(guard: Guard, minutes: Sequence[Sample], histogram: Histogram | None) -> Iterable[RatePart]:
    match guard.test:
        case Threshold() | SampleRatio():
            return
        case Tail(quantiles=quantiles) if histogram is not None:
            yield from _tails(guard, quantiles, minutes, histogram)
        case Tail():
            return
        case Slower(than_ms=than_ms):
            edge = min(histogram.edges, key=lambda each: abs(each - than_ms)) if histogram else than_ms
            yield _rate(guard, key_of(guard), minutes, edge)
        case Objective(and_compared=True):
            yield _rate(guard, key_of(guard), minutes, None)
            yield _rate(guard, key_of(guard) + COMPARED, minutes, None)
        case _ if not counts_level(guard):
            yield _rate(guard, key_of(guard), minutes, None)


def _tails(
    guard: Guard, quantiles: Sequence[float], minutes: Sequence[Sample], histogram: Histogram
) -> Iterable[RatePart]:
    taken: set[float] = set()
    for quantile in quantiles:
        edge, share = quantile_edge(histogram, quantile)
        too_rare = quantile > 0.99 and share * histogram.total < ENOUGH_IN_TAIL
        if edge in taken or share <= 0 or too_rare:
            continue
        taken.add(edge)
        yield _rate(guard, key_of(guard, quantile), minutes, edge)


def _rate(guard: Guard, key: str, minutes: Sequence[Sample], edge: float | None) -> RatePart:
    counted = [found for minute in minutes if (found := events(guard, minute, edge)) is not None]
    dispersion = disperse(counted) if counted else UNKNOWN
    return RatePart(key=key, edge=edge, dispersion=dispersion)


def _level(guard: Guard, minutes: Sequence[Sample]) -> LevelPart:
    means = [found for minute in minutes if (found := level(guard, minute)) is not None]
    if len(means) < 5:
        return LevelPart(key=key_of(guard), mean=sum(means) / len(means) if means else None)
    mean = sum(means) / len(means)
    steps = [b - a for a, b in pairwise(means)]
    centred = [each - mean for each in means]
    variance = sum(each * each for each in centred) / (len(means) - 1)
    covariance = sum(a * b for a, b in pairwise(centred)) / (len(means) - 1)
    return LevelPart(
        key=key_of(guard),
        mean=mean,
        deviation=sqrt(max(variance, sum(step * step for step in steps) / (2 * len(steps)))),
        correlation=_correlation(covariance / variance, len(means)) if variance > 0 else 0.0,
        requests=sum(minute.requests for minute in minutes) / len(minutes),
    )


def _correlation(found: float, minutes: int) -> float:
    """Return the correlation without the bias that an estimate of few minutes has (Marriott and Pope, 1954)."""
    return max(0.0, min(0.9, found + (1.0 + 4.0 * found) / minutes))


def _together(samples: Sequence[Sample], counters: frozenset[str]) -> Sample:
    """Put samples together; values of a team's own add up where they count and average where they do not."""
    both = reduce(Sample.plus, samples)
    names = {value.name for sample in samples for value in sample.values}
    values = []
    for name in sorted(names):
        found = [value for sample in samples if (value := sample.named(name)) is not None]
        opportunities = [value.of for value in found if value.of is not None]
        values.append(
            replace(
                found[0],
                value=sum(v.value for v in found) / (1 if name in counters else len(found)),
                of=sum(opportunities) if opportunities else None,
            )
        )
    return replace(both, values=tuple(values))


def _histogram(minutes: Sequence[Sample]) -> Histogram | None:
    found = [minute.histogram for minute in minutes if minute.histogram is not None]
    pooled = found[0] if found else None
    for each in found[1:]:
        pooled = pooled.plus(each) if pooled else None
    return pooled if pooled and pooled.total > 0 else None


def _with_shape(baseline: Baseline, histogram: Histogram | None) -> Baseline:
    if histogram is None:
        return baseline
    bulk, bulk_share = quantile_edge(histogram, 0.5)
    far, far_share = quantile_edge(histogram, 0.99)
    return replace(baseline, bulk_edge=bulk, bulk_share=bulk_share, far_edge=far, far_share=far_share)
