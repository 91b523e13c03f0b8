"""Flags that are brought to a product outside too: after they are served, again after trouble; the last word wins."""

from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.memory.flag_distribution import MemoryFlagDistribution
from shared.application.flag_environments import FlagEnvironments
from shared.bootstrap import FlagOptions
from shared.domain.errors import RejectedError, TryLaterError, VersionConflictError
from shared.domain.flags.managing.commands import NEW, Archive, Distribute, Kill, SaveFlag, Unread
from shared.domain.flags.model import Flag, InSegment, Members, Rule, Segment, SegmentRule
from shared.domain.names import EnvironmentName, SegmentKey, key_of_flag, key_of_segment
from shared.domain.wake_up import WakeUp
from shared.ports.flag_distribution import NotCarriedError
from tests.scenario.kills import KilledError
from tests.scenario.test_flags import assert_tidy, killable_world
from tests.scenario.world import QUEUE, World
from tests.unit.domain.flags.managing.tale import KEY, OFF, ON, flag

LIVE, TEST = EnvironmentName("production"), EnvironmentName("test")
BETA, STAFF = SegmentKey("beta"), SegmentKey("staff")


@pytest.fixture
def place() -> MemoryFlagDistribution:
    return MemoryFlagDistribution()


@pytest.fixture
def world(tmp_path, place) -> World:
    return World(tmp_path, deploy_first=False, flags=options(place))


def options(place: MemoryFlagDistribution) -> FlagOptions:
    return FlagOptions(environments=FlagEnvironments({LIVE: 0, TEST: 0}), distributions={LIVE: place})


def save(world: World, wanted: Flag, expected: Any = Unread.ANY, environment: EnvironmentName = LIVE) -> None:
    command = SaveFlag(flag=wanted, by="alice", why="", expected=expected, id="c")
    world.app.flag_changes.tell(environment, wanted.key, command)


def view(world: World) -> dict[str, Any]:
    shown: Any = world.app.flag_views.flag(LIVE, KEY)["distribution"]
    return shown


def lose_messages(world: World) -> None:
    """Take what is due from the queue, and do nothing."""
    while session := world.broker.accept_next_session(QUEUE, "lost"):
        delivery = world.broker.receive(QUEUE, session=session, owner="lost")
        assert delivery is not None
        world.broker.complete(delivery)
        world.broker.release_session(QUEUE, session, "lost")


def test_a_flag_is_served_at_once_and_brought_there_by_the_wake_up_that_follows(world, place):
    save(world, flag(), NEW)
    assert world.app.flags.latest(LIVE).plain_flags[KEY] == flag()
    assert place.brought == []
    assert view(world)["pending"] is True

    world.settle()

    assert place.flags == {KEY: flag()}
    shown = view(world)
    assert (shown["pending"], shown["revision"], shown["last_error"], shown["notes"]) == (False, 1, None, [])
    assert_tidy(world)


def test_what_does_not_change_is_not_brought_again(world, place):
    save(world, flag(), NEW)
    world.settle()
    save(world, flag(), 1)
    world.run_for(timedelta(hours=2))

    assert place.brought == [flag()]


def test_another_environment_is_not_distributed(world, place):
    save(world, flag(), NEW, TEST)
    world.run_for(timedelta(hours=1))

    assert place.brought == []
    assert world.app.flag_views.flag(TEST, KEY)["distribution"] is None


@pytest.mark.parametrize("trouble", [TryLaterError("503 there"), RejectedError("403 there")])
def test_trouble_there_is_shown_holds_nothing_up_and_is_tried_again(world, place, trouble):
    place.troubles = [trouble] * 3
    save(world, flag(), NEW)
    world.settle()

    assert view(world)["last_error"] == str(trouble)
    assert view(world)["since"] is not None
    assert world.app.flag_views.flag(LIVE, KEY)["published"] is True
    world.run_for(timedelta(minutes=2))
    assert place.flags == {KEY: flag()}
    assert view(world)["last_error"] is None
    assert_tidy(world)


