"""Histories, weights and windows as values, for the rules of the judgement."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hypothesis import settings

from shared.domain.analysis.guards import (
    Guard,
    GuardConfig,
    Metric,
    Objective,
    Ratio,
    SampleRatio,
    Tail,
    Test,
    Worse,
)
from shared.domain.analysis.history import learn
from shared.domain.analysis.judgement import Evidence, Judgement, Verdict
from shared.domain.analysis.measurement import Histogram, Missing, Sample, Value, Window
from shared.domain.analysis.sequence import AnalysisState, begin_step, step
from shared.domain.rollout.weight import from_percent
from tests.unit.domain.measurements import NO_DATA
from tests.unit.domain.specs import MINUTE, NOON

EDGES_MS = (50.0, 80.0, 150.0, 300.0, 400.0, 500.0, 750.0, 1000.0, 2000.0)
USUAL_TIMES = (0.2, 0.3, 0.37, 0.08, 0.03, 0.01, 0.006, 0.003, 0.0008, 0.0002)
"""The share of the requests between the edges: the median lies at 80 ms, p99 at 500 ms."""
_EIGHTFOLD = (0.0, 0.02, 0.06, 0.08, 0.04, 0.05, 0.2, 0.1, 0.3, 0.15)
COLD_TIMES = tuple(0.7 * usual + 0.3 * slow for usual, slow in zip(USUAL_TIMES, _EIGHTFOLD, strict=True))
"""Three tenths of the requests take eight times as long, the others are as fast as ever."""
SLOWER_TIMES = (0.05, 0.12, 0.28, 0.25, 0.12, 0.08, 0.05, 0.03, 0.015, 0.005)
"""Every request is slower."""
HISTORY_MINUTES = 60
STEADY = settings(derandomize=True, deadline=None, max_examples=60)


def guarded(name: str, metric: Metric, test: Test, *, of: str = "", **more: bool) -> Guard:
    return Guard(name=name, metric=metric, test=test, of=of, over=5 * MINUTE, **more)


ERRORS = guarded("errors", Metric.ERROR_RATE, Ratio())
TAILS = guarded("latency", Metric.LATENCY, Tail())
SHARE = guarded("share", Metric.REQUESTS, SampleRatio())
DECLINED = guarded("declined", Metric.COUNTER, Ratio(), of="declined")
ORDERS = guarded("orders", Metric.COUNTER, Ratio(worse=Worse.LOWER), of="orders")
MEMORY = guarded("memory", Metric.GAUGE, Ratio(), of="memory")
OBJECTIVE = guarded("objective", Metric.ERROR_RATE, Objective(0.02))
BOTH = guarded("both", Metric.ERROR_RATE, Objective(0.02, and_compared=True))
SIX = (ERRORS, TAILS, SHARE, DECLINED, ORDERS, BOTH)


def judging(*guards: Guard, length: timedelta = MINUTE, **more: float | timedelta) -> GuardConfig:
    return GuardConfig(window=length, guards=guards, **more)


def served(
    requests: float,
    failures: float = 0.0,
    *,
    times: Sequence[float] | None = None,
    latency_ms: float | None = None,
    **values: float,
) -> Sample:
    """What users met; `times` is the share of requests between the edges, `values` are a team's own figures."""
    return Sample(
        requests=requests,
        failures=failures,
        latency_ms=latency_ms,
        histogram=Histogram(EDGES_MS, tuple(requests * share for share in times)) if times else None,
        values=tuple(Value(name=name, value=value) for name, value in values.items()),
    )


def measured(
    number: int,
    candidate: Sample | Missing,
    stable: Sample | Missing,
    *,
    length: timedelta = MINUTE,
    start: datetime = NOON,
) -> Window:
    """The window of this number since noon."""
    begins = start + number * length
    return Window(start=begins, end=begins + length, candidate=candidate, stable=stable)


def lasting(
    numbers: Iterable[int], candidate: Sample | Missing, stable: Sample | Missing, *, length: timedelta = MINUTE
) -> tuple[Window, ...]:
    """Windows of these numbers, all alike."""
    return tuple(measured(number, candidate, stable, length=length) for number in numbers)


def before(stable: Sample, *, minutes: int = HISTORY_MINUTES, length: timedelta = MINUTE) -> tuple[Window, ...]:
    """The time before noon, every window alike."""
    return lasting(range(-round(minutes * MINUTE / length), 0), NO_DATA, stable, length=length)


def begun(
    config: GuardConfig,
    history: Iterable[Window] = (),
    *,
    percent: float = 10,
    then: float = 25,
    at: datetime = NOON,
) -> AnalysisState:
    """The state at the begin of the first weight."""
    learnt = AnalysisState(baseline=learn(history, config))
    return begin_step(learnt, at, weight=from_percent(percent), next_weight=from_percent(then))


def told(
    state: AnalysisState, config: GuardConfig, windows: Iterable[Window]
) -> tuple[AnalysisState, list[Judgement | None]]:
    """Take the windows in one after the other; return what was judged after each."""
    judgements = []
    for window in windows:
        state, judgement, _ = step(state, window, config)
        judgements.append(judgement)
    return state, judgements


def last(state: AnalysisState, config: GuardConfig, windows: Iterable[Window]) -> Judgement:
    """What is judged after the last of the windows."""
    judgement = told(state, config, windows)[1][-1]
    assert judgement is not None
    return judgement


def verdicts(state: AnalysisState, config: GuardConfig, windows: Iterable[Window]) -> list[Verdict | None]:
    """The verdict after each window; None where it did not count."""
    return [each.verdict if each else None for each in told(state, config, windows)[1]]


def evidence_on(guard: str, judgement: Judgement | None) -> Evidence:
    """What is said of one guard."""
    assert judgement is not None
    return next(each for each in judgement.evidence if each.guard == guard)
