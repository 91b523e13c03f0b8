"""When a weight may be passed: on evidence that the candidate is good enough, and not before."""

from datetime import timedelta

import pytest

from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.sequence import begin_step
from tests.unit.domain.analysis.worlds import (
    BOTH,
    DECLINED,
    ERRORS,
    MEMORY,
    ORDERS,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
    judging,
    last,
    lasting,
    served,
    told,
    verdicts,
)
from tests.unit.domain.specs import MINUTE, NOON

QUARTER = timedelta(seconds=15)
PAST = before(served(3_000, 30))
GOOD = served(300, 3), served(2_700, 27)


def passed_after(windows, config=None, *, past=PAST, **state):
    """After how many windows the weight may be passed for the first time, or None."""
    config, state = config or judging(ERRORS), begun(config or judging(ERRORS), past, **state)
    for number, window in enumerate(windows, 1):
        state, (judgement,) = told(state, config, [window])
        if judgement.verdict is Verdict.HEALTHY:
            return number
    return None


def test_a_good_candidate_with_much_traffic_passes_after_one_whole_window():
    assert passed_after(lasting(range(5), served(3_000, 30), served(27_000, 270))) == 1


def test_the_less_traffic_the_longer_it_takes():
    found = [
        passed_after(
            lasting(range(600), served(n, n / 100), served(9 * n, 9 * n / 100)), past=before(served(3_000, 30))
        )
        for n in (3_000, 100, 30, 10)
    ]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_time_alone_never_passes_a_weight():
    assert passed_after(lasting(range(600), served(0), served(2_700, 27))) is None


def test_the_more_users_come_next_the_more_evidence_it_takes():
    windows = lasting(range(100), *GOOD)
    found = [passed_after(windows, then=percent) for percent in (10, 25, 50, 100)]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_the_smaller_the_risk_budget_the_more_evidence_it_takes():
    found = [passed_after(lasting(range(200), *GOOD), judging(ERRORS, risk=risk)) for risk in (0.02, 0.005, 0.001)]
    assert found == sorted(found)
    assert found[0] < found[-1]


@pytest.mark.parametrize("guards", [(ERRORS, DECLINED), (ERRORS, ORDERS), (ERRORS, TAILS), (ERRORS, MEMORY)])
def test_every_guard_must_be_convinced(guards):
    config = judging(*guards)
    past = before(served(3_000, 30, times=USUAL_TIMES, declined=60, orders=150, memory=70))
    silent = lasting(range(100), *GOOD)
    whole = [
        served(n, 0.01 * n, times=USUAL_TIMES, declined=0.02 * n, orders=0.05 * n, memory=70) for n in (300, 2_700)
    ]
    assert passed_after(silent, config, past=past) is None
    assert passed_after(lasting(range(100), *whole), config, past=past) is not None


@pytest.mark.parametrize("times", [2.5, 4])
def test_a_candidate_beyond_the_risk_budget_is_not_let_on(times):
    windows = lasting(range(12), served(300, 3 * times), served(2_700, 27))
    assert passed_after(windows, then=100) is None


@pytest.mark.parametrize("dwell", [1, 3, 10])
@pytest.mark.parametrize("length", [QUARTER, MINUTE])
def test_a_weight_is_watched_for_its_least_time_however_short_the_windows_are(dwell, length):
    part = length / MINUTE
    config = judging(ERRORS, length=length, dwell=dwell * MINUTE)
    windows = lasting(range(200), served(3_000 * part, 30 * part), served(27_000 * part, 270 * part), length=length)
    assert passed_after(windows, config) * length == dwell * MINUTE


def test_no_guard_is_content_before_the_least_time_is_over():
    config = judging(ERRORS, dwell=3 * MINUTE)
    _, judgements = told(begun(config, PAST), config, lasting(range(3), served(3_000, 30), served(27_000, 270)))
    assert [each.evidence[0].verdict for each in judgements] == [Verdict.UNDECIDED] * 2 + [Verdict.HEALTHY]


def test_a_new_weight_begins_to_be_watched_anew():
    config = judging(ERRORS, dwell=2 * MINUTE)
    arms = served(3_000, 30), served(27_000, 270)
    state, judgements = told(begun(config, PAST), config, lasting(range(4), *arms))
    assert judgements[-1].verdict is Verdict.HEALTHY
    risen = begin_step(state, NOON + 4 * MINUTE, weight=25_000, next_weight=50_000)
    assert verdicts(risen, config, lasting(range(4, 6), *arms)) == [Verdict.UNDECIDED, Verdict.HEALTHY]