def test_who_asks_to_be_left_alone_is_not_asked_before(world, place):
    place.troubles = [TryLaterError("429 there", after_seconds=300)]
    save(world, flag(), NEW)
    world.run_for(timedelta(seconds=290))
    assert place.brought == []

    world.run_for(timedelta(seconds=15))
    assert place.brought == [flag()]


def test_a_kill_is_brought_there_though_an_earlier_change_waits(world, place):
    place.troubles = [TryLaterError("429 there", after_seconds=3000)]
    save(world, flag(), NEW)
    world.settle()
    world.app.flag_changes.tell(LIVE, KEY, Kill(by="bob", why="it hurts"))
    world.settle()

    assert [each.killed for each in place.brought if each] == [True]


def test_a_kill_is_brought_there_though_the_flag_as_a_whole_is_refused(world, place):
    save(world, flag(), NEW)
    world.settle()
    place.troubles = [RejectedError("the flag has 12000 bytes there"), RejectedError("the flag has 12000 bytes there")]
    save(world, flag(owner="shop"))
    world.settle()
    assert place.flags == {KEY: flag()}

    world.app.flag_changes.tell(LIVE, KEY, Kill(by="bob", why="it hurts"))
    world.settle()

    there = place.flags[KEY]
    assert there is not None
    assert (there.killed, there.off, there.default, there.rules) == (True, OFF, OFF, ())
    assert "12000 bytes" in view(world)["notes"][0]
    assert view(world)["last_error"] is None


def test_what_cannot_be_carried_is_told_and_not_tried_again_before_something_changes(world, place):
    save(world, flag(), NEW)
    world.settle()
    place.troubles = [NotCarriedError("the rule minors, which it cannot say")] * 2
    save(world, flag(owner="a"))
    world.run_for(timedelta(hours=2))

    shown = view(world)
    assert (shown["pending"], shown["again"], shown["revision"]) == (False, None, 1)
    assert shown["last_error"] == "the rule minors, which it cannot say"
    assert (place.flags, len(place.troubles)) == ({KEY: flag()}, 1)
    assert_tidy(world)

    world.app.flag_changes.tell(LIVE, KEY, Distribute())
    world.settle()
    assert place.troubles == []
    save(world, flag(owner="b"))
    world.settle()
    assert place.flags == {KEY: flag(owner="b")}
    assert view(world)["last_error"] is None


@pytest.mark.parametrize("kills", [True, False])
def test_a_flag_that_is_turned_off_is_brought_there_though_it_cannot_be_carried(world, place, kills):
    place.troubles = [NotCarriedError("too large")] * 2
    save(world, flag(), NEW)
    world.settle()
    assert place.flags == {}

    if kills:
        world.app.flag_changes.tell(LIVE, KEY, Kill(by="bob", why="it hurts"))
    else:
        save(world, flag(enabled=False))
    world.settle()

    there = place.flags[KEY]
    assert there is not None
    assert (there.killed, there.enabled, there.default) == (kills, kills, OFF)


def test_an_archived_flag_is_gone_there_too(world, place):
    save(world, flag(), NEW)
    world.settle()
    world.app.flag_changes.tell(LIVE, KEY, Archive(by="bob", why="", expected=Unread.ANY, id="a"))
    world.settle()

    assert place.flags == {KEY: None}
    assert_tidy(world)


def test_what_could_not_be_carried_stands_in_the_view(world, place):
    place.notes = ("not carried: the field owner",)
    save(world, flag(owner="shop"), NEW)
    world.settle()

    assert view(world)["notes"] == ["not carried: the field owner"]


def test_somebody_who_wrote_there_meanwhile_is_looked_at_anew(world, place):
    place.troubles = [VersionConflictError("faster")] * 2
    save(world, flag(), NEW)
    world.settle()

    assert place.flags == {KEY: flag()}
    assert view(world)["attempts"] == 0


