"""Rules that an earlier form of the core broke, each once by a number that nobody had thought of."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from shared.domain.analysis.guards import Metric, Objective, Ratio, Slower
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.measurement import Histogram, Sample
from shared.domain.analysis.sequence import begin_step
from tests.unit.domain.analysis import test_levels, test_share
from tests.unit.domain.analysis.test_validity import ALPHA, AT_MOST, RUNS, moody, taken_back
from tests.unit.domain.analysis.worlds import (
    BOTH,
    DECLINED,
    ERRORS,
    MEMORY,
    OBJECTIVE,
    ORDERS,
    SHARE,
    SIX,
    SLOWER_TIMES,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
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
from tests.unit.domain.specs import MINUTE, NOON

PAST = before(served(3_000, 30))
GOOD = served(300, 3), served(2_700, 27)
LATER = {"at": NOON - 10 * MINUTE}


@pytest.mark.parametrize("guards", [(OBJECTIVE,), (ERRORS, OBJECTIVE), (BOTH,)])
def test_an_objective_that_is_kept_lets_the_candidate_reach_most_users(guards):
    config = judging(*guards)
    windows = lasting(range(120), served(3_000, 30), served(9_000, 90))
    assert last(begun(config, PAST, percent=25, then=50), config, windows).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("healthy", [2, 5, 60])
def test_after_good_windows_a_total_failure_still_takes_one_window(healthy):
    config = judging(ERRORS)
    state, _ = told(begun(config, PAST), config, lasting(range(healthy), *GOOD))
    assert last(state, config, lasting([healthy], served(300, 300), served(2_700, 27))).verdict is Verdict.DEGRADED


@pytest.mark.parametrize("guard", [ERRORS, BOTH], ids=lambda g: g.name)
def test_a_total_outage_of_both_versions_is_no_evidence(guard):
    config = judging(guard)
    windows = lasting(range(15), served(300, 300), served(2_700, 2_700))
    assert Verdict.DEGRADED not in verdicts(begun(config, PAST, **LATER), config, windows)


@pytest.mark.parametrize(("orders", "says"), [(30, True), (150, False), (300, False)])
def test_where_less_is_worse_a_promoted_candidate_is_held_against_what_was_learnt(orders, says):
    config = judging(ORDERS)
    state, _ = told(
        begun(config, before(served(3_000, orders=150))),
        config,
        lasting(range(10), served(300, orders=15), served(2_700, orders=135)),
    )
    state = begin_step(state, NOON + 10 * MINUTE, weight=100_000, stable_retired=True)
    found = verdicts(state, config, lasting(range(10, 40), served(3_000, orders=orders), NO_DATA))
    assert (Verdict.DEGRADED in found) is says


def test_a_guard_that_only_notifies_holds_nothing():
    config = judging(ERRORS, replace(DECLINED, notify_only=True))
    past = before(served(3_000, 30, declined=60))
    windows = lasting(range(20), served(3_000, 30, declined=180), served(27_000, 270, declined=540))
    assert last(begun(config, past), config, windows).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf, -5.0, 5_000.0, 1e200])
@pytest.mark.parametrize("guard", [DECLINED, ORDERS, MEMORY], ids=lambda g: g.name)
def test_a_figure_that_cannot_be_one_neither_raises_nor_condemns(figure, guard):
    config = judging(guard)
    state = begun(config, before(served(3_000, declined=60, orders=150, memory=70.0)))
    bad = served(300, declined=figure, orders=figure, memory=figure)
    _, found = told(state, config, lasting(range(5), bad, served(2_700, declined=54, orders=135, memory=70.0)))
    for each in found:
        assert math.isfinite(each.odds)
        if not math.isfinite(figure):
            assert each.verdict is Verdict.ERROR


def test_one_window_in_which_everything_is_bad_below_fifty_points_does_not_take_back():
    def whole(n, *, bad=False):
        return served(
            n,
            n * (0.45 if bad else 0.01),
            times=SLOWER_TIMES if bad else USUAL_TIMES,
            declined=n * (0.4 if bad else 0.02),
            orders=n * (0.0 if bad else 0.05),
        )

    config = judging(*SIX)
    state = begun(config, before(whole(30_000)), **LATER)
    assert last(state, config, lasting([0], whole(3_000, bad=True), whole(27_000))).verdict is not Verdict.DEGRADED


@pytest.mark.parametrize("requests", [300, 3_000, 30_000])
def test_in_the_first_two_minutes_less_than_fifty_points_take_nothing_back_at_any_traffic(requests):
    config = judging(ERRORS)
    windows = lasting(range(2), served(requests, 0.047 * requests), served(9 * requests, 0.09 * requests))
    assert Verdict.DEGRADED not in verdicts(begun(config, PAST), config, windows)


def test_an_outage_out_of_step_is_taken_back_where_stable_never_failed_before():
    config = judging(ERRORS)
    arms = [(served(300), served(2_700))] * 5 + [
        (served(300, 90), served(2_700)),
        (served(300, 90), served(2_700, 810)),
        (served(300), served(2_700, 810)),
    ]
    _, found = told(
        begun(config, before(served(3_000)), **LATER), config, [measured(n, *each) for n, each in enumerate(arms)]
    )
    assert found[6].odds <= found[4].odds


def test_the_p_value_of_an_objective_is_that_of_both_promises_together():
    config = judging(guarded("slo", Metric.ERROR_RATE, Objective(0.001, and_compared=True)))
    windows = lasting(range(12), served(3_000, 900), served(27_000, 8_100))
    said = last(begun(config, before(served(27_000, 20)), **LATER), config, windows).evidence[0]
    assert said.p_value > 0.01


@pytest.mark.parametrize(("maximum", "correlation"), [(1.25, 0.5), (2.0, 0.0), (2.0, 0.5)])
def test_a_gauge_on_the_edge_of_a_multiple_is_not_taken_back(maximum, correlation):
    guards = (guarded("memory", Metric.GAUGE, Ratio(maximum, 0.0), of="memory"),)
    found = taken_back(guards, moody(maximum * 70, correlation), moody(70, correlation))
    assert found <= 2, f"{found} of {RUNS}"


def test_a_gauge_on_the_edge_in_short_windows_is_not_taken_back():
    length, hits = timedelta(seconds=15), 0
    config = judging(guarded("memory", Metric.GAUGE, Ratio(1.0, 0.0), of="memory"), length=length, alpha=ALPHA)
    for run in range(RUNS):
        rng = np.random.default_rng((17, run))
        past = [lasting([n - 240], NO_DATA, s, length=length)[0] for n, s in enumerate(moody(70, 0.9)(rng, 240))]
        state = begun(config, past, percent=50, then=100)
        windows = [
            measured(n, *arms, length=length)
            for n, arms in enumerate(zip(moody(70, 0.9)(rng, 300), moody(70, 0.9)(rng, 300), strict=True))
        ]
        hits += Verdict.DEGRADED in verdicts(state, config, windows)
    assert hits <= AT_MOST, f"{hits} of {RUNS}"


@pytest.mark.parametrize("healthy", [30, 300, 600])
def test_a_level_that_begins_to_be_worse_by_a_half_is_found_within_an_hour(healthy):
    config, good = test_levels.memory(1.0, windows=healthy)
    state, _ = told(begun(config, test_levels.PAST), config, good)
    _, worse = test_levels.memory(1.6, first=healthy, windows=60)
    assert Verdict.DEGRADED in verdicts(state, config, worse)


@pytest.mark.parametrize(("of", "within"), [(0.5, 10), (0.0, 4)])
def test_requests_that_begin_to_be_lost_after_ten_hours_are_a_concern_soon(of, within):
    windows = [*test_share.split(0.1, minutes=600), *test_share.split(0.1, first=600, minutes=90, seed=2, of=of)]
    assert test_share.concerns(windows, config=judging(SHARE)) - 600 <= within


@pytest.mark.parametrize("guard", [ERRORS, OBJECTIVE], ids=lambda g: g.name)
def test_the_smallest_regression_to_see_does_not_hold_for_ever_beside_a_stable_without_failures(guard):
    config = judging(guard, smallest=2.0)
    windows = lasting(range(60), served(30_000), served(270_000))
    assert last(begun(config, before(served(270_000))), config, windows).verdict is Verdict.HEALTHY


def test_the_second_window_first_does_not_shut_the_first_one_out():
    config = judging(ERRORS)
    state, _ = told(begun(config, PAST), config, lasting([1], *GOOD))
    after, (judgement,) = told(state, config, lasting([0], *GOOD))
    assert judgement is not None
    assert after.windows == 2


def test_slower_for_everybody_is_not_cold_whatever_the_edges_are():
    edges = (50.0, 100.0, 200.0, 300.0, 400.0, 500.0, 750.0, 1000.0, 2000.0)
    usual = (0.3, 0.35, 0.25, 0.05, 0.03, 0.01, 0.006, 0.003, 0.0008, 0.0002)
    slower = (0.05, 0.2, 0.3, 0.2, 0.1, 0.05, 0.04, 0.03, 0.02, 0.01)

    def timed(n, shares):
        return Sample(requests=n, failures=0.0, histogram=Histogram(edges, tuple(n * s for s in shares)))

    config = judging(TAILS)
    found = told(
        begun(config, before(timed(3_000, usual))), config, lasting(range(3), timed(300, slower), timed(2_700, usual))
    )[1]
    assert all("cold" not in each.holds for each in found)


def test_slow_requests_without_a_history_are_counted_at_the_edges_that_come():
    config = judging(guarded("slow", Metric.LATENCY, Slower(than_ms=320.0)))
    good = lasting(range(60), served(3_000, times=USUAL_TIMES), served(27_000, times=USUAL_TIMES))
    assert last(begun(config), config, good).verdict is Verdict.HEALTHY


def test_who_looks_at_every_fourth_window_sees_that_a_weight_may_be_passed():
    length = timedelta(seconds=15)
    config = judging(ERRORS, length=length)
    for offset in range(4):
        state = begun(config, PAST)
        found = verdicts(state, config, lasting(range(80), served(750, 7.5), served(6_750, 67.5), length=length))
        assert Verdict.HEALTHY in found[offset::4]
