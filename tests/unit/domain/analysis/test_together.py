"""All guards together: the average of their bets decides, and who only notifies decides nothing."""

from dataclasses import replace

import pytest

from shared.domain.analysis.guards import Metric, Threshold
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.weighing import weights_of
from tests.unit.domain.analysis.worlds import (
    DECLINED,
    ERRORS,
    OBJECTIVE,
    ORDERS,
    SHARE,
    SIX,
    TAILS,
    before,
    begun,
    evidence_on,
    guarded,
    judging,
    last,
    lasting,
    served,
    told,
    verdicts,
)

LIMIT = guarded("limit", Metric.ERROR_RATE, Threshold(maximum=0.05))


def arms(failures=0.01, declined=0.02, orders=0.05):
    return tuple(
        served(n, bad_failures * n, declined=bad_declined * n, orders=bad_orders * n)
        for n, bad_failures, bad_declined, bad_orders in (
            (300, failures, declined, orders),
            (2_700, 0.01, 0.02, 0.05),
        )
    )


PAST = before(served(3_000, 30, declined=60, orders=150))


def taken_back_after(config, sides, *, windows=200):
    """After how many windows the candidate is taken back."""
    found = verdicts(begun(config, PAST), config, lasting(range(windows), *sides))
    return found.index(Verdict.DEGRADED) + 1 if Verdict.DEGRADED in found else None


@pytest.mark.parametrize("guards", [(ERRORS,), SIX, (TAILS, DECLINED), (OBJECTIVE, SHARE)])
def test_the_weights_of_all_bets_add_up_to_one(guards):
    assert sum(weights_of(judging(*guards)).values()) == pytest.approx(1.0)


def test_limits_and_shares_and_what_only_notifies_bet_nothing():
    quiet = replace(DECLINED, notify_only=True)
    assert weights_of(judging(LIMIT, SHARE, quiet)).keys() <= {""}
    assert "declined" not in weights_of(judging(ERRORS, quiet))


def test_what_decides_is_the_average_of_the_bets():
    config = judging(ERRORS, DECLINED, ORDERS)
    state, judgements = told(begun(config, PAST), config, lasting(range(5), *arms(failures=0.03, declined=0.04)))
    shares = weights_of(config)
    bets = {each.guard: each.odds for each in judgements[-1].evidence} | {"": state.catastrophe.evidence}
    assert judgements[-1].odds == pytest.approx(sum(shares[name] * bets[name] for name in shares), rel=1e-3)


def test_two_guards_that_suffer_a_little_take_back_sooner_than_each_alone():
    config = judging(ERRORS, DECLINED)
    alone = [taken_back_after(config, arms(failures=0.03)), taken_back_after(config, arms(declined=0.05))]
    assert taken_back_after(config, arms(failures=0.03, declined=0.05)) <= min(alone)


def test_more_guards_that_see_nothing_take_longer_to_act_but_do():
    alone, among = judging(DECLINED), judging(ERRORS, DECLINED, ORDERS, TAILS)
    sides = arms(declined=0.05)
    assert taken_back_after(alone, sides) <= taken_back_after(among, sides) < 60


@pytest.mark.parametrize(
    ("guard", "bad"), [(ERRORS, {"failures": 0.03}), (DECLINED, {"declined": 0.05}), (ORDERS, {"orders": 0.02})]
)
def test_whatever_gets_worse_its_guard_is_the_one_that_says_so(guard, bad):
    config = judging(ERRORS, DECLINED, ORDERS)
    judgement = last(begun(config, PAST), config, lasting(range(60), *arms(**bad)))
    assert judgement.verdict is Verdict.DEGRADED
    assert [each.guard for each in judgement.evidence if each.verdict is Verdict.DEGRADED] == [guard.name]
    assert judgement.because().startswith(f"{guard.name}: ")


@pytest.mark.parametrize("better", [{"failures": 0.0}, {"declined": 0.0}, {"orders": 0.2}])
def test_what_gets_better_is_no_regression(better):
    assert taken_back_after(judging(ERRORS, DECLINED, ORDERS), arms(**better)) is None


def test_a_critical_guard_weighs_more():
    critical = replace(DECLINED, critical=True)
    sides = arms(declined=0.035)
    usual, sooner = judging(ERRORS, DECLINED, ORDERS), judging(ERRORS, critical, ORDERS)
    assert weights_of(sooner)["declined"] > 2 * weights_of(usual)["declined"]
    windows = lasting(range(8), *sides)
    assert last(begun(sooner, PAST), sooner, windows).odds > last(begun(usual, PAST), usual, windows).odds
    assert taken_back_after(sooner, sides) <= taken_back_after(usual, sides)


def test_a_smaller_alpha_takes_longer():
    found = [taken_back_after(judging(ERRORS, alpha=alpha), arms(failures=0.03)) for alpha in (0.05, 0.01, 0.0001)]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_a_guard_that_only_notifies_says_what_it_found_and_decides_nothing():
    quiet = replace(DECLINED, notify_only=True)
    config = judging(ERRORS, quiet)
    judgement = last(begun(config, PAST), config, lasting(range(60), *arms(declined=0.2)))
    said = evidence_on("declined", judgement)
    assert said.verdict is Verdict.DEGRADED
    assert not said.decides
    assert said.odds > 1_000
    assert judgement.verdict is not Verdict.DEGRADED
    assert judgement.odds < 1


def test_a_guard_that_only_notifies_delays_nothing():
    quiet = replace(DECLINED, notify_only=True)
    alone, beside = judging(ERRORS), judging(ERRORS, quiet)
    for sides in (arms(), arms(failures=0.03), (served(300, 3), served(2_700, 27))):
        windows = lasting(range(40), *sides)
        assert verdicts(begun(alone, PAST), alone, windows) == verdicts(begun(beside, PAST), beside, windows)


@pytest.mark.parametrize("quiet", [LIMIT, SHARE], ids=lambda guard: guard.name)
def test_a_limit_and_a_share_that_only_notify_decide_nothing_either(quiet):
    config = judging(ERRORS, replace(quiet, notify_only=True))
    windows = lasting(range(10), served(300, 3), served(300, 3))
    assert Verdict.DEGRADED not in verdicts(begun(config, PAST), config, windows)
    assert all(each.concern is None for each in told(begun(config, PAST), config, windows)[1])


def test_a_limit_beside_the_bets_takes_back_by_itself():
    config = judging(ERRORS, LIMIT)
    past = before(served(3_000, 600))
    judgement = last(begun(config, past), config, lasting(range(3), served(300, 60), served(2_700, 540)))
    assert judgement.verdict is Verdict.DEGRADED
    assert [each.guard for each in judgement.evidence if each.verdict is Verdict.DEGRADED] == ["limit"]
