"""What there is no room for, or what others need, is refused on every way to a change; what hurts is stopped anyway."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.errors import RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import (
    NEW,
    Approve,
    Archive,
    Drive,
    FlagCommand,
    Kill,
    Lapse,
    Release,
    Revive,
    SaveFlag,
    ScheduleChange,
    Unread,
)
from shared.domain.flags.managing.decide import FlagDecision, decide
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import Flag
from tests.unit.domain.flags.managing.tale import HOUR, KEY, NOON, OFF, ON, ROLLOUT, flag

FULL = "there is no room"
SAVE = SaveFlag(flag=flag(owner="b"), by="alice", why="", expected=Unread.ANY, id="s")
ARCHIVE = Archive(by="alice", why="", expected=Unread.ANY, id="a")
APPROVE = {SAVE: Approve(proposal="s", by="bob"), ARCHIVE: Approve(proposal="a", by="bob")}
DRIVE = Drive(rollout=ROLLOUT, rule="everyone", candidate=ON, stable=OFF, weight=5_000)


def told(state: FlagState, command: FlagCommand, **options: Any) -> FlagDecision:
    return decide(state, command, **{"now": NOON, **options})


def full(wanted: Flag | None) -> str:
    return FULL if wanted is not None else "others need it"


@pytest.fixture
def saved() -> FlagState:
    command = SaveFlag(flag=flag(), by="alice", why="", expected=NEW, id="c")
    return told(FlagState(key=KEY), command).state


def test_a_save_and_a_schedule_are_refused_at_the_door(saved):
    scheduled = ScheduleChange(flag=SAVE.flag, by="a", why="", at=NOON + HOUR, expected=Unread.ANY, id="x")
    for command in (SAVE, scheduled):
        with pytest.raises(RejectedError, match=FULL):
            told(saved, command, refuse=full)


def test_what_others_need_is_not_archived(saved):
    with pytest.raises(RejectedError, match="others need it"):
        told(saved, ARCHIVE, refuse=full)


@pytest.mark.parametrize(("command", "why"), [(SAVE, FULL), (ARCHIVE, "others need it")])
def test_an_approved_change_comes_to_nothing_and_history_says_why(saved, command, why):
    proposed = told(saved, command, approvals=1).state
    decision = told(proposed, APPROVE[command], approvals=1, refuse=full)

    assert [type(event) for event in decision.events] == [e.ProposalApproved, e.ProposalVoided]
    assert why in decision.events[-1].why
    assert decision.state.live == saved.live


def test_a_scheduled_change_comes_to_nothing_and_history_says_why(saved):
    command = ScheduleChange(flag=SAVE.flag, by="a", why="", at=NOON + HOUR, expected=Unread.ANY, id="x")
    waits = told(saved, command).state
    decision = told(waits, Lapse(), now=NOON + HOUR, refuse=full)

    [event] = decision.events
    assert (type(event), FULL in event.why) == (e.ScheduledRefused, True)
    assert (decision.state.live, decision.state.scheduled) == (saved.live, ())


def test_a_killed_flag_is_revived_only_where_there_is_room_for_it_as_it_will_be(saved):
    killed = told(saved, Kill(by="bob", why=""), refuse=full).state
    asked: list[Flag | None] = []

    def refuse(wanted: Flag | None) -> str | None:
        asked.append(wanted)
        return FULL

    with pytest.raises(RejectedError, match=FULL):
        told(killed, Revive(by="bob", why=""), refuse=refuse)
    assert asked == [replace(flag(), killed=False)]


def test_the_kill_switch_and_rollouts_are_never_refused_for_want_of_room(saved):
    assert told(saved, Kill(by="bob", why=""), refuse=full).state.live.killed
    driven = told(saved, DRIVE, refuse=full).state
    assert driven.drivers
    assert not told(driven, Release(rollout=ROLLOUT), refuse=full).state.drivers
