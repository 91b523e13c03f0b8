"""The tests behind the guards: thresholds and candidate-versus-stable ratios on pooled windows."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TypeGuard

from shared.domain.analysis.guards import Guard, Metric, Ratio, Threshold
from shared.domain.analysis.judgement import Evidence, Verdict
from shared.domain.analysis.measurement import Lack, Missing, Sample, Window

LACK_VERDICTS = {Lack.NO_DATA: Verdict.NO_DATA, Lack.ERROR: Verdict.ERROR}


@dataclass(frozen=True, slots=True)
class Pool:
    """The windows that a guard looks at."""

    condemning: tuple[Window, ...]
    """Every window in the guard's time: enough to take back."""
    acquitting: tuple[Window, ...]
    """Those measured wholly at the present weight: only they can pass."""
    newest: Window
    baseline: Sample | None
    """Stands in for the stable side once that has no traffic."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One guard's figures on some windows."""

    value: float
    limit: float
    bad: bool
    requests: float
    reference: float | None = None


def judge_guard(guard: Guard, pool: Pool) -> Evidence:
    """Judge one guard. Degraded counts first; then what is lacking; healthy only on fresh, sufficient windows."""
    trouble = _trouble(guard, pool)
    if isinstance(trouble, Missing) and trouble.lack is Lack.ERROR:
        return _lacking(guard, trouble)
    # A rate follows the weight: what was met at another one says nothing of this one.
    condemning = pool.acquitting if guard.metric is Metric.REQUESTS else pool.condemning
    condemned = _read(guard, condemning, pool.baseline)
    if isinstance(condemned, Reading) and condemned.bad:
        return _evidence(guard, Verdict.DEGRADED, condemned)
    if trouble is not None:
        return _lacking(guard, trouble)
    acquitted = _read(guard, pool.acquitting, pool.baseline)
    if isinstance(acquitted, Missing):
        return _lacking(guard, acquitted)
    if isinstance(acquitted, str):
        return Evidence(guard=guard.name, verdict=Verdict.UNDECIDED, says=f"{guard.name}: {acquitted}")
    return _evidence(guard, Verdict.DEGRADED if acquitted.bad else Verdict.HEALTHY, acquitted)


def _trouble(guard: Guard, pool: Pool) -> Missing | None:
    """What the newest window lacks, if anything: an old good window never stands in for a fresh one."""
    for side in _sides(guard, pool):
        if isinstance(side, Missing):
            return side
        if not side.is_plausible:
            return Missing(Lack.ERROR, f"not a measurement: {side.requests:g} requests, {side.failures:g} failures")
    candidate = pool.newest.candidate
    idle = isinstance(candidate, Sample) and candidate.requests == 0
    return (
        Missing(Lack.NO_DATA, "no requests in the newest window")
        if idle and guard.metric is not Metric.REQUESTS
        else None
    )


def _sides(guard: Guard, pool: Pool) -> tuple[Sample | Missing, ...]:
    compares = isinstance(guard.test, Ratio) and pool.baseline is None
    return (pool.newest.candidate, pool.newest.stable) if compares else (pool.newest.candidate,)


def _read(guard: Guard, windows: tuple[Window, ...], baseline: Sample | None) -> Reading | Missing | str:
    """Return the guard's figures, what is missing, or a sentence on why there are too few requests."""
    candidate = _sum(windows, lambda window: window.candidate)
    if candidate is None:
        return "no whole window at this weight yet"
    too_few = _too_few(guard, candidate, "candidate")
    if too_few:
        return too_few
    value = _value(guard.metric, candidate, windows)
    if value is None:
        return Missing(Lack.NO_DATA, f"the source has no {guard.metric} for the candidate")
    match guard.test:
        case Threshold() as test:
            return _threshold(test, value, candidate.requests)
        case Ratio() as test:
            return _ratio(guard, test, value, candidate, windows, baseline)


def _threshold(test: Threshold, value: float, requests: float) -> Reading:
    if test.maximum is not None and value > test.maximum:
        return Reading(value, test.maximum, bad=True, requests=requests)
    if test.minimum is not None and value < test.minimum:
        return Reading(value, test.minimum, bad=True, requests=requests)
    limit = test.maximum if test.maximum is not None else test.minimum
    return Reading(value, limit if limit is not None else math.nan, bad=False, requests=requests)


def _ratio(
    guard: Guard,
    test: Ratio,
    value: float,
    candidate: Sample,
    windows: tuple[Window, ...],
    baseline: Sample | None,
) -> Reading | Missing | str:
    stable = baseline or _sum(windows, lambda window: window.stable)
    if stable is None:
        return "no whole window of the stable version yet"
    too_few = _too_few(guard, stable, "stable")
    if too_few:
        return too_few
    reference = _value(guard.metric, stable, windows)
    if reference is None:
        return Missing(Lack.NO_DATA, f"the source has no {guard.metric} for the stable version")
    limit = test.maximum * reference + test.slack
    return Reading(value, limit, value > limit, candidate.requests, reference)


def _too_few(guard: Guard, sample: Sample, side: str) -> str | None:
    if guard.metric is Metric.REQUESTS or sample.requests >= guard.minimum_requests:
        return None
    return f"{sample.requests:g} {side} requests of the {guard.minimum_requests} it takes"


def _sum(windows: tuple[Window, ...], side: Callable[[Window], Sample | Missing]) -> Sample | None:
    samples = [sample for sample in map(side, windows) if _is_usable(sample)]
    return reduce(Sample.plus, samples) if samples else None


def _is_usable(side: Sample | Missing) -> TypeGuard[Sample]:
    return isinstance(side, Sample) and side.is_plausible


def _value(metric: Metric, sample: Sample, windows: tuple[Window, ...]) -> float | None:
    match metric:
        case Metric.ERROR_RATE:
            return sample.failures / sample.requests if sample.requests else None
        case Metric.LATENCY:
            return sample.latency_ms
        case Metric.REQUESTS:
            measured = (window for window in windows if _is_usable(window.candidate))
            return sample.requests / sum((window.end - window.start).total_seconds() for window in measured)


def _lacking(guard: Guard, missing: Missing) -> Evidence:
    return Evidence(guard=guard.name, verdict=LACK_VERDICTS[missing.lack], says=f"{guard.name}: {missing.why}")


def _evidence(guard: Guard, verdict: Verdict, reading: Reading) -> Evidence:
    word = "outside" if verdict is Verdict.DEGRADED else "within"
    against = f" (stable {_show(guard.metric, reading.reference)})" if reading.reference is not None else ""
    return Evidence(
        guard=guard.name,
        verdict=verdict,
        says=(
            f"{guard.name}: candidate {_show(guard.metric, reading.value)} {word} the limit "
            f"{_show(guard.metric, reading.limit)}{against}, {reading.requests:g} requests"
        ),
        value=reading.value,
        limit=reading.limit,
        reference=reading.reference,
        requests=reading.requests,
    )


def _show(metric: Metric, value: float) -> str:
    match metric:
        case Metric.ERROR_RATE:
            return f"{value * 100:.3g} %"
        case Metric.LATENCY:
            return f"{value:.4g} ms"
        case Metric.REQUESTS:
            return f"{value:.3g}/s"
