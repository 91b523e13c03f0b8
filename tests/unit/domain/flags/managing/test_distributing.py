"""When a flag is to be brought to the product outside, and what is kept of how that went."""

from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError
from shared.domain.flags.managing.commands import (
    Distribute,
    Distributed,
    FlagCommand,
    NotDistributed,
    Undistributed,
)
from shared.domain.flags.managing.decide import FlagDecision, decide, next_change, next_look
from shared.domain.flags.managing.distributing import is_due
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.state import FlagState
from tests.unit.domain.flags.managing.tale import HOUR, KEY, NOON, Tale, flag


def tale() -> Tale:
    """A flag that was saved where flags are distributed, and published."""
    found = Tale(saved=False)
    found.distributes = True
    found.save(flag(), expected=0)
    found.publish()
    return found


def tell(state: FlagState, command: FlagCommand, *, distributes: bool = True) -> FlagDecision:
    return decide(state, command, now=NOON, distributes=distributes)


def test_a_change_opens_a_row_of_its_own_beside_that_of_publishing():
    told = Tale(saved=False)
    told.distributes = True
    decision = told.save(flag(), expected=0)

    assert len(set(decision.opened)) == 2
    assert told.state.effects + told.state.distributing == decision.opened
    told.publish()
    assert (told.state.effects, told.state.distributing) == ((), decision.opened[1:])
    assert is_due(told.state, NOON)


def test_where_flags_are_distributed_nowhere_nothing_is_opened():
    told = Tale()

    assert told.state.distributing == ()
    assert told.state.distribution is None
    with pytest.raises(RejectedError, match="SLIPWAY_FLAG_DISTRIBUTION"):
        told.tell(Distribute())


@pytest.mark.parametrize("change", ["kill", "archive", "drive", "save"])
def test_whatever_changes_what_is_served_is_brought_there(change):
    told = tale()
    told.tell(Distributed())
    match change:
        case "kill":
            told.kill()
        case "archive":
            told.archive()
        case "drive":
            told.drive(5_000)
        case "save":
            told.save(flag(owner="shop"))

    assert len(told.state.distributing) == 1


def test_what_went_well_closes_the_row_and_says_what_was_not_carried():
    told = tale()
    [row] = told.state.distributing
    decision = told.tell(Distributed(notes=("not carried: the field owner",)))

    assert decision.closed == (row,)
    assert told.state.distribution is not None
    assert (told.state.distribution.revision, told.state.distribution.at) == (1, NOON)
    assert told.state.distribution.notes == ("not carried: the field owner",)
    assert not is_due(told.state, NOON)
    assert told.state.sequence == 1, "it leaves no line in the history"


def test_what_fails_is_tried_again_after_pauses_that_grow_to_a_quarter_of_an_hour():
    told = tale()
    pauses = []
    for _ in range(12):
        told.tell(NotDistributed(why="503"))
        look = next_look(told.state)
        assert look is not None
        pauses.append((look - told.now).total_seconds())
        assert not is_due(told.state, told.now)
        told.now = look
        assert is_due(told.state, told.now)

    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses[-1] == 900
    distribution = told.state.distribution
    assert distribution is not None
    assert (distribution.attempts, distribution.error, distribution.since) == (12, "503", NOON)


@pytest.mark.parametrize(("asked", "pause"), [(2.0, 5), (40.0, 40), (10**9, 3600)])
def test_who_asks_to_be_left_alone_is_so_within_bounds(asked, pause):
    told = tale()
    told.tell(NotDistributed(why="429", after_seconds=asked))

    assert next_look(told.state) == NOON + timedelta(seconds=pause)


def test_what_is_final_is_not_tried_again_before_something_changes_or_somebody_asks():
    told = tale()
    [row] = told.state.distributing
    told.tell(NotDistributed(why="503"))
    decision = told.tell(NotDistributed(why="the rule minors", is_final=True))

    assert (decision.closed, told.state.distributing) == ((row,), ())
    assert next_look(told.state) is None
    distribution = told.state.distribution
    assert distribution is not None
    assert (distribution.error, distribution.again, distribution.revision) == ("the rule minors", None, 0)

    told.tell(Distribute())
    assert is_due(told.state, NOON)


def test_a_pause_does_not_keep_a_kill_from_being_brought_there_at_once():
    told = tale()
    told.tell(NotDistributed(why="503", after_seconds=600))
    told.kill()

    assert is_due(told.state, NOON)
    assert told.state.distribution is not None
    assert told.state.distribution.error == "503"


def test_a_failure_is_forgotten_when_it_went_well():
    told = tale()
    told.tell(NotDistributed(why="503"))
    told.tell(Distributed())

    assert told.state.distribution is not None
    assert (told.state.distribution.error, told.state.distribution.since, next_look(told.state)) == ("", None, None)


def test_asking_again_is_a_fact_also_while_an_earlier_one_is_open():
    told = tale()
    assert told.tell(Distribute()).events
    told.tell(Distributed())
    assert len(told.tell(Distribute()).opened) == 1


def test_a_flag_that_never_was_cannot_be_brought_anywhere():
    with pytest.raises(UnknownFlagError):
        tell(FlagState(key=KEY), Distribute())


def test_where_an_environment_stops_all_of_it_is_forgotten():
    told = tale()
    told.tell(NotDistributed(why="503"))
    decision = told.tell(Undistributed())

    assert len(decision.closed) == 1
    assert (told.state.distributing, told.state.distribution) == ((), None)
    assert told.tell(Undistributed()).events == ()


def test_a_scheduled_change_and_the_next_try_each_have_their_time():
    told = tale()
    told.schedule(flag(owner="search"), after=HOUR)
    told.tell(NotDistributed(why="503"))

    assert next_change(told.state) == NOON + HOUR
    assert next_look(told.state) == NOON + timedelta(seconds=5)