def test_the_last_word_wins_though_an_older_one_was_on_its_way(world, place):
    """Another worker brings a newer flag there while this one is about to write the older, and closes its row."""
    there = MemoryFlagDistribution()
    other = World(world.folder, deploy_first=False, clock=world.clock, flags=options(there))

    def newer() -> None:
        place.before = lambda: None
        save(other, flag(owner="newer"), 1)
        other.app.wake_ups.handle(WakeUp(key=key_of_flag(LIVE, KEY), fence=""), redelivered=False)

    save(world, flag(), NEW)
    place.before = newer
    world.settle()

    assert there.brought == [flag(owner="newer")]
    assert place.brought == [flag(), flag(owner="newer")]
    assert_tidy(world)


def test_a_person_can_have_it_brought_there_once_more(world, place):
    save(world, flag(), NEW)
    world.settle()
    world.app.flag_changes.tell(LIVE, KEY, Distribute())
    world.settle()

    assert place.brought == [flag(), flag()]
    assert_tidy(world)


def test_a_segment_that_changes_takes_the_flags_that_ask_for_it_along(world, place):
    inner = Segment(key=BETA, included=(Members(("ann",)),))
    outer = Segment(key=STAFF, rules=(SegmentRule(condition=InSegment((BETA,))),))
    for segment in (inner, outer):
        world.app.segments.save(LIVE, segment, by="alice", why="", expected=NEW)
    save(world, flag(rules=(Rule(id="staff", condition=InSegment((STAFF,)), serve=ON),)), NEW)
    world.settle()
    changed = Segment(key=BETA, included=(Members(("ann", "zoe")),))

    world.app.segments.save(LIVE, changed, by="alice", why="", expected=1)
    world.settle()

    assert len(place.brought) == 2
    assert changed in place.segments[KEY]
    assert_tidy(world)


def test_who_saves_a_segment_does_not_wait_for_the_flags_that_follow_and_nothing_is_lost(world, place):
    world.app.segments.save(LIVE, Segment(key=BETA, included=(Members(("ann",)),)), by="a", why="", expected=NEW)
    save(world, flag(rules=(Rule(id="beta", condition=InSegment((BETA,)), serve=ON),)), NEW)
    world.settle()
    changed = Segment(key=BETA, included=(Members(("zoe",)),))

    world.app.segments.save(LIVE, changed, by="alice", why="", expected=1)
    assert world.app.flags.latest(LIVE).plain_segments[BETA] == changed
    assert view(world)["pending"] is False
    lose_messages(world)
    world.run_for(timedelta(minutes=20))

    assert changed in place.segments[KEY]
    assert_tidy(world, key_of_segment(LIVE, BETA), key_of_flag(LIVE, KEY))


def test_an_environment_that_stops_distributing_forgets_what_was_open(world, place):
    place.troubles = [TryLaterError("503 there")]
    save(world, flag(), NEW)
    world.settle()
    world.flags = FlagOptions(environments=FlagEnvironments({LIVE: 0, TEST: 0}))
    world.start()
    world.run_for(timedelta(minutes=20))

    assert world.app.flag_views.flag(LIVE, KEY)["distribution"] is None
    assert_tidy(world)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 10))
def test_a_worker_that_dies_at_any_write_leaves_nothing_undistributed(tmp_path, place, at, after):
    world, killer = killable_world(tmp_path)
    world.flags = options(place)
    world.start()
    save(world, flag(), NEW)
    world.settle()
    killer.calls.clear()
    killer.at, killer.after = at, after
    try:
        save(world, flag(owner="b"), 1)
        world.settle()
    except KilledError:
        killer.at = None
        world.start()
        save(world, flag(owner="b"), Unread.ANY)
    world.run_for(timedelta(minutes=20))

    assert place.flags == {KEY: flag(owner="b")}
    loaded = world.keeping.store.load(key_of_flag(LIVE, KEY))
    assert loaded.outbox == ()
