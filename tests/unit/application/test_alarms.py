"""Which scheduled wake-ups an aggregate has outstanding."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.application.alarms import LOST_AFTER, OUTSTANDING, at_proven_time, planned, without
from shared.wire.alarms import Alarm
from tests.unit.domain.specs import NOON

SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return NOON + seconds * SECOND


def alarm(fence: str, seconds: float) -> Alarm:
    return Alarm(fence, at(seconds))


class StoppedClock:
    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time


def test_the_first_wake_up_is_sent_and_outstanding():
    assert planned((), at(60), "1") == ((alarm("1", 60),), alarm("1", 60))


def test_where_nothing_is_to_be_waited_for_nothing_is_sent():
    assert planned((), None, "1") == ((), None)
    assert planned((alarm("1", 60),), None, "2") == ((alarm("1", 60),), None)


@pytest.mark.parametrize("outstanding", [(alarm("1", 60),), (alarm("1", 30),), (alarm("1", 90), alarm("2", 59))])
def test_a_wake_up_that_comes_in_time_is_enough(outstanding):
    assert planned(outstanding, at(60), "3") == (outstanding, None)


def test_a_new_one_is_sent_when_the_next_time_moves_earlier():
    assert planned((alarm("1", 90),), at(60), "2") == ((alarm("2", 60), alarm("1", 90)), alarm("2", 60))


def test_at_most_two_are_outstanding_and_the_latest_is_forgotten():
    kept, new = planned((alarm("1", 80), alarm("2", 90)), at(60), "3")
    assert (kept, new) == ((alarm("3", 60), alarm("1", 80)), alarm("3", 60))


def test_the_one_that_came_is_no_longer_outstanding():
    assert without((alarm("1", 60), alarm("2", 90)), "1", at(60)) == (alarm("2", 90),)


def test_news_without_a_fence_leaves_every_alarm_outstanding():
    assert without((alarm("1", 60), alarm("2", 90)), "", at(10)) == (alarm("1", 60), alarm("2", 90))


@pytest.mark.parametrize(
    ("fence", "seconds", "handled"),
    [("1", 58, 60), ("1", 60, 60), ("1", 61, 61), ("", 10, 10), ("gone", 10, 10), ("1", 29, 29)],
    ids=["early", "in time", "late", "no fence", "another fence", "so early that no clock is believed"],
)
def test_a_wake_up_that_came_proves_that_its_time_has_come(fence, seconds, handled):
    clock = at_proven_time(StoppedClock(at(seconds)), (alarm("1", 60), alarm("2", 90)), fence)
    assert clock.now() == at(handled)


def test_one_that_is_a_minute_late_is_lost_and_no_longer_waited_for():
    late = alarm("1", 0)
    assert without((late,), "9", NOON + LOST_AFTER - SECOND) == (late,)
    assert without((late,), "9", NOON + LOST_AFTER) == ()


def test_a_lost_one_is_sent_anew():
    left = without((alarm("1", 0),), "", at(61))
    assert planned(left, at(61), "2")[1] == alarm("2", 61)


@given(st.lists(st.tuples(st.integers(0, 3_600), st.none() | st.integers(0, 7_200)), max_size=60))
def test_whatever_happens_there_is_a_wake_up_in_time_and_never_many(moments):
    """Each moment a delivery comes, forgets what came or was lost, and plans for the next time."""
    now, alarms, sent = NOON, (), 0
    for number, (later, wait) in enumerate(moments):
        now += later * SECOND
        came = alarms[0].fence if alarms and alarms[0].at <= now else ""
        wake_at = None if wait is None else now + wait * SECOND
        alarms, new = planned(without(alarms, came, now), wake_at, str(number))
        sent += new is not None
        assert len(alarms) <= OUTSTANDING
        assert len({each.fence for each in alarms}) == len(alarms)
        assert all(each.at > now - LOST_AFTER for each in alarms)
        if wake_at is not None:
            assert any(each.at <= wake_at for each in alarms)
        if new is not None:
            assert new in alarms
    assert sent <= len(moments)


@given(st.integers(1, 100))
def test_looking_again_and_again_for_the_same_time_sends_one_message(times):
    alarms, sent = (), []
    for number in range(times):
        alarms, new = planned(without(alarms, "", at(number)), at(600), str(number))
        sent += [new] if new else []
    assert len(sent) == 1
