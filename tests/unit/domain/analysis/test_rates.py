"""The evidence of one window about two rates: fair on average, exact where scipy has the same quantity."""

from functools import cache
from itertools import product
from math import exp, isclose, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from shared.domain.analysis.bets import FACTORS
from shared.domain.analysis.comparison import ADVANCE_FACTORS
from shared.domain.analysis.rates import Counts, Promise, growth, shared_burst_factor
from tests.unit.domain.analysis.worlds import STEADY

REQUESTS = ((1, 9), (10, 10), (30, 3), (5, 90))
PROMISES = (Promise(1.25, 0.0005), Promise(1.0, 0.05), Promise(2.0, 0.01), Promise(1.0, 0.0))
STABLE_RATES = (0.0, 0.01, 0.1, 0.4)
NEARLY_ALL = 1 - 1e-13
AT_MOST = 1 + 1e-9


@cache
def poisson_counts(rate, requests):
    counts = range(int(poisson.ppf(NEARLY_ALL, rate * requests)) + 2)
    return list(zip(counts, poisson.pmf(counts, rate * requests).tolist(), strict=True))


@cache
def bernoulli_counts(rate, requests):
    counts = range(min(requests, int(binom.ppf(NEARLY_ALL, requests, rate)) + 1) + 1)
    return list(zip(counts, binom.pmf(counts, requests, rate).tolist(), strict=True))


def mean_evidence(counts_of, requests, rates, growth_of):
    """The mean over every outcome of both versions, each by its chance."""
    (n_c, n_s), (p_c, p_s) = requests, rates
    return sum(
        chance_c * chance_s * exp(growth_of(Counts(n_c, f_c, n_s, f_s)))
        for (f_c, chance_c), (f_s, chance_s) in product(counts_of(p_c, n_c), counts_of(p_s, n_s))
    )


@pytest.mark.parametrize("counts_of", [poisson_counts, bernoulli_counts])
@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("requests", REQUESTS)
def test_a_candidate_that_keeps_its_promise_gains_no_evidence_against_it_on_average(counts_of, promise, requests):
    for p_s, part, factor in product(STABLE_RATES, (1.0, 0.5), (1.3, 3.6, 250.0)):
        rates = part * promise.tolerated(p_s), p_s
        assert mean_evidence(counts_of, requests, rates, lambda c, f=factor: growth(c, promise, f)) <= AT_MOST


@pytest.mark.parametrize("counts_of", [poisson_counts, bernoulli_counts])
@pytest.mark.parametrize("beyond", [Promise(1.8, 0.02), Promise(1.8, 0.2), Promise(2.5, 0.0)])
@pytest.mark.parametrize("requests", REQUESTS)
def test_a_candidate_beyond_the_risk_budget_gains_no_evidence_for_itself_on_average(counts_of, beyond, requests):
    for p_s, times, factor in product(STABLE_RATES[:3], (1.0, 1.5), (*ADVANCE_FACTORS, 0.8)):
        rates = min(1.0, times * beyond.tolerated(p_s)), p_s
        assert mean_evidence(counts_of, requests, rates, lambda c, f=factor: growth(c, beyond, f)) <= AT_MOST


@pytest.mark.parametrize("factor", [each for each in FACTORS if each < 100])
def test_on_the_edge_of_the_promise_not_a_bit_of_rare_evidence_is_thrown_away(factor):
    promise, p_s = Promise(1.25, 0.01), 0.02
    rates = promise.tolerated(p_s), p_s
    mean = mean_evidence(poisson_counts, (40, 200), rates, lambda counts: growth(counts, promise, factor))
    assert isclose(mean, 1.0, rel_tol=1e-4)


@pytest.mark.parametrize("usual", [0.001, 0.01])
@pytest.mark.parametrize(("requests", "p_s"), [((15, 285), 0.05), ((60, 60), 0.1), ((60, 6), 0.3), ((15, 285), 0.003)])
def test_the_pooled_events_may_choose_the_factor_and_the_bet_stays_fair(usual, requests, p_s):
    for promise, factor in product((Promise(1.25, 0.0005), Promise(1.0, 0.05)), (1.3, 3.6, 40.0)):

        def chosen(counts, promise=promise, factor=factor):
            found = shared_burst_factor(counts, promise, factor, usual)
            return growth(counts, promise, found) if found > 1.02 else 0.0

        rates = promise.tolerated(p_s), p_s
        assert mean_evidence(poisson_counts, requests, rates, chosen) <= 1 + 1e-3


@pytest.mark.parametrize("size", [2, 5])
def test_clusters_of_a_size_are_fair_once_the_evidence_is_divided_by_it(size):
    promise, p_s = Promise(1.25, 0.01), 0.05
    for n, factor in product(((20, 100), (50, 50)), (1.3, 6.0)):

        def clustered(rate, requests):
            return [(size * k, chance) for k, chance in poisson_counts(rate / size, requests)]

        rates = promise.tolerated(p_s), p_s
        divided = mean_evidence(clustered, n, rates, lambda c, f=factor: growth(c, promise, f) / size)
        taken_for_independent = mean_evidence(clustered, n, rates, lambda c, f=factor: growth(c, promise, f))
        assert divided <= AT_MOST < taken_for_independent


