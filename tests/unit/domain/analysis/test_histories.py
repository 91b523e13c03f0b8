"""What is learnt of the stable version before traffic moves."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from shared.domain.analysis.guards import Metric, Slower
from shared.domain.analysis.history import learn
from shared.domain.analysis.measurement import Histogram
from shared.domain.analysis.parts import Baseline, quantile_edge
from tests.unit.domain.analysis.worlds import (
    BOTH,
    DECLINED,
    EDGES_MS,
    ERRORS,
    MEMORY,
    SIX,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
    guarded,
    judging,
    lasting,
    served,
    told,
)
from tests.unit.domain.measurements import ERROR, NO_DATA

QUARTER = timedelta(seconds=15)


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("seed", range(5))
def test_a_quantiles_edge_is_the_one_with_the_nearest_share_of_slower_requests(quantile, seed):
    times = np.sort(np.random.default_rng(seed).lognormal(np.log(80), 0.7, 20_000))
    counts = np.histogram(times, bins=[0, *EDGES_MS, np.inf])[0]
    edge, share = quantile_edge(Histogram(EDGES_MS, tuple(map(float, counts))), quantile)
    slower = {each: float((times > each).mean()) for each in EDGES_MS}

    def distance(each):
        ratio = slower[each] / (1 - quantile)
        return math.inf if ratio == 0 else max(ratio, 1 / ratio)

    assert share == pytest.approx(slower[edge])
    assert distance(edge) == min(map(distance, EDGES_MS))


def test_a_histogram_whose_every_request_is_below_every_edge_has_no_tail():
    assert quantile_edge(Histogram((10.0, 20.0), (5.0, 0.0, 0.0)), 0.95) == (20.0, 0.0)


def test_each_guard_learns_the_usual_rate_of_what_it_counts():
    found = learn(before(served(3_000, 30, times=USUAL_TIMES, declined=60, orders=150)), judging(*SIX))
    assert found.rate("errors").dispersion.usual == pytest.approx(0.01)
    assert found.rate("declined").dispersion.usual == pytest.approx(0.02)
    assert found.rate("orders").dispersion.usual == pytest.approx(0.05)
    assert found.rate("both").dispersion.usual == pytest.approx(0.01)
    assert found.requests_per_second == pytest.approx(50)
    assert found.minutes == 60


def test_tails_are_counted_at_the_edges_nearest_to_stables_own_quantiles():
    found = learn(before(served(3_000, times=USUAL_TIMES)), judging(TAILS))
    assert [(part.edge, round(part.dispersion.usual, 4)) for part in found.rates] == [
        (300.0, 0.05),
        (500.0, 0.01),
        (1_000.0, 0.001),
    ]


def test_a_tail_that_is_too_rare_to_count_is_not_guarded():
    few = learn(before(served(100, times=USUAL_TIMES)), judging(TAILS))
    assert [part.key.partition("@")[2] for part in few.rates] == ["0.95", "0.99"]


def test_the_time_that_a_request_must_not_take_is_the_nearest_edge_there_is():
    slower = guarded("slow", Metric.LATENCY, Slower(than_ms=450.0))
    assert learn(before(served(3_000, times=USUAL_TIMES)), judging(slower)).rate("slow").edge in (400.0, 500.0)
    assert learn(before(served(3_000, slow=60)), judging(slower)).rate("slow").edge == 450.0


def test_short_windows_are_put_together_to_minutes_first():
    guards = (ERRORS, DECLINED, MEMORY)
    minutes = before(served(3_000, 30, declined=60, memory=70))
    quarters = before(served(750, 7.5, declined=15, memory=70), length=QUARTER)
    assert learn(quarters, judging(*guards, length=QUARTER)) == learn(minutes, judging(*guards))


def test_what_cannot_be_a_measurement_is_not_learnt():
    good = before(served(3_000, 30))
    bad = (*good[:3], *(replace(good[3], stable=each) for each in (NO_DATA, ERROR, served(-1), served(5, 6))))
    assert learn((*bad, *good[4:]), judging(ERRORS)) == replace(learn((*good[:3], *good[4:]), judging(ERRORS)))


def test_nothing_to_learn_from_is_no_history():
    found = learn((), judging(*SIX))
    assert (found.minutes, found.requests_per_second, found.pooled) == (0.0, 0.0, None)
    assert all(part.dispersion.phi >= 4 for part in found.rates)


def test_histograms_with_other_edges_halfway_teach_no_tails():
    first, second = served(3_000, times=USUAL_TIMES), served(3_000)
    second = replace(second, histogram=Histogram((10.0, 20.0), (1_000.0, 1_000.0, 1_000.0)))
    windows = (*lasting(range(-60, -30), NO_DATA, first), *lasting(range(-30, 0), NO_DATA, second))
    assert learn(windows, judging(TAILS)).rates == ()


def test_without_a_history_the_first_window_of_stable_says_where_the_tails_are():
    config = judging(TAILS)
    once, twice = served(300, times=USUAL_TIMES), served(2_700, times=USUAL_TIMES)
    state, _ = told(begun(config), config, lasting(range(1), once, twice))
    assert [part.edge for part in state.baseline.rates][:2] == [300.0, 500.0]
    after, _ = told(state, config, lasting(range(1, 4), once, twice))
    assert after.baseline == state.baseline


def test_a_gauge_learns_its_mean_its_deviation_and_how_long_its_moods_last():
    rng = np.random.default_rng(5)
    level, means = 0.0, []
    for _ in range(600):
        level = 0.7 * level + (1 - 0.49) ** 0.5 * rng.normal()
        means.append(70 + 5 * level)
    windows = [lasting([n], NO_DATA, served(3_000, memory=mean))[0] for n, mean in enumerate(means)]
    found = learn(windows, judging(MEMORY)).level("memory")
    assert found.mean == pytest.approx(70, abs=2)
    assert found.deviation == pytest.approx(5, rel=0.2)
    assert found.correlation == pytest.approx(0.7, abs=0.12)
    assert found.requests == pytest.approx(3_000)


def test_a_part_is_found_by_its_key_or_not_at_all():
    assert Baseline().rate("errors") is None
    assert Baseline().level("memory") is None
    assert learn(before(served(300, 3)), judging(BOTH)).rate("both@compared") is not None
