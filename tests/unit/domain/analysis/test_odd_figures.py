"""Figures that are odd but real: none makes the judgement raise, none passes for want of a better one."""

from dataclasses import replace
from datetime import timedelta
from math import exp, inf, nan, sqrt

import numpy as np
import pytest

from shared.domain.analysis.guards import Metric, Objective, Ratio, Worse
from shared.domain.analysis.history import learn
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.measurement import Sample
from shared.domain.analysis.parts import Baseline
from shared.domain.analysis.ramp import LONGEST_DWELL, ramp_for
from shared.domain.analysis.sequence import AnalysisState, begin_step
from tests.unit.domain.analysis.worlds import (
    DECLINED,
    ERRORS,
    MEMORY,
    ORDERS,
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


@pytest.mark.parametrize("declined", [150.0, -5.0, 1e15, 0.0])
def test_a_counter_may_be_more_than_one_a_request_or_nonsense_and_the_judgement_goes_on(declined):
    config = judging(DECLINED)
    state = begun(config, before(served(3_000, declined=60.0)))
    found = last(state, config, lasting(range(5), served(100, declined=declined), served(900, declined=18.0)))
    assert found.verdict in Verdict


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e200])
def test_a_gauge_that_is_no_number_or_beyond_reckoning_is_an_error_and_no_evidence(value):
    config = judging(MEMORY)
    state = begun(config, before(served(3_000, memory=70.0)))
    window = measured(0, served(100, memory=value), served(900, memory=70.0))
    assert last(state, config, (window,)).verdict is Verdict.ERROR


def test_a_gauge_of_which_half_is_allowed_is_judged():
    config = judging(guarded("memory", Metric.GAUGE, Ratio(0.5, 0.0, Worse.LOWER), of="memory"))
    state = begun(config, before(served(3_000, memory=70.0)))
    assert last(state, config, lasting(range(5), served(100, memory=1.0), served(900, memory=70.0)))


@pytest.mark.parametrize(("orders", "verdict"), [(0.0, Verdict.DEGRADED), (20.0, Verdict.HEALTHY)])
def test_fewer_orders_are_worse_and_more_are_not_also_when_stable_has_no_traffic(orders, verdict):
    config = judging(guarded("orders", Metric.COUNTER, Ratio(1.25, 0.0, Worse.LOWER), of="orders"))
    learnt = AnalysisState(baseline=learn(before(served(3_000, orders=300.0)), config))
    state = begin_step(learnt, NOON, weight=100_000, stable_retired=True)
    assert verdict in verdicts(state, config, lasting(range(10), served(100, orders=orders), NO_DATA))


def test_a_window_that_lacks_something_is_never_healthy():
    config = judging(guarded("objective", Metric.ERROR_RATE, Objective(0.02)), replace(ERRORS, notify_only=True))
    state = begun(config, before(served(3_000, 30)))
    state, judged = told(state, config, lasting(range(10), served(300, 3), served(2_700, 27)))
    assert judged[-1].verdict is Verdict.HEALTHY
    broken = measured(10, served(10, 50), served(2_700, 27))
    assert last(state, config, (broken,)).verdict is Verdict.ERROR


def test_a_figure_that_is_gone_is_no_data_however_good_it_was():
    config = judging(ERRORS, ORDERS)
    state = begun(config, before(served(3_000, 30, orders=300.0)))
    good = lasting(range(5), served(300, 3, orders=30.0), served(2_700, 27, orders=270.0))
    state, judged = told(state, config, good)
    assert judged[-1].verdict is Verdict.HEALTHY
    gone = last(state, config, lasting(range(5, 7), served(300, 3), served(2_700, 27)))
    assert gone.verdict is Verdict.NO_DATA
    assert not gone.lacks_traffic


@pytest.mark.parametrize("seconds", [5, 15, 60])
def test_moods_of_a_level_that_last_for_minutes_are_as_many_looks_with_short_windows(seconds):
    """AR(1) with a time constant of five minutes, on the limit: 60 minutes, 60 releases, alpha 1 %."""
    length = timedelta(seconds=seconds)
    config = judging(MEMORY, length=length)
    kept = exp(-seconds / 300.0)
    taken_back = 0
    for seed in range(60):
        rng = np.random.default_rng((seed, seconds))
        noise = rng.normal(0.0, 1.0, size=(2, 7_200 // seconds))
        moods = np.zeros_like(noise)
        for index in range(1, moods.shape[1]):
            moods[:, index] = kept * moods[:, index - 1] + sqrt(1.0 - kept * kept) * noise[:, index]
        half = moods.shape[1] // 2
        history = [
            measured(index - half, NO_DATA, served(750, memory=100.0 + moods[1, index]), length=length)
            for index in range(half)
        ]
        state = begun(config, history)
        windows = [
            measured(
                index,
                served(75, memory=125.0005 + moods[0, half + index]),
                served(675, memory=100.0 + moods[1, half + index]),
                length=length,
            )
            for index in range(half)
        ]
        taken_back += Verdict.DEGRADED in verdicts(state, config, windows)
    assert taken_back <= 4


def test_the_smallest_regression_to_see_is_no_obstacle_to_a_service_without_errors():
    config = judging(ERRORS, smallest=2.0)
    state = begun(config, before(served(30_000)))
    windows = lasting(range(40), served(30_000), served(270_000))
    assert Verdict.HEALTHY in verdicts(state, config, windows)


@pytest.mark.parametrize("requests_per_second", [1e-4, 1.0, 50.0])
def test_no_ramp_lasts_longer_than_a_week_at_one_weight(requests_per_second):
    without_slack = judging(guarded("errors", Metric.ERROR_RATE, Ratio(1.25, 0.0)))
    assert ramp_for(2.0, 0.0, requests_per_second, without_slack).dwell <= LONGEST_DWELL + MINUTE


def test_counts_that_an_earlier_release_stored_stand_in_for_rates_that_were_never_learnt():
    config = judging(guarded("errors", Metric.ERROR_RATE, Ratio(2.0, 0.0)))
    old = AnalysisState(baseline=Baseline(pooled=Sample(requests=60_000, failures=600)))
    state = begin_step(old, NOON, weight=100_000, stable_retired=True)
    assert Verdict.DEGRADED not in verdicts(state, config, lasting(range(20), served(1_000, 10), NO_DATA))
