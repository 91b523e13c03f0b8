"""The promise itself: on the edge of what is tolerated, however often one looks, few candidates are taken back."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from scipy.stats import binom

from shared.domain.analysis.counting import count
from shared.domain.analysis.guards import Guard, Metric, Objective, Ratio, Slower, Tail, Worse
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.measurement import Histogram, Sample
from shared.domain.analysis.sequence import AnalysisState, step
from tests.unit.domain.analysis.worlds import (
    EDGES_MS,
    USUAL_TIMES,
    before,
    begun,
    guarded,
    judging,
    last,
    lasting,
    measured,
    served,
)
from tests.unit.domain.measurements import NO_DATA

WINDOWS = 300
RUNS = 24
ALPHA = 0.05
"""Larger than the default, so that a test that keeps it by luck alone would show in few runs."""
AT_MOST = int(binom.ppf(0.99, RUNS, ALPHA))
RATE = 0.02
SHARES = np.array(USUAL_TIMES)

Draw = Callable[[np.random.Generator, int], Iterable[Sample]]


def failing(rate: float, requests: int) -> Draw:
    return lambda rng, windows: (served(requests, f) for f in rng.binomial(requests, rate, windows))


def counting(rate: float, requests: int, *names: str) -> Draw:
    """The same count under every name, and as failures."""
    return lambda rng, windows: (
        served(requests, n, **dict.fromkeys(names, float(n))) for n in rng.binomial(requests, rate, windows)
    )


def timed(shares: np.ndarray, requests: int) -> Draw:
    return lambda rng, windows: (
        Sample(requests=requests, failures=0.0, histogram=Histogram(EDGES_MS, tuple(map(float, counts))))
        for counts in rng.multinomial(requests, shares, windows)
    )


def moody(mean: float, correlation: float) -> Draw:
    """A level whose moods last."""

    def draw(rng: np.random.Generator, windows: int) -> Iterable[Sample]:
        mood = rng.normal()
        for shock in rng.normal(size=windows):
            yield served(1_000, memory=mean * (1 + 0.1 * mood))
            mood = correlation * mood + (1 - correlation**2) ** 0.5 * shock

    return draw


def heavier(times: float, slack: float) -> np.ndarray:
    """Shares with the heaviest tails that may be: so many times stable's beyond p95, and a little more."""
    tail = SHARES[4:] * (times + slack)
    return np.array([*(SHARES[:4] * (1 - tail.sum()) / SHARES[:4].sum()), *tail])


def taken_back(guards: tuple[Guard, ...], candidate: Draw, stable: Draw) -> int:
    """In how many runs the evidence ever decides, looked at after each window."""
    config = judging(*guards, alpha=ALPHA)
    return sum(_is_taken_back(config, candidate, stable, np.random.default_rng((17, run))) for run in range(RUNS))


def _is_taken_back(config, candidate, stable, rng) -> bool:
    past = [lasting([n - 60], NO_DATA, sample)[0] for n, sample in enumerate(stable(rng, 60))]
    state = begun(config, past, percent=50, then=100)
    for number, arms in enumerate(zip(candidate(rng, WINDOWS), stable(rng, WINDOWS), strict=True)):
        before_it, window = state, measured(number, *arms)
        state = count(state, window, config)
        if _might_decide(state) and step(before_it, window, config)[1].verdict is Verdict.DEGRADED:
            return True
    return False


def _might_decide(state: AnalysisState) -> bool:
    """Whether a bet has what decides: else no average of bets has, and the judgement need not be asked."""
    bets = (*state.comparisons, *state.levels, state.catastrophe)
    return any(bet.evidence >= 1 / ALPHA for bet in bets)


ERRORS = guarded("errors", Metric.ERROR_RATE, Ratio())
DECLINED = guarded("declined", Metric.COUNTER, Ratio(), of="declined")
REFUNDS = guarded("refunds", Metric.COUNTER, Ratio(), of="refunds")
ORDERS = guarded("orders", Metric.COUNTER, Ratio(worse=Worse.LOWER), of="orders")
EDGE = 1.25 * RATE + 0.0005
ON_THE_EDGE = {
    "errors": ((ERRORS,), failing(EDGE, 300), failing(RATE, 2_700)),
    "errors of which there are few": ((ERRORS,), failing(1.25 * 0.001 + 0.0005, 1_500), failing(0.001, 1_500)),
    "a counter": ((DECLINED,), counting(EDGE, 500, "declined"), counting(RATE, 500, "declined")),
    "a counter where less is worse": (
        (ORDERS,),
        counting(RATE / 1.25 - 0.0005, 500, "orders"),
        counting(RATE, 500, "orders"),
    ),
    "an objective": ((guarded("slo", Metric.ERROR_RATE, Objective(RATE)),), failing(RATE, 500), failing(0.05, 500)),
    "either of two promises that must both be broken": (
        (guarded("slo", Metric.ERROR_RATE, Objective(EDGE, and_compared=True)),),
        failing(EDGE, 500),
        failing(RATE, 500),
    ),
    "tails": (
        (guarded("latency", Metric.LATENCY, Tail(quantiles=(0.95, 0.99))),),
        timed(heavier(1.25, 0.05), 300),
        timed(SHARES, 2_700),
    ),
    "slow requests": (
        (guarded("slow", Metric.LATENCY, Slower(than_ms=300.0, slack=0.0)),),
        timed(heavier(1.25, 0.0), 300),
        timed(SHARES, 2_700),
    ),
    "a gauge whose moods last": (
        (guarded("memory", Metric.GAUGE, Ratio(maximum=1.0, slack=10.0), of="memory"),),
        moody(80, 0.5),
        moody(70, 0.5),
    ),
    "everything at once, and all from the same events": (
        (ERRORS, DECLINED),
        counting(EDGE, 500, "declined"),
        counting(RATE, 500, "declined"),
    ),
}


@pytest.mark.parametrize("what", ON_THE_EDGE)
def test_on_the_edge_of_what_is_tolerated_few_are_taken_back_however_often_one_looks(what):
    found = taken_back(*ON_THE_EDGE[what])
    assert found <= AT_MOST, f"{found} of {RUNS} taken back at alpha {ALPHA}"


def test_the_same_events_under_three_names_are_no_more_evidence_than_under_one():
    history = before(served(3_000, 60, declined=60, refunds=60))
    windows = lasting(range(6), served(300, 15, declined=15, refunds=15), served(2_700, 54, declined=54, refunds=54))
    one, three = (
        last(begun(judging(*guards), history), judging(*guards), windows)
        for guards in ((ERRORS,), (ERRORS, DECLINED, REFUNDS))
    )
    assert three.odds <= max(each.odds for each in three.evidence)
    assert three.odds <= 2 * one.odds
