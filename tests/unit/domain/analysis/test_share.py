"""The candidate's share of the requests: what is lost pauses and warns, and never takes back."""

from datetime import timedelta
from itertools import pairwise
from math import exp

import numpy as np
import pytest

from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.sequence import begin_step
from tests.unit.domain.analysis.worlds import (
    ERRORS,
    SHARE,
    before,
    begun,
    evidence_on,
    judging,
    lasting,
    measured,
    served,
    told,
)
from tests.unit.domain.measurements import ERROR, NO_DATA
from tests.unit.domain.specs import MINUTE, NOON

CONFIG = judging(ERRORS, SHARE)
PAST = before(served(3_000, 30))
STABLE = served(2_700, 27)


def concerns(windows, *, state=None, config=CONFIG):
    """The number of the first window with a concern, or None; it is never a reason to take back."""
    _, judgements = told(state or begun(config, PAST), config, windows)
    assert all(each.verdict is not Verdict.DEGRADED for each in judgements)
    return next((number for number, each in enumerate(judgements) if each.concern), None)


def split(share, *, first=0, minutes=60, seed=1, requests=3_000, of=1.0):
    """Windows in which each request goes to the candidate by chance, and a part of them is lost."""
    rng = np.random.default_rng(seed)
    return [
        measured(first + n, served(rng.binomial(to, of)), served(requests - to))
        for n, to in enumerate(rng.binomial(requests, share, minutes))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_the_share_that_was_asked_for_is_no_concern(seed):
    assert concerns(split(0.1, seed=seed), config=judging(SHARE)) is None


@pytest.mark.parametrize(("of", "within"), [(0.5, 6), (0.1, 30), (0.0, 4)])
def test_lost_requests_are_a_concern(of, within):
    found = concerns(split(0.1, of=of))
    assert found is not None
    assert found <= within


@pytest.mark.parametrize("of", [0.5, 0.1, 0.0])
def test_requests_that_begin_to_be_lost_after_an_hour_are_a_concern(of):
    healthy = split(0.1)
    found = concerns([*healthy, *split(0.1, first=60, minutes=30, seed=2, of=of)], config=judging(SHARE))
    assert found is not None
    assert found >= 60


def test_too_many_requests_are_a_concern():
    assert concerns(split(0.25)) is not None


def test_a_concern_says_the_counts():
    config = judging(SHARE)
    state, judgements = told(begun(config, PAST), config, split(0.1, of=0.5, minutes=20))
    concern = judgements[-1].concern
    assert concern.startswith("share: ")
    assert f"{state.share.n_c:,.0f} of {state.share.n_c + state.share.n_s:,.0f}" in concern
    assert evidence_on("share", judgements[-1]).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("pace", [1.0, 4.0, 10.0])
def test_clients_that_stick_to_their_version_and_follow_by_and_by_are_no_concern(pace):
    config, rng = judging(SHARE), np.random.default_rng(3)
    state, share = begun(config, PAST, percent=5, then=25), 0.0
    for first, last, percent in ((0, 10, 5), (10, 20, 25), (20, 40, 50)):
        if first:
            state = begin_step(state, NOON + first * MINUTE, weight=1_000 * percent, next_weight=95_000)
        for n in range(first, last):
            share += (percent / 100 - share) * (1 - exp(-1 / pace))
            to = rng.binomial(3_000, share)
            state, (judgement,) = told(state, config, [measured(n, served(to), served(3_000 - to))])
            assert judgement.concern is None


def test_a_minute_after_a_change_of_weight_the_share_says_nothing():
    config = judging(SHARE)
    state, _ = told(begun(config, PAST), config, split(0.1, minutes=3))
    changed = begin_step(state, NOON + 3 * MINUTE, weight=50_000, next_weight=95_000)
    after, _ = told(changed, config, [measured(3, served(300), served(2_700))])
    assert after.share.n_c == state.share.n_c
    straddling, _ = told(begin_step(state, NOON + 3.5 * MINUTE, weight=50_000), config, lasting([3], served(1), STABLE))
    assert straddling.share.n_c == state.share.n_c


@pytest.mark.parametrize("lack", [NO_DATA, ERROR])
def test_a_candidate_that_reports_nothing_is_a_concern_after_a_few_minutes(lack):
    silent = lasting(range(10), lack, served(27_000, 270))
    found = concerns(silent)
    assert found is not None
    assert 1 <= found <= 4


def test_a_candidate_that_falls_silent_after_good_windows_is_a_concern_too():
    good = lasting(range(5), served(300, 3), STABLE)
    found = concerns([*good, *lasting(range(5, 12), NO_DATA, STABLE)])
    assert found is not None
    assert 6 <= found <= 9


def test_short_windows_are_no_sooner_a_concern_than_two_minutes():
    config = judging(ERRORS, SHARE, length=timedelta(seconds=15))
    silent = lasting(range(30), NO_DATA, served(6_750, 67), length=timedelta(seconds=15))
    assert 7 <= concerns(silent, config=config, state=begun(config, PAST)) <= 12


def test_a_candidate_that_reports_again_is_no_concern_any_more():
    windows = [*lasting(range(5), NO_DATA, STABLE), *lasting(range(5, 8), served(300, 3), STABLE)]
    _, judgements = told(begun(CONFIG, PAST), CONFIG, windows)
    assert judgements[4].concern
    assert judgements[-1].concern is None


@pytest.mark.parametrize("stable", [NO_DATA, ERROR])
def test_where_nobody_reports_anything_the_candidate_is_not_to_blame(stable):
    assert concerns(lasting(range(10), NO_DATA, stable)) is None


def test_a_candidate_of_which_no_request_is_expected_may_be_silent():
    assert concerns(lasting(range(10), NO_DATA, served(9, 0)), state=begun(CONFIG, PAST, percent=1)) is None


def test_a_candidate_that_has_all_traffic_is_not_counted_by_its_share():
    state = begin_step(begun(CONFIG, PAST), NOON, weight=100_000, stable_retired=True)
    assert concerns(lasting(range(10), served(3_000, 30), NO_DATA), state=state) is None


def test_the_evidence_falls_while_the_share_is_right():
    config, state, found = judging(SHARE), begun(judging(SHARE), PAST), []
    for window in split(0.1, minutes=30):
        state, _ = told(state, config, [window])
        found.append(state.share.evidence)
    assert found[-1] < found[1]
    assert all(later < 1_000 for _, later in pairwise(found))
