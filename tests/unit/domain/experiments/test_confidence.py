"""The intervals hold the truth at every look together, at every rate and split, and are no wider than they must be."""

from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import rel_entr
from scipy.stats import binom, chi2_contingency, norm

from shared.domain.analysis.rates import Counts
from shared.domain.analysis.visible import difference_interval
from shared.domain.experiments.confidence import (
    SEEN,
    Rate,
    against_difference,
    against_ratio,
    boundary,
    difference,
    equality,
    ratio,
    visible_difference,
)
from tests.unit.domain.experiments.trials import looks

ALPHA = 0.05
RATES = st.tuples(st.integers(1, 10**6), st.floats(0, 1)).map(lambda drawn: Rate(round(drawn[0] * drawn[1]), drawn[0]))
ALLOWED = boundary(5_000, ALPHA)


def allowed_at(candidate: Rate, stable: Rate, planned: float) -> float:
    return boundary(candidate.of if planned <= 0.5 else stable.of, ALPHA)


@pytest.mark.parametrize("planned", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("share", [0.0005, 0.01, 0.3, 0.995])
def test_however_often_one_looks_few_experiments_without_an_effect_ever_show_one(share, planned):
    runs, rng = 400, np.random.default_rng(3)

    fooled = sum(
        any(
            equality(c, s) > allowed_at(c, s, planned)
            for c, s in looks(rng, (share, share), planned)
            if c.of > 0 and s.of > 0
        )
        for _ in range(runs)
    )

    assert fooled <= binom.ppf(0.99, runs, ALPHA)


@pytest.mark.parametrize("planned", [0.05, 0.5, 0.9])
@pytest.mark.parametrize(
    "shares", [(0.002, 0.01), (0.01, 0.002), (0.0, 0.001), (0.001, 0.0), (0.4, 0.5), (0.99, 0.999)]
)
def test_the_true_difference_and_ratio_are_in_the_interval_at_every_look(shares, planned):
    runs, rng = 200, np.random.default_rng(4)

    missed = sum(
        any(
            rules_out(c, s, allowed_at(c, s, planned), shares)
            for c, s in looks(rng, shares, planned, count=15)
            if c.of > 0 and s.of > 0
        )
        for _ in range(runs)
    )

    assert missed <= binom.ppf(0.99, runs, ALPHA)


def rules_out(candidate: Rate, stable: Rate, allowed: float, shares: tuple[float, float]) -> bool:
    apart = against_difference(candidate, stable, shares[0] - shares[1])
    times = against_ratio(candidate, stable, shares[0] / shares[1]) if min(shares) > 0 else 0.0
    return max(apart, times) > allowed


@settings(max_examples=60, deadline=None)
@given(RATES, RATES, st.floats(-1, 1), st.floats(0.01, 100))
def test_the_interval_is_what_is_not_ruled_out(candidate, stable, apart, times):
    def agree(held: bool, against: float) -> bool:
        return held == (against <= ALLOWED) or abs(against - ALLOWED) < 1e-6 * ALLOWED

    found, ratios = difference(candidate, stable, ALLOWED), ratio(candidate, stable, ALLOWED)

    assert agree(found.low <= apart <= found.high, against_difference(candidate, stable, apart))
    assert ratios is None or agree(ratios.low <= times <= ratios.high, against_ratio(candidate, stable, times))


def profile(candidate: Rate, stable: Rate, apart: float) -> float:
    """The same likelihood by other means: scipy's relative entropies, minimized by scipy."""

    def cost(share: float) -> float:
        pairs = ((candidate, share + apart), (stable, share))
        return sum(rate.of * (rel_entr(rate.share, p) + rel_entr(1 - rate.share, 1 - p)) for rate, p in pairs)

    bounds = (max(0.0, -apart) + 1e-12, min(1.0, 1.0 - apart) - 1e-12)
    return float(minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-13}).fun)


@pytest.mark.parametrize(
    ("candidate", "stable"),
    [(Rate(120, 1204), Rate(116, 1198)), (Rate(3, 900), Rate(40, 8000)), (Rate(900, 1000), Rate(700, 1000))],
)
def test_at_its_ends_the_likelihood_ratio_is_what_is_allowed(candidate, stable):
    apart = difference(candidate, stable, ALLOWED)

    assert profile(candidate, stable, apart.low) == pytest.approx(ALLOWED, rel=1e-4)
    assert profile(candidate, stable, apart.high) == pytest.approx(ALLOWED, rel=1e-4)


def test_the_likelihood_ratio_against_no_difference_is_the_g_test_of_a_table():
    candidate, stable = Rate(120, 1204), Rate(150, 1198)
    table = [[rate.events, rate.of - rate.events] for rate in (candidate, stable)]

    g_statistic = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic

    assert 2 * equality(candidate, stable) == pytest.approx(g_statistic)


@pytest.mark.parametrize("counts", [Counts(50_000, 5_000, 50_000, 5_200), Counts(20_000, 9_000, 300_000, 130_000)])
@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_for_many_events_it_is_the_interval_that_a_rollout_shows(counts, dispersion):
    candidate, stable = Rate(counts.f_c, counts.n_c), Rate(counts.f_s, counts.n_s)

    apart = difference(candidate, stable, dispersion * boundary(counts.n_c, ALPHA))
    low, high = difference_interval(counts, dispersion, ALPHA)

    assert (apart.low, apart.high) == pytest.approx((low, high), abs=0.03 * (high - low))


