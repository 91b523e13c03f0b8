"""Windows and guards as values, for the rules of the analysis."""

from datetime import timedelta

from shared.domain.analysis.guards import Guard, GuardConfig, Metric, Ratio, Threshold
from shared.domain.analysis.judgement import Judgement, Verdict
from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.analysis.sequence import AnalysisState, begin_step, step
from tests.unit.domain.specs import MINUTE, NOON

NO_DATA = Missing(Lack.NO_DATA, "no value")
ERROR = Missing(Lack.ERROR, "503")


def met(requests: float, failures: float = 0, latency_ms: float | None = None) -> Sample:
    return Sample(requests=requests, failures=failures, latency_ms=latency_ms)


def window(minute: int, candidate: Sample | Missing, stable: Sample | Missing = NO_DATA) -> Window:
    """The window of a minute that begins so many minutes after noon."""
    start = NOON + minute * MINUTE
    return Window(start=start, end=start + MINUTE, candidate=candidate, stable=stable)


def guard(
    test: Threshold | Ratio,
    metric: Metric = Metric.ERROR_RATE,
    *,
    over: int = 5,
    minimum_requests: int = 20,
) -> Guard:
    """A guard that pools `over` minutes."""
    return Guard(name="g", metric=metric, test=test, over=over * MINUTE, minimum_requests=minimum_requests)


def at_most(limit: float, metric: Metric = Metric.ERROR_RATE, **more: int) -> Guard:
    return guard(Threshold(maximum=limit), metric, **more)


def at_least(limit: float, metric: Metric = Metric.REQUESTS, **more: int) -> Guard:
    return guard(Threshold(minimum=limit), metric, **more)


def compared(maximum: float, slack: float = 0.0, metric: Metric = Metric.ERROR_RATE, **more: int) -> Guard:
    return guard(Ratio(maximum=maximum, slack=slack), metric, **more)


def since(minutes: float, state: AnalysisState | None = None, *, promoted: bool = False) -> AnalysisState:
    """A weight that is there since so many minutes after noon."""
    return begin_step(state or AnalysisState(), NOON + timedelta(minutes=minutes), stable_retired=promoted)


def judged(state: AnalysisState, guards: tuple[Guard, ...], *windows: Window) -> tuple[AnalysisState, Judgement | None]:
    """Take the windows in and return the state and the last judgement."""
    judgement = None
    for each in windows:
        state, judgement, evidence = step(state, each, GuardConfig(window=MINUTE, guards=guards))
        assert judgement is None or judgement.evidence == evidence
    return state, judgement


def verdict(first: Guard | tuple[Guard, ...], *windows: Window, state: AnalysisState | None = None) -> Verdict | None:
    """Return what the guards say after these windows, at a weight that is there since noon."""
    guards = first if isinstance(first, tuple) else (first,)
    judgement = judged(state or since(0), guards, *windows)[1]
    return judgement.verdict if judgement else None
