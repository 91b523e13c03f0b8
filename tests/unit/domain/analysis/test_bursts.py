"""Outages that hit both versions, at once or one after the other, and clients gone wild in one of them."""

import pytest

from shared.domain.analysis.judgement import Verdict
from tests.unit.domain.analysis.worlds import (
    BOTH,
    ERRORS,
    OBJECTIVE,
    SLOWER_TIMES,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
    judging,
    lasting,
    measured,
    served,
    told,
)
from tests.unit.domain.specs import MINUTE, NOON

PAST = before(served(3_000, 30))
LATER = {"at": NOON - 10 * MINUTE}
CALM, CALM_STABLE = served(300, 3), served(2_700, 27)


def odds(windows, config, *, past=PAST):
    """The evidence after each window; nothing is ever taken back."""
    _, judgements = told(begun(config, past, **LATER), config, windows)
    assert all(each.verdict is not Verdict.DEGRADED for each in judgements)
    return [each.odds for each in judgements]


def outage(share):
    return served(300, 300 * share), served(2_700, 2_700 * share)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("windows", [2, 10])
def test_an_outage_of_both_versions_is_no_evidence_against_the_candidate(share, windows):
    config = judging(ERRORS)
    found = odds([*lasting(range(3), CALM, CALM_STABLE), *lasting(range(3, 3 + windows), *outage(share))], config)
    assert max(found[3:]) <= found[2] * 1.01


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_an_outage_of_both_versions_is_hardly_any_evidence_for_the_candidate(share):
    config = judging(ERRORS)
    calm, burst = lasting(range(3), CALM, CALM_STABLE), lasting(range(3, 5), *outage(share))
    quiet = odds([*calm, *lasting(range(3, 5), CALM, CALM_STABLE)], config)
    assert odds([*calm, *burst], config)[-1] > 0.5 * quiet[-1]


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_an_outage_that_reaches_the_candidate_a_window_earlier_is_taken_back_from_the_evidence(share):
    config = judging(ERRORS)
    bad, bad_stable = outage(share)
    arms = [(CALM, CALM_STABLE)] * 5 + [(bad, CALM_STABLE), (bad, bad_stable), (CALM, bad_stable)]
    found = odds([measured(n, *each) for n, each in enumerate(arms)], config)
    assert found[5] > found[4]
    assert found[6] <= found[4]
    assert found[7] <= found[4]


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_an_outage_that_leaves_the_candidate_a_window_later_takes_nothing_back(share):
    config = judging(ERRORS)
    bad, bad_stable = outage(share)
    arms = [(CALM, CALM_STABLE)] * 5 + [(CALM, bad_stable), (bad, bad_stable), (bad, CALM_STABLE), (CALM, CALM_STABLE)]
    assert odds([measured(n, *each) for n, each in enumerate(arms)], config)[-1] < 3


def test_a_candidate_that_goes_on_failing_when_the_outage_is_over_is_taken_back():
    config = judging(ERRORS)
    windows = [*lasting(range(3), CALM, CALM_STABLE), *lasting(range(3, 5), *outage(0.3))]
    windows += lasting(range(5, 12), served(300, 90), CALM_STABLE)
    _, judgements = told(begun(config, PAST, **LATER), config, windows)
    assert judgements[4].verdict is not Verdict.DEGRADED
    assert judgements[-1].verdict is Verdict.DEGRADED


def test_a_bad_candidate_is_found_during_an_outage_too():
    config = judging(ERRORS)
    windows = lasting(range(30), served(3_000, 3_000 * 0.45), served(27_000, 27_000 * 0.2))
    _, judgements = told(begun(config, before(served(30_000, 300)), **LATER), config, windows)
    assert judgements[-1].verdict is Verdict.DEGRADED


def test_an_outage_of_both_versions_does_not_wash_out_what_was_known_of_a_bad_candidate():
    config = judging(ERRORS)
    before_it = lasting(range(2), served(300, 10), CALM_STABLE)
    burst = lasting(range(2, 6), served(300, 60 + 7), served(2_700, 540 + 27))
    found = odds([*before_it, *burst], config)
    assert found[0] > 3
    assert found[-1] > 0.9 * found[0]  # the last window before it may have been the outage itself, out of step


def test_slow_minutes_of_both_versions_are_no_evidence():
    config = judging(TAILS)
    past = before(served(3_000, times=USUAL_TIMES))
    slow = lasting(range(3, 6), served(300, times=SLOWER_TIMES), served(2_700, times=SLOWER_TIMES))
    calm = lasting(range(3), served(300, times=USUAL_TIMES), served(2_700, times=USUAL_TIMES))
    found = odds([*calm, *slow], config, past=past)
    assert max(found[3:]) <= found[2] * 1.01


def failing_for(minutes, failures=100):
    return [
        *lasting(range(3), CALM, CALM_STABLE),
        *lasting(range(3, 3 + minutes), served(300, failures), CALM_STABLE),
        *lasting(range(3 + minutes, 8 + minutes), CALM, CALM_STABLE),
    ]


def burst_in_history(failures=100):
    windows = list(PAST)
    windows[30] = measured(-30, windows[30].candidate, served(3_000, 30 + failures))
    return windows


def test_one_burst_in_the_candidate_alone_is_forgiven_where_history_has_such_bursts():
    config = judging(ERRORS)
    with_bursts, without = odds(failing_for(1), config, past=burst_in_history()), odds(failing_for(1), config)
    assert with_bursts[3] <= with_bursts[2]
    assert without[3] > without[2]


def test_a_burst_that_goes_on_is_not_forgiven():
    config = judging(ERRORS)
    _, judgements = told(begun(config, burst_in_history(), **LATER), config, failing_for(15))
    assert Verdict.DEGRADED in [each.verdict for each in judgements]


def test_another_burst_soon_afterwards_is_not_forgiven():
    config = judging(ERRORS)
    first = failing_for(1)
    again = lasting(range(20, 32), served(300, 100), CALM_STABLE)
    state, _ = told(begun(config, burst_in_history(), **LATER), config, first)
    _, judgements = told(state, config, again)
    assert Verdict.DEGRADED in [each.verdict for each in judgements]


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_an_objective_that_asks_for_the_comparison_too_does_not_fire_on_a_shared_outage(share):
    config = judging(BOTH)
    odds([*lasting(range(3), CALM, CALM_STABLE), *lasting(range(3, 15), *outage(share))], config)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_an_objective_alone_fires_on_a_shared_outage(share):
    config = judging(OBJECTIVE)
    windows = [*lasting(range(3), CALM, CALM_STABLE), *lasting(range(3, 15), *outage(share))]
    _, judgements = told(begun(config, PAST, **LATER), config, windows)
    assert judgements[-1].verdict is Verdict.DEGRADED


@pytest.mark.parametrize("guard", [OBJECTIVE, BOTH], ids=lambda guard: guard.name)
def test_a_candidate_that_breaks_the_objective_and_is_worse_than_stable_is_taken_back(guard):
    config = judging(guard)
    _, judgements = told(begun(config, PAST, **LATER), config, lasting(range(20), served(300, 30), CALM_STABLE))
    assert judgements[-1].verdict is Verdict.DEGRADED


def test_a_candidate_that_is_worse_than_stable_and_keeps_the_objective_is_left_alone_where_both_are_asked_for():
    config = judging(BOTH)
    windows = lasting(range(40), served(3_000, 30), served(27_000, 27))
    assert odds(windows, config, past=before(served(30_000, 30)))[-1] < 1
