"""Plain limits on pooled windows: what must hold for the candidate whatever stable does, with no claim to be sure."""

import math
from dataclasses import dataclass
from functools import reduce
from typing import TypeGuard

from shared.domain.analysis.guards import Guard, Metric, Threshold
from shared.domain.analysis.judgement import Evidence, Verdict
from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.analysis.parts import events, level

LACK_VERDICTS = {Lack.NO_DATA: Verdict.NO_DATA, Lack.ERROR: Verdict.ERROR}


@dataclass(frozen=True, slots=True)
class Pool:
    """The windows that a guard looks at."""

    condemning: tuple[Window, ...]
    """Every window in the guard's time: enough to take back."""
    acquitting: tuple[Window, ...]
    """Those measured wholly at the present weight: only they can pass."""
    newest: Window


@dataclass(frozen=True, slots=True)
class Reading:
    """One guard's figures on some windows."""

    value: float
    limit: float
    bad: bool
    requests: float


def judge_limit(guard: Guard, limit: Threshold, pool: Pool) -> Evidence:
    """Judge one guard. Degraded counts first; then what is lacking; healthy only on fresh, sufficient windows."""
    trouble = trouble_with(pool.newest.candidate)
    if trouble is not None and trouble.lack is Lack.ERROR:
        return lacking(guard, trouble)
    # A rate follows the weight: what was met at another one says nothing of this one.
    condemning = pool.acquitting if guard.metric is Metric.REQUESTS else pool.condemning
    condemned = _read(guard, limit, condemning)
    if isinstance(condemned, Reading) and condemned.bad:
        return _evidence(guard, Verdict.DEGRADED, condemned)
    trouble = trouble or _idle(guard, pool.newest)
    if trouble is not None:
        return lacking(guard, trouble)
    acquitted = _read(guard, limit, pool.acquitting)
    if isinstance(acquitted, Missing):
        return lacking(guard, acquitted)
    if isinstance(acquitted, str):
        return Evidence(
            guard=guard.name,
            verdict=Verdict.UNDECIDED,
            says=f"{guard.name}: {acquitted}",
            decides=not guard.notify_only,
        )
    return _evidence(guard, Verdict.DEGRADED if acquitted.bad else Verdict.HEALTHY, acquitted)


def trouble_with(side: Sample | Missing) -> Missing | None:
    """Return what is lacking of one side of a window: an old good window never stands in for a fresh one."""
    if isinstance(side, Missing):
        return side
    if not side.is_plausible:
        told = f"{_figure(side.requests)} requests, {_figure(side.failures)} failures"
        return Missing(Lack.ERROR, f"not a measurement: {told}")
    return None


def _figure(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) else "no number of"


def lacking(guard: Guard, missing: Missing) -> Evidence:
    """Say what is lacking, as the guard's evidence."""
    return Evidence(
        guard=guard.name,
        verdict=LACK_VERDICTS[missing.lack],
        says=f"{guard.name}: {missing.why}",
        decides=not guard.notify_only,
    )


def _idle(guard: Guard, newest: Window) -> Missing | None:
    candidate = newest.candidate
    idle = isinstance(candidate, Sample) and candidate.requests == 0 and guard.metric is not Metric.REQUESTS
    return Missing(Lack.NO_DATA, "no requests in the newest window") if idle else None


def _read(guard: Guard, limit: Threshold, windows: tuple[Window, ...]) -> Reading | Missing | str:
    """Return the guard's figures, what is missing, or a sentence on why there are too few requests."""
    candidates = [window.candidate for window in windows if _is_usable(window.candidate)]
    samples = [side for side in candidates if isinstance(side, Sample)]
    if not samples:
        return "no whole window at this weight yet"
    pooled = reduce(Sample.plus, samples)
    if guard.metric is not Metric.REQUESTS and pooled.requests < guard.minimum_requests:
        return f"{pooled.requests:g} candidate requests of the {guard.minimum_requests} it takes"
    value = _value(guard, samples, pooled, windows)
    if value is None:
        return Missing(Lack.NO_DATA, f"the source has no {guard.of or guard.metric} for the candidate")
    if limit.maximum is not None and value > limit.maximum:
        return Reading(value, limit.maximum, bad=True, requests=pooled.requests)
    if limit.minimum is not None and value < limit.minimum:
        return Reading(value, limit.minimum, bad=True, requests=pooled.requests)
    stated = limit.maximum if limit.maximum is not None else limit.minimum
    return Reading(value, stated if stated is not None else math.nan, bad=False, requests=pooled.requests)


def _is_usable(side: Sample | Missing) -> TypeGuard[Sample]:
    return isinstance(side, Sample) and side.is_plausible


def _value(guard: Guard, samples: list[Sample], pooled: Sample, windows: tuple[Window, ...]) -> float | None:
    match guard.metric:
        case Metric.ERROR_RATE:
            return pooled.failures / pooled.requests if pooled.requests else None
        case Metric.LATENCY:
            return pooled.latency_ms
        case Metric.REQUESTS:
            measured = (window for window in windows if _is_usable(window.candidate))
            return pooled.requests / sum((window.end - window.start).total_seconds() for window in measured)
        case Metric.COUNTER:
            counted = [found for sample in samples if (found := events(guard, sample, None)) is not None]
            total = sum(of for _, of in counted)
            return sum(value for value, _ in counted) / total if total else None
        case Metric.GAUGE:
            levels = [mean for sample in samples if (mean := level(guard, sample)) is not None]
            return sum(levels) / len(levels) if levels else None


def _evidence(guard: Guard, verdict: Verdict, reading: Reading) -> Evidence:
    word = "outside" if verdict is Verdict.DEGRADED else "within"
    return Evidence(
        guard=guard.name,
        verdict=verdict,
        says=(
            f"{guard.name}: candidate {shown(guard.metric, reading.value)} {word} the limit "
            f"{shown(guard.metric, reading.limit)}, {reading.requests:g} requests"
        ),
        value=reading.value,
        limit=reading.limit,
        requests=reading.requests,
        decides=not guard.notify_only,
    )


def shown(metric: Metric, value: float) -> str:
    """Return a value of a metric as people write it."""
    match metric:
        case Metric.ERROR_RATE | Metric.COUNTER:
            return f"{value * 100:.3g} %"
        case Metric.LATENCY:
            return f"{value:.4g} ms"
        case Metric.REQUESTS:
            return f"{value:.3g}/s"
        case Metric.GAUGE:
            return f"{value:.4g}"
