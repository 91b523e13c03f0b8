"""Plain limits: what one guard says of the windows that it pools."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.guards import Metric, Threshold
from shared.domain.analysis.judgement import Judgement, Verdict, worst
from shared.domain.analysis.measurement import Sample, Value
from tests.unit.domain.analysis.worlds import STEADY
from tests.unit.domain.measurements import (
    ERROR,
    NO_DATA,
    at_least,
    at_most,
    compared,
    guard,
    judged,
    met,
    since,
    verdict,
    window,
)

HEALTHY, DEGRADED = Verdict.HEALTHY, Verdict.DEGRADED
UNDECIDED, NOTHING, BROKEN = Verdict.UNDECIDED, Verdict.NO_DATA, Verdict.ERROR
HUGE = 1e9


@pytest.mark.parametrize(
    ("requests", "failures", "says"),
    [
        (100, 0, HEALTHY),
        (100, 5, HEALTHY),
        (100, 6, DEGRADED),
        (100, 100, DEGRADED),
        (20, 1, HEALTHY),
        (HUGE, 0.05 * HUGE, HEALTHY),
        (HUGE, 0.05 * HUGE + 1, DEGRADED),
    ],
)
def test_an_error_rate_above_its_maximum_is_degraded_and_at_it_is_healthy(requests, failures, says):
    assert verdict(at_most(0.05), window(0, met(requests, failures))) is says


@pytest.mark.parametrize(("value", "says"), [(99, DEGRADED), (100, HEALTHY), (200, HEALTHY), (201, DEGRADED)])
def test_a_value_must_lie_between_minimum_and_maximum_both_included(value, says):
    both = guard(Threshold(minimum=100, maximum=200), Metric.LATENCY)
    assert verdict(both, window(0, met(50, 0, value))) is says


@pytest.mark.parametrize(("requests", "says"), [(0, NOTHING), (1, UNDECIDED), (19, UNDECIDED), (20, HEALTHY)])
def test_below_the_least_sample_there_is_no_verdict(requests, says):
    assert verdict(at_most(0.05), window(0, met(requests))) is says


def test_below_the_least_sample_not_even_failures_condemn():
    assert verdict(at_most(0.05), window(0, met(19, 19))) is UNDECIDED


def test_windows_are_pooled_until_the_least_sample_is_there():
    assert verdict(at_most(0.05), window(0, met(10)), window(1, met(9))) is UNDECIDED
    assert verdict(at_most(0.05), window(0, met(10)), window(1, met(10))) is HEALTHY


def test_pooled_windows_count_by_their_requests():
    few_and_bad, many_and_good = window(0, met(20, 20)), window(1, met(980, 0))
    assert verdict(at_most(0.05), few_and_bad, many_and_good) is HEALTHY
    assert verdict(at_most(0.019), few_and_bad, many_and_good) is DEGRADED


def test_a_window_older_than_the_guards_time_is_forgotten():
    windows = [window(0, met(100, 100)), *(window(minute, met(100)) for minute in (1, 2, 3))]
    assert verdict(at_most(0.05, over=3), *windows[:3]) is DEGRADED
    assert verdict(at_most(0.05, over=3), *windows) is HEALTHY


@pytest.mark.parametrize("bad", [met(math.nan), met(100, math.nan), met(math.inf), met(100, math.inf), met(-1)])
@pytest.mark.parametrize("first", [at_most(0.05), at_least(0.1), at_most(100, Metric.LATENCY), compared(1.5)])
def test_what_cannot_be_a_count_is_an_error(first, bad):
    assert verdict(first, window(0, bad, met(100))) is BROKEN


@pytest.mark.parametrize("bad", [met(100, -1), met(100, 101), met(100, 0, math.nan), met(100, 0, -1.0)])
def test_impossible_failures_or_latencies_are_an_error(bad):
    assert verdict(at_most(0.05), window(0, bad)) is BROKEN
    assert verdict(compared(1.5), window(0, met(100), bad)) is BROKEN


def test_a_guard_that_does_not_compare_does_not_need_the_stable_version():
    assert verdict(at_most(0.05), window(0, met(100), ERROR)) is HEALTHY


@pytest.mark.parametrize(("lack", "says"), [(NO_DATA, NOTHING), (ERROR, BROKEN), (met(0), NOTHING)])
def test_an_old_good_window_never_stands_in_for_a_newest_one_without_data(lack, says):
    assert verdict(at_most(0.05), window(0, met(1_000)), window(1, lack)) is says


@pytest.mark.parametrize("lack", [NO_DATA, met(0)])
def test_a_newest_window_without_data_does_not_undo_what_is_known_to_be_bad(lack):
    assert verdict(at_most(0.05), window(0, met(1_000, 900)), window(1, lack)) is DEGRADED


def test_an_error_of_the_source_condemns_nobody():
    assert verdict(at_most(0.05), window(0, met(1_000, 900)), window(1, ERROR)) is BROKEN


@pytest.mark.parametrize(("requests", "says"), [(0, DEGRADED), (59, DEGRADED), (60, HEALTHY), (HUGE, HEALTHY)])
def test_a_least_request_rate_takes_silence_for_bad(requests, says):
    assert verdict(at_least(1.0), window(0, met(requests))) is says


@pytest.mark.parametrize(("lack", "says"), [(NO_DATA, NOTHING), (ERROR, BROKEN)])
def test_a_least_request_rate_takes_a_lack_of_data_for_a_lack_of_data(lack, says):
    assert verdict(at_least(1.0), window(0, met(60)), window(1, lack)) is says


def test_a_request_rate_counts_only_the_time_that_was_measured():
    for unusable in (NO_DATA, ERROR, met(-1), met(math.nan)):
        assert verdict(at_least(1.0), window(0, unusable), window(1, met(60))) is HEALTHY


def test_a_request_rate_of_another_weight_condemns_nobody():
    at_less_weight, straddling = window(0, met(1)), window(1, met(30))
    state = since(1.5)
    assert verdict(at_least(1.0), at_less_weight, straddling, state=state) is UNDECIDED
    assert verdict(at_least(1.0), at_less_weight, straddling, window(2, met(60)), state=state) is HEALTHY
    assert verdict(at_least(1.0), at_less_weight, straddling, window(2, met(59)), state=state) is DEGRADED


def test_a_latency_is_the_mean_weighted_by_requests():
    windows = (window(0, met(100, 0, 10.0)), window(1, met(300, 0, 50.0)))
    assert verdict(at_most(40.0, Metric.LATENCY), *windows) is HEALTHY
    assert verdict(at_most(39.9, Metric.LATENCY), *windows) is DEGRADED


def counted(requests, value, of=None):
    return Sample(requests=requests, failures=0, values=(Value(name="v", value=value, of=of),))


def limit_on(metric, maximum):
    return replace(at_most(maximum, metric), of="v")


def test_a_counter_is_pooled_by_its_opportunities():
    of_requests = (window(0, counted(100, 10)), window(1, counted(300, 0)))
    of_its_own = (window(0, counted(100, 1, 10)), window(1, counted(300, 0, 90)))
    for windows, rate in ((of_requests, 0.025), (of_its_own, 0.01)):
        assert verdict(limit_on(Metric.COUNTER, rate), *windows) is HEALTHY
        assert verdict(limit_on(Metric.COUNTER, 0.99 * rate), *windows) is DEGRADED


def test_a_gauge_is_the_mean_of_its_windows():
    windows = (window(0, counted(100, 60.0)), window(1, counted(300, 80.0)))
    assert verdict(limit_on(Metric.GAUGE, 70.0), *windows) is HEALTHY
    assert verdict(limit_on(Metric.GAUGE, 69.0), *windows) is DEGRADED


@pytest.mark.parametrize("metric", [Metric.COUNTER, Metric.GAUGE])
def test_a_figure_of_a_teams_own_that_the_source_does_not_know_is_no_data(metric):
    assert verdict(limit_on(metric, 1.0), window(0, met(100))) is NOTHING


def test_a_latency_that_the_source_does_not_know_is_no_data():
    assert verdict(at_most(40.0, Metric.LATENCY), window(0, met(100))) is NOTHING


@STEADY
@given(
    st.lists(
        st.builds(met, st.integers(0, 10**9), st.just(0), st.floats(0, 1e6)).map(
            lambda sample: sample if sample.requests else met(0)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_pooling_adds_counts_and_weighs_latencies(samples):
    pooled = samples[0]
    for sample in samples[1:]:
        pooled = pooled.plus(sample)
    timed = [(sample.latency_ms, sample.requests) for sample in samples if sample.requests]
    assert pooled.requests == sum(sample.requests for sample in samples)
    if not timed:
        assert pooled.latency_ms is None
    else:
        mean = sum(ms * count for ms, count in timed) / sum(count for _, count in timed)
        assert math.isclose(pooled.latency_ms, mean, rel_tol=1e-9, abs_tol=1e-9)


@STEADY
@given(
    st.builds(
        Sample,
        requests=st.floats(allow_nan=True, allow_infinity=True),
        failures=st.floats(allow_nan=True, allow_infinity=True),
        latency_ms=st.none() | st.floats(allow_nan=True, allow_infinity=True),
    )
)
def test_only_a_plausible_measurement_is_ever_healthy(sample):
    guards = (at_most(1.0), at_least(0.0), compared(2.0))
    said = verdict(guards, window(0, sample, met(1_000, 1)))
    assert said is not HEALTHY or sample.is_plausible


@pytest.mark.parametrize(
    ("verdicts", "says"),
    [
        ((HEALTHY, HEALTHY), HEALTHY),
        ((HEALTHY, UNDECIDED), UNDECIDED),
        ((UNDECIDED, NOTHING), NOTHING),
        ((NOTHING, BROKEN), BROKEN),
        ((HEALTHY, BROKEN, DEGRADED), DEGRADED),
        ((), UNDECIDED),
    ],
)
def test_the_worst_verdict_wins_and_none_is_undecided(verdicts, says):
    assert worst(verdicts) is says


@pytest.mark.parametrize(
    ("first", "sample", "says"),
    [
        (at_most(0.05), met(200, 30), "g: candidate 15 % outside the limit 5 %, 200 requests"),
        (at_most(0.05), met(200, 2), "g: candidate 1 % within the limit 5 %, 200 requests"),
        (at_least(1.0), met(120), "g: candidate 2/s within the limit 1/s, 120 requests"),
        (
            at_most(300.0, Metric.LATENCY),
            met(200, 0, 250.5),
            "g: candidate 250.5 ms within the limit 300 ms, 200 requests",
        ),
    ],
)
def test_the_evidence_says_the_numbers_it_rests_on(first, sample, says):
    _, judgement = judged(since(0), (first,), window(0, sample))
    assert isinstance(judgement, Judgement)
    assert judgement.because() == says


def test_the_evidence_holds_the_numbers_for_machines():
    _, judgement = judged(since(0), (at_most(0.05),), window(0, met(200, 30)))
    (evidence,) = judgement.evidence
    assert (evidence.value, evidence.limit, evidence.reference, evidence.requests) == (0.15, 0.05, None, 200)


def test_the_evidence_of_a_lack_says_what_is_lacking():
    _, judgement = judged(since(0), (at_most(0.05),), window(0, ERROR))
    assert judgement is not None
    assert judgement.because() == "g: 503"