def test_what_was_met_at_lower_weights_counts_for_the_next_one_and_does_not_suffice():
    config = judging(ERRORS)
    state, judgements = told(begun(config, PAST), config, lasting(range(30), *GOOD))
    assert judgements[-1].verdict is Verdict.HEALTHY
    risen = begin_step(state, NOON + 30 * MINUTE, weight=25_000, next_weight=26_000)
    hardly_anything = lasting(range(30, 32), served(1), served(3))
    assert Verdict.HEALTHY not in verdicts(risen, config, hardly_anything)
    more = lasting(range(30, 60), served(30, 0.3), served(90, 0.9))
    with_credit = verdicts(risen, config, more).index(Verdict.HEALTHY) + 1
    assert with_credit < passed_after(more, config, percent=25, then=26)


def test_what_speaks_against_it_stays_when_the_weight_changes():
    config = judging(ERRORS)
    state, judgements = told(begun(config, PAST), config, lasting(range(2), served(300, 12), served(2_700, 27)))
    risen = begin_step(state, NOON + 2 * MINUTE, weight=25_000, next_weight=50_000)
    judgement = last(risen, config, lasting([2], served(0), served(2_700, 27)))
    assert judgement.odds == pytest.approx(judgements[-1].odds, rel=0.05)


def test_a_suspicion_holds_the_weight_and_takes_nothing_back():
    config = judging(ERRORS)
    found = told(begun(config, PAST), config, lasting(range(2), served(3_000, 51), served(27_000, 270)))[1]
    assert all(each.verdict is Verdict.UNDECIDED for each in found)
    assert "errors" in found[-1].holds or "evidence" in found[-1].holds
    assert not found[-1].lacks_traffic


def test_evidence_too_weak_to_take_back_holds_the_weight():
    config = judging(ERRORS)
    judgements = told(begun(config, PAST), config, lasting(range(2), served(300, 10), served(2_700, 27)))[1]
    assert 3 < judgements[-1].odds < 100
    assert judgements[-1].verdict is Verdict.UNDECIDED
    assert f"{judgements[-1].odds:.2g}"[:1] in judgements[-1].holds
    assert "against the candidate" in judgements[-1].holds


def test_a_suspicion_is_forgotten_once_the_candidate_does_well():
    config = judging(ERRORS)
    state, judgements = told(begun(config, PAST), config, lasting(range(1), served(300, 9), served(2_700, 27)))
    assert judgements[-1].verdict is Verdict.UNDECIDED
    assert Verdict.HEALTHY in verdicts(state, config, lasting(range(1, 40), *GOOD))


@pytest.mark.parametrize("rps", [5, 50])
def test_the_smallest_regression_that_must_have_been_visible_holds_the_first_weight(rps):
    n = 6 * rps
    windows = lasting(range(2_000), served(n, 0.01 * n), served(9 * n, 0.09 * n))
    past = before(served(10 * n, n / 10))
    anyhow, twice, half = (
        passed_after(windows, judging(ERRORS, smallest=each), past=past) for each in (None, 3.0, 1.7)
    )
    assert anyhow < twice < half


def test_the_smallest_regression_was_visible_when_the_first_weight_is_passed():
    config = judging(ERRORS, smallest=2.0)
    windows = lasting(range(passed_after(lasting(range(500), *GOOD), config)), *GOOD)
    judgement = last(begun(config, PAST), config, windows)
    assert judgement.verdict is Verdict.HEALTHY
    assert judgement.evidence[0].smallest_visible <= 2.0


def test_the_smallest_regression_holds_no_later_weight():
    windows = lasting(range(2, 60), *GOOD)
    found = []
    for smallest in (None, 1.6):
        config = judging(ERRORS, smallest=smallest)
        state, _ = told(begun(config, PAST), config, lasting(range(2), *GOOD))
        risen = begin_step(state, NOON + 2 * MINUTE, weight=10_000, next_weight=50_000)
        found.append(verdicts(risen, config, windows).index(Verdict.HEALTHY))
    assert found[0] == found[1]


@pytest.mark.parametrize("guard", [ERRORS, BOTH], ids=lambda guard: guard.name)
def test_a_regression_that_begins_after_ten_hours_of_health_is_still_found(guard):
    config = judging(guard)
    state, judgements = told(begun(config, PAST, then=11), config, lasting(range(600), *GOOD))
    assert judgements[-1].verdict is Verdict.HEALTHY
    worse = lasting(range(600, 700), served(300, 15), served(2_700, 27))
    assert Verdict.DEGRADED in verdicts(state, config, worse)
