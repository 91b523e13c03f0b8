"""What can be seen so far: the smallest regression that would have shown, and where the difference lies."""

from math import log

import numpy as np
import pytest
from scipy.stats import binom

from shared.domain.analysis.bets import FACTORS
from shared.domain.analysis.rates import Counts, Promise, growth
from shared.domain.analysis.visible import SURELY, difference_interval, smallest_visible

DECIDES = log(100)


def at_rate(rate, n_c, n_s):
    return Counts(n_c, rate * n_c, n_s, rate * n_s)


@pytest.mark.parametrize("promise", [Promise(1.25, 0.0005), Promise(1.0, 0.0), Promise(2.0, 0.01)])
@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1])
@pytest.mark.parametrize(("n_c", "n_s"), [(5_000, 50_000), (100_000, 100_000)])
@pytest.mark.parametrize("phi", [1.0, 4.0])
def test_it_is_the_least_factor_whose_expected_evidence_surely_decides(promise, rate, n_c, n_s, phi):
    tolerated = promise.tolerated(rate)

    def decides(factor):
        counts = Counts(n_c, n_c * factor * tolerated, n_s, n_s * rate)
        bet_on = max((each for each in FACTORS if each <= factor), default=FACTORS[0])
        return growth(counts, promise, bet_on) / phi >= SURELY * DECIDES

    found = smallest_visible(at_rate(rate, n_c, n_s), promise, DECIDES, phi)
    exact = next((factor for factor in np.geomspace(1.0, 1 / tolerated, 2_000) if decides(factor)), None)
    if exact is None:
        assert found is None
    else:
        assert found == pytest.approx(exact * tolerated / rate, rel=0.03)


def test_the_longer_one_looks_the_smaller_a_regression_is_seen():
    seen = [
        smallest_visible(at_rate(0.01, n, 9 * n), Promise(1.25, 0.0005), DECIDES, 1.5) for n in (300, 3_000, 30_000)
    ]
    assert seen[0] > seen[1] > seen[2] > 1.25


@pytest.mark.parametrize(
    "counts", [Counts(), Counts(0, 0, 500, 5), at_rate(0.01, 0.5, 45), at_rate(1.0, 500, 500)], ids=str
)
def test_nothing_is_visible_without_requests_or_beyond_all_of_them(counts):
    assert smallest_visible(counts, Promise(1.25, 0.0005), DECIDES, 1.0) is None


@pytest.mark.parametrize(("p_c", "p_s"), [(0.01, 0.01), (0.03, 0.01), (0.0, 0.2), (0.5, 0.4)])
def test_the_difference_lies_within_the_interval_at_every_look(p_c, p_s):
    alpha, runs, looks = 0.1, 300, 40
    rng = np.random.default_rng(11)
    missed = 0
    for _ in range(runs):
        f_c, f_s = np.cumsum(rng.binomial(200, p_c, looks)), np.cumsum(rng.binomial(1_800, p_s, looks))
        intervals = [
            difference_interval(Counts(200 * n, f_c[n - 1], 1_800 * n, f_s[n - 1]), 1.0, alpha)
            for n in range(1, looks + 1)
        ]
        missed += not all(low <= p_c - p_s <= high for low, high in intervals)
    assert missed <= binom.ppf(0.999, runs, alpha)


def test_the_interval_narrows_around_the_difference_and_widens_with_roughness():
    few = difference_interval(Counts(300, 9, 2_700, 27), 1.0, 0.01)
    many = difference_interval(Counts(30_000, 900, 270_000, 2_700), 1.0, 0.01)
    rough = difference_interval(Counts(30_000, 900, 270_000, 2_700), 5.0, 0.01)
    assert few[0] < rough[0] < many[0] < 0.02 < many[1] < rough[1] < few[1]
    assert many[1] - many[0] < 0.02


@pytest.mark.parametrize("counts", [Counts(), Counts(10, 1, 0, 0), Counts(0, 0, 10, 1)])
def test_there_is_no_interval_for_a_version_that_served_nobody(counts):
    assert difference_interval(counts, 1.0, 0.01) is None


@pytest.mark.parametrize("counts", [Counts(1, 1, 1, 0), Counts(1e9, 1e9, 1e9, 0), Counts(1e9, 1, 1e9, 0)])
def test_the_interval_never_leaves_what_a_difference_of_shares_can_be(counts):
    low, high = difference_interval(counts, 1.0, 0.01)
    assert -1 <= low <= high <= 1