@pytest.mark.parametrize(("f_c", "f_s"), [(0, 0), (0, 7), (3, 0), (5, 12), (60, 1)])
@pytest.mark.parametrize("factor", [0.2, 1.7, 40.0])
def test_without_slack_it_is_the_likelihood_ratio_of_the_conditional_binomial(f_c, f_s, factor):
    n_c, n_s, margin = 30.0, 170.0, 1.25
    odds = margin * n_c / n_s
    kept, broken = odds / (1 + odds), factor * odds / (1 + factor * odds)
    ratio = binom.logpmf(f_c, f_c + f_s, broken) - binom.logpmf(f_c, f_c + f_s, kept)
    assert isclose(growth(Counts(n_c, f_c, n_s, f_s), Promise(margin, 0.0), factor), ratio, abs_tol=1e-9)


@pytest.mark.parametrize("failures", [0, 1, 4, 50])
def test_with_no_stable_to_compare_with_it_is_the_likelihood_ratio_of_two_poisson_rates(failures):
    limit, factor, requests = 0.01, 2.4, 300
    ratio = poisson.logpmf(failures, factor * limit * requests) - poisson.logpmf(failures, limit * requests)
    assert isclose(growth(Counts(requests, failures), Promise(0.0, limit), factor), ratio, abs_tol=1e-9)


@pytest.mark.parametrize(("factor", "margin"), list(product((0.2, 1.3, 250.0), (1.0, 1.25, 2.0))))
def test_a_candidate_beside_a_silent_stable_says_nothing(factor, margin):
    assert growth(Counts(500, 500, 0, 0), Promise(margin, 0.01), factor) == pytest.approx(0.0, abs=1e-9)


def test_the_odds_grow_fastest_for_the_factor_that_is_true():
    promise, counts = Promise(1.0, 0.0), Counts(1_000, 36.0, 9_000, 90.0)
    assert max(FACTORS, key=lambda factor: growth(counts, promise, factor)) == 3.6


amounts = st.integers(1, 10**6)
factors = st.floats(1.01, 250.0)
promises = st.builds(Promise, st.floats(1.0, 3.0), st.floats(0.0, 0.2))


@STEADY
@given(n_c=amounts, n_s=amounts, f_c=st.integers(0, 10**6), f_s=st.integers(0, 10**6), more=amounts, factor=factors)
def test_more_failures_of_the_candidate_never_lower_the_evidence_and_more_of_stable_never_raise_it(
    n_c, n_s, f_c, f_s, more, factor
):
    promise = Promise(1.25, 0.0005)
    before = growth(Counts(n_c, f_c, n_s, f_s), promise, factor)
    assert growth(Counts(n_c, f_c + more, n_s, f_s), promise, factor) >= before
    assert growth(Counts(n_c, f_c, n_s, f_s + more), promise, factor) <= before


@STEADY
@given(
    ratio=st.floats(0.01, 100.0),
    parts=st.lists(st.tuples(st.integers(1, 10**5), st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=5),
    promise=promises,
    factor=factors,
)
def test_how_a_time_is_cut_into_windows_does_not_matter_while_the_weight_stays(ratio, parts, promise, factor):
    windows = [Counts(n, f_c, n * ratio, f_s) for n, f_c, f_s in parts]
    whole = Counts(*(sum(getattr(each, name) for each in windows) for name in ("n_c", "f_c", "n_s", "f_s")))
    apart = [growth(each, promise, factor) for each in windows]
    assert sum(apart) == pytest.approx(growth(whole, promise, factor), rel=1e-6, abs=1e-6 * sum(map(abs, apart)) + 1e-6)


@STEADY
@given(n_c=amounts, f_c=st.integers(0, 1_000), n_s=amounts, f_s=st.integers(0, 1_000), factor=factors)
def test_stable_held_against_the_candidate_is_the_candidate_held_against_stable(n_c, f_c, n_s, f_s, factor):
    there = growth(Counts(n_c, f_c, n_s, f_s), Promise(1.0, 0.0), factor)
    back = growth(Counts(n_s, f_s, n_c, f_c), Promise(1.0, 0.0), 1.0 / factor)
    assert there == pytest.approx(back, rel=1e-6, abs=1e-6)


@STEADY
@given(
    n_c=st.floats(0, 1e9),
    f_c=st.floats(0, 1e9),
    n_s=st.floats(0, 1e9),
    f_s=st.floats(0, 1e9),
    promise=promises,
    factor=st.sampled_from((*ADVANCE_FACTORS, *FACTORS)),
)
def test_no_counts_make_the_evidence_anything_but_a_number(n_c, f_c, n_s, f_s, promise, factor):
    assert np.isfinite(growth(Counts(n_c, f_c, n_s, f_s), promise, factor))
    assert np.isfinite(shared_burst_factor(Counts(n_c, f_c, n_s, f_s), promise, factor, 1e-9))


def test_a_rate_of_a_thousand_millionth_of_a_thousand_million_requests_is_still_told_apart():
    usual, promise = 1e-9, Promise(1.0, 0.0)
    same, worse = Counts(1e11, 1e11 * usual, 9e11, 9e11 * usual), Counts(1e11, 5e11 * usual, 9e11, 9e11 * usual)
    assert growth(same, promise, 3.6) < 0 < log(1000) < growth(worse, promise, 3.6)
