"""The candidate that fails as a whole: exact at any rate, and quick."""

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from shared.domain.analysis.catastrophe import ALLOWED, Catastrophe, observe
from tests.unit.domain.analysis.worlds import STEADY

WELL = (0.0, 1e9)
"""A stable version whose rate is known: (next to) nothing fails."""
CAP = 6.0


def seen(candidate, stable=WELL, state=None, *, phi=1.0, cap=CAP, unwell=False, late_outage=False, spared=False):
    return observe(
        state or Catastrophe(), candidate, stable,
        phi=phi, cap=cap, unwell=unwell, late_outage=late_outage, spared=spared,
    )  # fmt: skip


@pytest.mark.parametrize("requests", [1, 2, 5, 10, 30, 100])
@pytest.mark.parametrize("rate", [0.0, 0.1, ALLOWED])
def test_a_candidate_that_fails_as_often_as_is_allowed_gains_no_evidence_against_it_on_average(requests, rate):
    chances = binom.pmf(range(requests + 1), requests, rate)
    mean = sum(chance * seen((failed, requests)).evidence for failed, chance in enumerate(chances))
    assert mean <= 1 + 1e-6


@pytest.mark.parametrize("requests", [1, 2, 5, 10])
def test_two_windows_are_as_fair_as_one(requests):
    chances = binom.pmf(range(requests + 1), requests, ALLOWED)
    mean = sum(
        first * second * seen((g, requests), state=seen((f, requests))).evidence
        for f, first in enumerate(chances)
        for g, second in enumerate(chances)
    )
    assert mean <= 1 + 1e-6


def test_thirty_failures_of_thirty_are_beyond_doubt():
    assert seen((30, 30), (0, 570)).evidence > 1e6


def test_half_failing_takes_two_windows_to_decide():
    once = seen((1_300, 3_000), (270, 27_000))
    assert once.evidence < 1_000
    assert seen((1_300, 3_000), (270, 27_000), once).evidence > 1_000


@pytest.mark.parametrize("stable", [(0.0, 300.0), (50.0, 300.0), (90.0, 300.0)])
def test_a_candidate_that_fails_no_more_than_stable_does_not_fail_as_a_whole(stable):
    assert seen(stable, stable).evidence <= 1.0


def test_the_worse_stable_is_the_more_is_allowed():
    found = [seen((60, 100), (rate * 10_000, 10_000)).evidence for rate in (0.0, 0.1, 0.3)]
    assert found[0] > found[1] > found[2]


def test_clusters_and_a_stable_that_suffers_make_it_more_careful():
    failing = (25, 30)
    assert seen(failing, phi=4.0).evidence < seen(failing).evidence
    assert seen(failing, unwell=True).evidence < seen(failing).evidence


def test_what_looked_like_the_candidates_own_outage_is_taken_back_when_stable_follows():
    alone = seen((150, 300), (3, 2_700))
    everybody = seen((150, 300), (1_350, 2_700), alone, unwell=True, late_outage=True)
    assert alone.evidence > 10
    assert everybody.evidence <= 1.0


@pytest.mark.parametrize("none", [{"candidate": (0, 0)}, {"candidate": (30, 30), "spared": True}])
def test_no_requests_and_what_is_forgiven_say_nothing(none):
    assert seen(**none).evidence == Catastrophe().evidence


counts = st.integers(0, 10**9)


@STEADY
@given(failed=counts, more=counts, stable_failed=counts, stable_more=counts, unwell=st.booleans())
def test_no_counts_make_the_evidence_anything_but_a_number(failed, more, stable_failed, stable_more, unwell):
    state = Catastrophe()
    for _ in range(5):
        state = seen((failed, failed + more), (stable_failed, stable_failed + stable_more), state, unwell=unwell)
    assert isfinite(state.evidence)
    assert state.evidence >= 0


@STEADY
@given(requests=st.integers(1, 300), failed=st.integers(0, 299))
def test_more_failures_never_lower_it(requests, failed):
    failed = min(failed, requests - 1)
    assert seen((failed + 1, requests)).evidence >= seen((failed, requests)).evidence
