"""A split that is not as planned is found; one that is as planned is held for no other, however often one looks."""

from math import exp

import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import betabinom, binom

from shared.domain.analysis.sample_ratio import ALPHA
from shared.domain.experiments.split import CONCENTRATION, split


def test_without_a_tolerance_it_is_a_beta_binomial_against_a_binomial():
    n_c, n_s, planned = 130, 870, 0.1
    a, b = CONCENTRATION * planned, CONCENTRATION * (1 - planned)
    exact = betabinom.pmf(n_c, n_c + n_s, a, b) / binom.pmf(n_c, n_c + n_s, planned)

    assert split(n_c, n_s, planned, tolerance=0.0, dispersion=1.0).evidence == pytest.approx(exact, rel=1e-6)


def test_at_a_billion_requests_the_figures_still_hold():
    n_c, n_s = 500_100_000, 499_900_000
    exact = betaln(50 + n_c, 50 + n_s) - betaln(50, 50) - (n_c + n_s) * np.log(0.5)

    assert split(n_c, n_s, 0.5, tolerance=0.0, dispersion=1.0).evidence == pytest.approx(exp(exact), rel=1e-3)


def test_before_the_first_request_there_is_nothing_to_say():
    found = split(0, 0, 0.5)

    assert (found.observed, found.evidence, found.is_mismatch) == (None, 1.0, False)


@pytest.mark.parametrize(("planned", "dispersion"), [(0.5, 1), (0.05, 1), (0.5, 4)])
def test_a_planned_split_is_hardly_ever_held_for_another_one_at_any_look(planned, dispersion):
    runs, rng = 2_000, np.random.default_rng(8)
    totals = np.unique(np.geomspace(20, 1_000_000, 60).astype(int)) // dispersion
    users = np.cumsum(rng.binomial(np.diff(totals, prepend=0), planned, (runs, len(totals))), axis=1)

    mistaken = sum(
        any(
            split(dispersion * n, dispersion * (total - n), planned, tolerance=0.0, dispersion=dispersion).is_mismatch
            for n, total in zip(row, totals, strict=True)
        )
        for row in users[:400]
    )

    assert mistaken <= binom.ppf(0.999, 400, ALPHA)


@pytest.mark.parametrize(
    ("planned", "observed", "requests"),
    [(0.5, 0.45, 4_000), (0.5, 0.48, 30_000), (0.1, 0.08, 8_000), (0.05, 0.0, 1_000), (0.5, 0.53, 12_000)],
)
def test_requests_that_are_lost_or_too_many_are_found(planned, observed, requests):
    assert split(observed * requests, (1 - observed) * requests, planned).is_mismatch


def test_a_split_that_is_off_by_less_than_the_tolerance_is_as_planned_however_many_requests():
    assert not split(0.5024e9, 0.4976e9, 0.5, tolerance=0.01).is_mismatch
    assert split(0.5024e9, 0.4976e9, 0.5, tolerance=0.001).is_mismatch


def test_the_more_requests_are_split_wrongly_the_more_is_it_evident():
    evidence = [split(0.53 * n, 0.47 * n, 0.5).evidence for n in (1_000, 4_000, 16_000, 64_000)]

    assert evidence == sorted(evidence)


def test_both_arms_are_treated_alike():
    assert split(5_400, 4_600, 0.5).evidence == pytest.approx(split(4_600, 5_400, 0.5).evidence)
