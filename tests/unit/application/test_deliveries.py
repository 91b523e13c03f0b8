"""What a delivery takes for its own: a row that somebody else has begun anew is that one's to answer for."""

from dataclasses import replace
from datetime import timedelta

from shared.application.drive import _Delivery, _left_by_others
from shared.domain.names import EffectId, RolloutId, TargetName
from shared.domain.rollout.commands import ClaimEffect, EffectDone
from shared.domain.rollout.effects import PublishViews, SetWeight
from shared.domain.rollout.state import Application, OpenEffect
from shared.domain.wake_up import WakeUp
from tests.unit.domain.specs import NOON, SHOP

ROW = OpenEffect(id=EffectId("1"), effect=PublishViews(), begun=NOON, due=NOON)
LATER = replace(ROW, begun=NOON + timedelta(microseconds=1))


def shop(*rows: OpenEffect) -> Application:
    return Application(name=SHOP, effects=rows)


def delivery() -> _Delivery:
    return _Delivery(WakeUp(key="application:shop", fence=""), redelivered=False, began=NOON)


def test_a_row_is_its_own_from_the_commit_that_began_it():
    mine = delivery()
    assert not mine.owns(ROW)

    mine.begin((ROW,))
    assert mine.owns(ROW)


def test_a_row_that_was_claimed_is_its_own():
    mine = delivery()
    mine.settle(ClaimEffect(ROW.id), shop(ROW))
    assert mine.owns(ROW)


def test_a_row_that_somebody_took_over_is_not_its_own_any_more():
    mine = delivery()
    mine.begin((ROW,))

    assert not mine.owns(LATER)
    assert not mine.owns(replace(ROW, begun=None))


def test_the_answer_of_a_row_that_somebody_took_over_is_not_taken_in():
    mine = delivery()
    mine.begin((ROW,))
    mine.outcomes = [EffectDone(ROW.id)]

    mine.forget_lost(shop(ROW))
    assert mine.outcomes == [EffectDone(ROW.id)]
    mine.forget_lost(shop(LATER))
    assert mine.outcomes == []


def test_the_answer_of_a_row_that_is_closed_is_not_taken_in():
    mine = delivery()
    mine.begin((ROW,))
    mine.outcomes = [EffectDone(ROW.id)]

    mine.forget_lost(shop())
    assert mine.outcomes == []


WEIGHT = replace(ROW, effect=SetWeight(RolloutId("shop-1"), TargetName("web")))


def redelivered(began: timedelta = timedelta(0)) -> _Delivery:
    return _Delivery(WakeUp(key="application:shop", fence=""), redelivered=True, began=NOON + began)


def test_a_delivery_that_comes_again_takes_over_what_was_begun_before_it():
    assert _left_by_others(shop(WEIGHT), redelivered(), NOON) == WEIGHT
    assert _left_by_others(shop(WEIGHT), delivery(), NOON) is None


def test_two_deliveries_that_come_again_do_not_take_one_row_from_each_other_in_circles():
    first, second = redelivered(), redelivered()
    taken = replace(WEIGHT, begun=LATER.begun)

    assert _left_by_others(shop(WEIGHT), first, NOON) == WEIGHT
    first.begin((taken,))
    assert first.owns(taken)
    assert _left_by_others(shop(taken), second, NOON) is None
    assert _left_by_others(shop(taken), second, NOON + timedelta(seconds=36)) == taken
