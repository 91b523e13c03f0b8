"""One save never keeps another flag from being served: not a lengthened chain, not a segment made deeper."""

from dataclasses import replace

import pytest

from shared.domain.errors import InvalidError
from shared.domain.flags.managing.commands import NEW, SaveFlag, Unread
from shared.domain.flags.model import EVERYBODY, All, Flag, InSegment, Not, Prerequisite, Rule, Segment, SegmentRule
from shared.domain.names import EnvironmentName, FlagKey, SegmentKey
from tests.scenario.world import World
from tests.unit.domain.flags.managing.tale import ON, flag

LIVE = EnvironmentName("production")


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path, deploy_first=False)


def save(world: World, wanted: Flag) -> None:
    is_there = world.app.flag_changes.is_there(LIVE, wanted.key)
    command = SaveFlag(flag=wanted, by="alice", why="", expected=Unread.ANY if is_there else NEW, id="c")
    world.app.flag_changes.tell(LIVE, wanted.key, command)


def save_segment(world: World, segment: Segment) -> None:
    is_there = world.app.segments.is_there(LIVE, segment.key)
    world.app.segments.save(LIVE, segment, by="alice", why="", expected=Unread.ANY if is_there else NEW)


def needing(key: str, *others: str) -> Flag:
    return replace(
        flag(rules=()),
        key=FlagKey(key),
        prerequisites=tuple(Prerequisite(FlagKey(other), (ON,)) for other in others),
    )


def asking(key: str, *others: str, levels: int = 0) -> Segment:
    condition = InSegment(tuple(map(SegmentKey, others))) if others else EVERYBODY
    for _ in range(levels):
        condition = Not(condition)
    return Segment(key=SegmentKey(key), rules=(SegmentRule(condition=condition),))


def fault(world: World, key: str) -> object:
    world.start()
    ruleset = world.app.flags.served(LIVE).ruleset
    return ruleset.evaluate(FlagKey(key), {}, now=world.clock.now().timestamp(), region="").error


def test_a_chain_that_would_be_too_long_for_a_far_flag_is_refused_by_its_name(world):
    for letter, count in (("x", 12), ("ch", 12)):
        for at in range(count):
            save(world, needing(f"{letter}{at}", *([f"{letter}{at - 1}"] if at else [])))

    with pytest.raises(InvalidError, match="flag x11 needs this flag, and would be broken"):
        save(world, needing("x0", "ch11"))
    assert fault(world, "x11") is None


def test_a_segment_that_would_lie_too_deep_for_a_far_flag_is_refused_by_its_name(world):
    for at in range(12):
        save_segment(world, asking(f"y{at}", *([f"y{at - 1}"] if at else [])))
    condition = All((All((InSegment((SegmentKey("y11"),)),)),))
    save(world, replace(flag(rules=(Rule(id="r", condition=condition, serve=ON),)), key=FlagKey("uy")))

    with pytest.raises(InvalidError, match="flag uy asks for this segment, and would be broken"):
        save_segment(world, asking("y0", levels=7))
    assert fault(world, "uy") is None