def test_no_events_say_less_of_a_rate_than_a_standard_error_would():
    narrow = difference_interval(Counts(1_000, 0, 1_000, 0), 1.0, ALPHA)
    apart = difference(Rate(0, 1_000), Rate(0, 1_000), boundary(1_000, ALPHA))

    assert apart.low < narrow[0] < narrow[1] < apart.high
    assert ratio(Rate(0, 1_000), Rate(0, 1_000), ALLOWED) is None


@settings(max_examples=60, deadline=None)
@given(RATES, RATES)
def test_difference_and_ratio_rule_out_no_effect_together(candidate, stable):
    apart, times = difference(candidate, stable, ALLOWED), ratio(candidate, stable, ALLOWED)

    assert apart.low - 1e-12 <= apart.estimate <= apart.high + 1e-12
    assert -1 <= apart.low <= apart.high <= 1
    if times is None:
        assert apart.low <= 0 <= apart.high
    elif abs(equality(candidate, stable) - ALLOWED) > 1e-6:
        assert (apart.low > 0) == (times.low > 1)
        assert (apart.high < 0) == (times.high < 1)
        assert 0 <= times.low <= times.high


@settings(max_examples=40, deadline=None)
@given(RATES, RATES)
def test_arms_that_change_places_change_the_sign_and_turn_the_ratio_round(candidate, stable):
    there, back = difference(candidate, stable, ALLOWED), difference(stable, candidate, ALLOWED)
    times, inverse = ratio(candidate, stable, ALLOWED), ratio(stable, candidate, ALLOWED)

    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    if times is not None and inverse is not None and times.low > 0 and times.high < inf:
        assert (times.low, times.high) == pytest.approx((1 / inverse.high, 1 / inverse.low), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(RATES, RATES)
def test_the_surer_one_asks_to_be_the_wider_it_is(candidate, stable):
    wide, narrow = difference(candidate, stable, 2 * ALLOWED), difference(candidate, stable, ALLOWED)

    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


def test_ten_times_the_requests_make_it_narrower():
    few, more, many = (
        difference(Rate(0.05 * n, n), Rate(0.06 * n, n), boundary(n, ALPHA)) for n in (10**3, 10**4, 10**5)
    )

    assert few.low < more.low < many.low < -0.01 < many.high < more.high < few.high


@pytest.mark.parametrize(
    ("candidate", "stable"),
    [
        (Rate(1, 1), Rate(0, 1)),
        (Rate(10**9, 10**9), Rate(0, 10**9)),
        (Rate(0, 10**9), Rate(1, 10**9)),
        (Rate(5 * 10**8, 10**9), Rate(500_100_000, 10**9)),
        (Rate(1, 1), Rate(10**9, 10**9)),
        (Rate(0, 1), Rate(10**9 - 1, 10**9)),
    ],
    ids=str,
)
def test_extremes_are_reckoned_with(candidate, stable):
    allowed = boundary(min(candidate.of, stable.of), ALPHA)
    apart, times = difference(candidate, stable, allowed), ratio(candidate, stable, allowed)

    assert -1 <= apart.low <= apart.estimate + 1e-9
    assert apart.estimate - 1e-9 <= apart.high <= 1
    assert times is not None
    assert 0 <= times.low <= times.estimate * (1 + 1e-9)
    assert times.high >= times.estimate * (1 - 1e-9)


def test_a_billion_requests_show_a_hundredth_of_a_point():
    apart = difference(Rate(10**8, 10**9), Rate(100_300_000, 10**9), boundary(10**9, ALPHA))

    assert -0.0004 < apart.low < -0.0003 < apart.high < -0.0002


def test_a_stable_version_without_events_bounds_a_ratio_from_below_only():
    times = ratio(Rate(50, 1_000), Rate(0, 1_000), ALLOWED)

    assert times is not None
    assert 1 < times.low < 50
    assert times.estimate == times.high == inf


@pytest.mark.parametrize(
    ("share", "requests", "planned"), [(0.1, 20_000, 0.5), (0.01, 100_000, 0.5), (0.3, 40_000, 0.1)]
)
def test_what_is_said_to_be_visible_is_seen_nine_times_in_ten(share, requests, planned):
    n_c, n_s = planned * requests, (1 - planned) * requests
    allowed = boundary(min(n_c, n_s), ALPHA)
    apart = visible_difference(Rate(share * n_c, n_c), Rate(share * n_s, n_s), allowed, 1.0)
    assert apart is not None
    runs, rng = 2_000, np.random.default_rng(9)

    events = zip(rng.binomial(int(n_c), share + apart, runs), rng.binomial(int(n_s), share, runs), strict=True)
    seen = sum(equality(Rate(float(f_c), n_c), Rate(float(f_s), n_s)) > allowed for f_c, f_s in events)

    assert 0.85 < seen / runs < 0.95


def test_with_few_requests_nothing_would_be_seen():
    assert visible_difference(Rate(1, 3), Rate(0, 3), boundary(3, ALPHA), 1.0) is None


def test_what_would_be_seen_is_more_than_the_interval_is_wide_and_more_with_roughness():
    candidate, stable = Rate(120, 1204), Rate(116, 1198)
    allowed = boundary(1_204, ALPHA)
    calm = visible_difference(candidate, stable, allowed, 1.0)
    rough = visible_difference(candidate, stable, 4 * allowed, 4.0)

    assert difference(candidate, stable, allowed).high < calm < rough < 2.3 * calm


def test_the_quantile_of_nine_in_ten_is_the_normal_one():
    assert pytest.approx(norm.ppf(0.9), abs=1e-4) == SEEN


def test_the_boundary_is_half_the_squared_one_of_the_sequence():
    w = 3_000 / 500
    assert boundary(3_000, 0.01) == pytest.approx((w + 1) / w * log((w + 1) / 0.01**2) / 2)
