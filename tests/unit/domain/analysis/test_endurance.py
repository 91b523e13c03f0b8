"""Whatever comes and however long it goes on: no exception, no number that is none, and a small state."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.analysis.comparison import Rules, observe
from shared.domain.analysis.guards import Ratio
from shared.domain.analysis.history import learn
from shared.domain.analysis.judgement import Judgement, Verdict
from shared.domain.analysis.measurement import Histogram, Sample, Value, Window
from shared.domain.analysis.rates import Counts, Promise
from shared.domain.analysis.sequence import AnalysisState, begin_step, step
from shared.wire.documents import _converter
from tests.unit.domain.analysis.worlds import (
    BOTH,
    DECLINED,
    ERRORS,
    MEMORY,
    OBJECTIVE,
    ORDERS,
    SHARE,
    SIX,
    STEADY,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
    judging,
    lasting,
    measured,
    served,
    told,
)
from tests.unit.domain.measurements import ERROR, NO_DATA
from tests.unit.domain.specs import MINUTE, NOON

CALM = served(300, 3), served(2_700, 27)
WELL, ILL = Counts(300, 3, 2_700, 27), Counts(300, 60, 2_700, 27)
EVERY = (ERRORS, TAILS, SHARE, DECLINED, ORDERS, MEMORY, OBJECTIVE, BOTH)
MOST_BYTES = 8_000


def stored(state: AnalysisState) -> str:
    """The state as it is kept."""
    return json.dumps(_converter().unstructure(state, unstructure_as=AnalysisState), separators=(",", ":"))


def assert_numbers(judgement: Judgement) -> None:
    """Every number that is said is one."""
    figures = [judgement.odds]
    for each in judgement.evidence:
        figures += [each.value, each.reference, each.requests, each.odds, each.p_value, each.smallest_visible]
        figures += each.interval or ()
        assert "nan" not in each.says
        assert each.p_value is None or 0 <= each.p_value <= 1
    assert all(math.isfinite(figure) for figure in figures if figure is not None)


requests = st.sampled_from([0.0, 1.0, 3.0, 20.0, 1e3, 1e6, 1e9]) | st.floats(0, 1e9)
edges = st.sampled_from([(100.0, 500.0), (50.0, 80.0, 150.0), (80.0,)])


@st.composite
def histograms(draw):
    at = draw(edges)
    return Histogram(at, tuple(draw(st.lists(requests, min_size=len(at) + 1, max_size=len(at) + 1))))


@st.composite
def samples(draw):
    n = draw(requests)
    share = draw(st.sampled_from([0.0, 1e-9, 0.01, 0.5, 1.0]) | st.floats(0, 1))
    of = draw(st.none() | st.just(n))
    values = (
        Value(name="declined", value=draw(st.floats(0, 1)) * n, of=of),
        Value(name="orders", value=draw(st.floats(0, 1)) * n, of=of),
        Value(name="memory", value=draw(st.floats(-1e9, 1e9))),
    )
    return Sample(
        requests=n,
        failures=min(n, share * n),
        latency_ms=draw(st.none() | st.floats(0, 1e9)),
        histogram=draw(st.none() | histograms()),
        values=draw(st.sampled_from([(), values[:1], values])),
    )


impossible = st.builds(
    Sample,
    requests=st.floats(allow_nan=True, allow_infinity=True),
    failures=st.floats(allow_nan=True, allow_infinity=True),
    latency_ms=st.none() | st.floats(allow_nan=True, allow_infinity=True),
)
sides = st.one_of(samples(), samples(), samples(), impossible, st.just(NO_DATA), st.just(ERROR), st.just(served(0)))


@settings(STEADY, max_examples=80)
@given(
    history=st.lists(sides, max_size=5),
    arms=st.lists(st.tuples(sides, sides), min_size=1, max_size=6),
    weight=st.sampled_from([0, 1, 10_000, 99_999, 100_000]),
    retired=st.booleans(),
)
def test_no_measurement_breaks_the_judgement_or_makes_it_say_what_is_no_number(history, arms, weight, retired):
    config = judging(*EVERY)
    past = [Window(start=NOON - n * MINUTE, end=NOON, candidate=NO_DATA, stable=each) for n, each in enumerate(history)]
    state = begin_step(AnalysisState(baseline=learn(past, config)), NOON, weight=weight)
    for number, (candidate, stable) in enumerate(arms):
        if retired and number == 3:
            state = begin_step(state, NOON + 3 * MINUTE, weight=100_000, stable_retired=True)
        state, judgement, _ = step(state, measured(number, candidate, stable), config)
        assert judgement is not None
        assert_numbers(judgement)
        impossible_side = isinstance(candidate, Sample) and not candidate.is_plausible
        assert judgement.verdict is not Verdict.HEALTHY or not impossible_side
    assert _converter().structure(json.loads(stored(state)), AnalysisState) == state


@pytest.mark.parametrize("failures", [0, 1, 5e8, 1e9])
@pytest.mark.parametrize("n_s", [0, 1, 1e9])
def test_a_thousand_million_requests_a_window_are_judged_like_any(failures, n_s):
    config = judging(ERRORS, SHARE, OBJECTIVE, BOTH)
    windows = lasting(range(50), served(1e9, failures), served(n_s, min(n_s, 10)))
    for judgement in told(begun(config, before(served(1e9, 10))), config, windows)[1]:
        assert_numbers(judgement)


def test_a_rate_of_a_thousand_millionth_is_judged_like_any():
    config = judging(replace(ERRORS, test=Ratio(slack=0.0)))
    past = before(served(1e11, 100))
    for failures, says in ((100, Verdict.HEALTHY), (500, Verdict.DEGRADED)):
        windows = lasting(range(30), served(1e11, failures), served(9e11, 900))
        assert told(begun(config, past), config, windows)[1][-1].verdict is says


def whole(requests, rng, *, bad=1.0):
    times = rng.multinomial(requests, USUAL_TIMES).tolist()
    return Sample(
        requests=float(requests),
        failures=float(rng.binomial(requests, 0.01 * bad)),
        latency_ms=80.0 + rng.normal(),
        histogram=Histogram(served(1, times=USUAL_TIMES).histogram.edges, tuple(map(float, times))),
        values=(
            Value(name="declined", value=float(rng.binomial(requests, 0.02))),
            Value(name="orders", value=float(rng.binomial(requests, 0.05))),
            Value(name="memory", value=70 + rng.normal()),
        ),
    )


@pytest.mark.parametrize("bad", [1.0, 1.7])
def test_the_state_of_six_guards_is_small_and_grows_no_larger_with_time(bad):
    rng = np.random.default_rng(1)
    config = judging(*SIX[:5], MEMORY)
    past = [lasting([n], NO_DATA, whole(3_000, rng))[0] for n in range(-60, 0)]
    state, sizes = begun(config, past), []
    for number in range(1_000):
        if number % 100 == 0:
            state = begin_step(state, NOON + number * MINUTE, weight=10_000, next_weight=25_000)
        state, _, _ = step(state, measured(number, whole(300, rng, bad=bad), whole(2_700, rng)), config)
        if number % 10 == 9:
            sizes.append(len(stored(state)))
    assert max(sizes) < MOST_BYTES
    assert max(sizes[50:]) < 1.05 * max(sizes[5:50])


def test_a_state_is_read_as_it_was_written():
    rng = np.random.default_rng(2)
    config = judging(*EVERY)
    past = [lasting([n], NO_DATA, whole(3_000, rng))[0] for n in range(-60, 0)]
    state = begun(config, past)
    windows = [measured(n, whole(300, rng), whole(2_700, rng)) for n in (0, 1, 3, 2, 6)]
    for window in windows:
        kept = _converter().structure(json.loads(stored(state)), AnalysisState)
        assert step(kept, window, config) == step(state, window, config)
        state, _, _ = step(state, window, config)


def test_a_hundred_thousand_windows_neither_overflow_nor_wear_the_judgement_out():
    config = judging(ERRORS)
    state, _ = told(begun(config, before(served(3_000, 30)), then=11), config, lasting(range(3), *CALM))
    rules = Rules(promise=Promise(1.25, 0.0005), beyond=Promise(1.8, 0.05), phi=1.2, cap=4.0, length=MINUTE)
    (worn,) = state.comparisons
    for number in range(100_000):
        worn = observe(worn, ILL if number % 5_000 == 0 else WELL, rules)
        assert 0 < worn.evidence < math.inf
    tired = replace(state, comparisons=(worn,))
    _, judgements = told(tired, config, lasting(range(3, 40), served(300, 60), served(2_700, 27)))
    assert judgements[-1].verdict is Verdict.DEGRADED
    for judgement in judgements:
        assert_numbers(judgement)


@STEADY
@given(st.lists(st.integers(3, 60), min_size=2, max_size=6, unique=True))
def test_more_failures_of_the_candidate_are_never_less_evidence(failures):
    config = judging(ERRORS)
    state, _ = told(
        begun(config, before(served(3_000, 150))), config, lasting([0], served(300, 15), served(2_700, 135))
    )
    found = [
        step(state, measured(1, served(300, each), served(2_700, 135)), config)[1].odds for each in sorted(failures)
    ]
    assert all(later >= earlier * (1 - 1e-5) for earlier, later in pairwise(found))
