"""Levels: the evidence of a sum of differences, whenever one looks."""

from math import exp, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from shared.domain.analysis.guards import Metric, Ratio, Tail, Worse
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.levels import WIDTH_SQUARED, mixture
from tests.unit.domain.analysis.worlds import (
    MEMORY,
    before,
    begun,
    evidence_on,
    guarded,
    judging,
    last,
    lasting,
    measured,
    served,
    told,
    verdicts,
)
from tests.unit.domain.measurements import NO_DATA

SUMS = (-30.0, -2.0, 0.0, 1.5, 8.0, 40.0)
SCORE = guarded("score", Metric.GAUGE, Ratio(worse=Worse.LOWER), of="score")
AVERAGE = guarded("average", Metric.LATENCY, Ratio(maximum=1.2, slack=1.0))
AVERAGES_ONLY = guarded("tails", Metric.LATENCY, Tail())


@pytest.mark.parametrize("total", SUMS)
@pytest.mark.parametrize("windows", [1, 7, 300])
def test_the_evidence_is_the_likelihood_averaged_over_every_drift_upwards(total, windows):
    width = sqrt(WIDTH_SQUARED)

    def weighed(drift):
        return 2 * norm.pdf(drift, scale=width) * exp(min(600.0, drift * total - windows * drift**2 / 2))

    peak = max(0.0, total * WIDTH_SQUARED / (1 + windows * WIDTH_SQUARED))
    mean = sum(quad(weighed, *part, limit=200)[0] for part in ((0, peak), (peak, peak + 1), (peak + 1, 10)))
    assert mixture(total, windows, 0.0) == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("total", SUMS)
@pytest.mark.parametrize("windows", [1, 7, 300])
def test_one_more_window_without_a_drift_changes_nothing_on_average_and_one_downwards_takes_away(total, windows):
    def after(drift):
        return quad(lambda seen: norm.pdf(seen, drift) * mixture(total + seen, windows + 1, 0.0), -12, 12, limit=300)[0]

    now = mixture(total, windows, 0.0)
    assert after(0.0) == pytest.approx(now, rel=1e-6)
    assert after(-0.3) < now < after(0.3)


def test_moods_that_last_count_for_fewer_windows():
    assert mixture(12.0, 30, 0.0) > mixture(12.0, 30, 0.5) > mixture(12.0, 30, 0.9)


@pytest.mark.parametrize("total", [-1e9, -1e3, 0.0, 1e3, 1e9])
@pytest.mark.parametrize("windows", [1, 10**9])
def test_no_sum_makes_the_evidence_anything_but_a_number(total, windows):
    assert 0.0 <= mixture(total, windows, 0.9) < float("inf")


def wavering(mean, number, *, times=1.0):
    return served(3_000, memory=times * (mean + 3 * np.sin(7.0 * number)), score=times * (mean + np.sin(7.0 * number)))


def memory(times, *, first=0, windows=40, guard=MEMORY):
    """Windows in which the candidate has so many times stable's level."""
    return judging(guard), [
        measured(n, wavering(70, n + 100, times=times), wavering(70, n)) for n in range(first, first + windows)
    ]


PAST = [lasting([n], NO_DATA, wavering(70, n))[0] for n in range(-60, 0)]


@pytest.mark.parametrize(("guard", "bad", "good"), [(MEMORY, 1.5, 1.0), (MEMORY, 2.0, 0.5), (SCORE, 0.6, 1.0)])
def test_a_level_that_is_worse_than_tolerated_is_taken_back_and_one_that_is_not_goes_on(guard, bad, good):
    config, windows = memory(bad, guard=guard)
    assert last(begun(config, PAST), config, windows).verdict is Verdict.DEGRADED
    config, windows = memory(good, guard=guard)
    found = verdicts(begun(config, PAST), config, windows)
    assert Verdict.DEGRADED not in found
    assert found[-1] is Verdict.HEALTHY


def test_where_less_is_worse_more_is_no_regression():
    config, windows = memory(3.0, guard=SCORE)
    assert Verdict.DEGRADED not in verdicts(begun(config, PAST), config, windows)


@pytest.mark.parametrize("number", [2, 20])
@pytest.mark.parametrize("level", [150, 1e6])
def test_a_single_window_out_of_line_is_no_regression(number, level):
    config, windows = memory(1.0)
    windows[number] = measured(number, served(3_000, memory=level), wavering(70, number))
    assert Verdict.DEGRADED not in verdicts(begun(config, PAST), config, windows)


def test_a_level_that_begins_to_be_worse_after_hours_is_found():
    config, healthy = memory(1.0, windows=300)
    state, _ = told(begun(config, PAST), config, healthy)
    _, worse = memory(1.6, first=300, windows=400)
    assert Verdict.DEGRADED in verdicts(state, config, worse)


def test_without_a_history_a_level_takes_longer_to_be_judged():
    config, windows = memory(1.6)
    known, unknown = verdicts(begun(config, PAST), config, windows), verdicts(begun(config), config, windows)
    assert known.index(Verdict.DEGRADED) < unknown.index(Verdict.DEGRADED)


def test_average_response_times_are_compared_where_there_is_no_histogram():
    for guard in (AVERAGE, AVERAGES_ONLY):
        config = judging(guard)
        past = [lasting([n], NO_DATA, served(3_000, latency_ms=80 + np.sin(7.0 * n)))[0] for n in range(-60, 0)]
        for slow, says in ((85, Verdict.HEALTHY), (140, Verdict.DEGRADED)):
            windows = [
                measured(n, served(3_000, latency_ms=slow + np.sin(3.0 * n)), served(3_000, latency_ms=80.0))
                for n in range(30)
            ]
            assert last(begun(config, past), config, windows).verdict is says


def test_a_window_without_requests_says_nothing_of_response_times():
    config = judging(AVERAGE)
    past = before(served(3_000, latency_ms=80.0))
    state, _ = told(begun(config, past), config, lasting(range(3), served(0), served(3_000, latency_ms=80.0)))
    assert state.levels[0].windows == 0


def test_the_evidence_says_both_levels_and_what_is_tolerated():
    config, windows = memory(1.5)
    said = evidence_on("memory", last(begun(config, PAST), config, windows))
    assert said.value == pytest.approx(1.5 * 70, abs=5)
    assert said.reference == pytest.approx(70, abs=3.1)
    assert said.limit == pytest.approx(1.25 * said.reference, rel=0.01)
    for figure in (f"candidate {said.value:.4g}", f"stable {said.reference:.4g}", f"at most {said.limit:.4g}"):
        assert figure in said.says
