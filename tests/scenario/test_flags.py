"""Flags on the real store and queue: served when they were changed, whatever dies or fails in between."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.application.flag_environments import FlagEnvironments
from shared.bootstrap import FlagOptions, Keeping
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.flags.managing.commands import (
    NEW,
    Approve,
    Archive,
    CancelScheduled,
    Drive,
    Kill,
    Revive,
    SaveFlag,
    ScheduleChange,
    Unread,
)
from shared.domain.flags.managing.refusals import RevisionError
from shared.domain.flags.model import EVERYBODY, Flag, InSegment, Members, Prerequisite, Rule, Segment, Target, Variant
from shared.domain.names import (
    EnvironmentName,
    FlagKey,
    RolloutId,
    SegmentKey,
    key_of_flag,
    key_of_segment,
)
from shared.wire.published_flags import name_of_chunk, open_chunk, write_opened_chunk
from tests.scenario.kills import Killable, KilledError, Killer
from tests.scenario.world import World
from tests.unit.domain.flags.managing.tale import EVERYONE, KEY, OFF, ON, ROLLOUT, STAFF, flag

LIVE, TEST = EnvironmentName("production"), EnvironmentName("test")
HOUR = timedelta(hours=1)
TWO_ENVIRONMENTS = FlagOptions(environments=FlagEnvironments({LIVE: 1, TEST: 0}))


def save(world: World, wanted: Flag, expected: Any = Unread.ANY, environment=LIVE, by: str = "alice") -> Any:
    command = SaveFlag(flag=wanted, by=by, why="as agreed", expected=expected, id=f"c-{wanted.owner}-{by}")
    return world.app.flag_changes.tell(environment, wanted.key, command)


def served(world: World, environment=LIVE, key: FlagKey = KEY) -> Flag | None:
    """What a worker serves that has just started."""
    world.start()
    found = world.app.flags.served(environment).content.flags.get(key)
    return found.flag if found is not None else None


def asked(world: World, **context: Any) -> str:
    ruleset = world.app.flags.served(LIVE).ruleset
    return ruleset.evaluate(KEY, context, now=world.clock.now().timestamp(), region="").variant


def history(world: World, key: FlagKey = KEY, environment=LIVE) -> list[str]:
    return [line["type"] for line in world.app.flag_views.flag_history(environment, key, 0)["events"]]


def assert_tidy(world: World, *keys: str) -> None:
    """Nothing is open, history has no gaps, and no marker is left when the sweep has passed."""
    world.run_for(timedelta(minutes=20))
    for key in keys or (key_of_flag(LIVE, KEY),):
        loaded = world.keeping.store.load(key)
        assert loaded.inbox == loaded.outbox == ()
        numbers = [entry.sequence for entry in world.keeping.store.history(key, after=0, up_to=999, limit=999)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert key not in [marker.key for marker in world.keeping.markers.overdue(world.clock.now() + HOUR, limit=99)]
    assert world.letters() == []


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, deploy_first=False)


def test_a_saved_flag_is_served_within_the_maximum_age_by_a_worker_that_serves(world):
    save(world, flag(), NEW)
    other = World(world.folder, deploy_first=False, clock=world.clock)
    assert asked(other, email="ann@shop.example", targetingKey="ann") == ON
    save(world, flag(rules=(EVERYONE,)), 1)

    assert asked(other, email="ann@shop.example", targetingKey="ann") == ON
    world.clock.time += timedelta(seconds=5)
    assert asked(other, email="ann@shop.example", targetingKey="ann") == OFF
    assert_tidy(world)


def test_a_worker_that_changes_a_flag_serves_it_at_once(world):
    save(world, flag(), NEW)
    assert asked(world, email="ann@shop.example", targetingKey="ann") == ON
    world.app.flag_changes.tell(LIVE, KEY, Kill(by="bob", why="it hurts"))

    assert asked(world, email="ann@shop.example", targetingKey="ann") == OFF


def test_a_lost_update_is_refused_and_changes_nothing(world):
    save(world, flag(), NEW)
    save(world, flag(owner="a"), 1)

    with pytest.raises(RevisionError):
        save(world, flag(owner="b"), 1)
    assert served(world) == flag(owner="a")
    assert history(world) == ["FlagSaved", "FlagSaved"]


def crash(world: World, killer: Killer, do: Callable[[], Any]) -> None:
    """Do something until the worker dies in it, start another, and do it again as a client would."""
    try:
        do()
    except KilledError:
        killer.at = None
        world.start()
        do()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
def test_a_worker_that_dies_at_any_write_of_a_save_loses_nothing(tmp_path, at, after):
    world, killer = killable_world(tmp_path)
    save(world, flag(), NEW)
    killer.calls.clear()
    killer.at, killer.after = at, after

    crash(world, killer, lambda: save(world, flag(owner="b"), 1))

    assert served(world) == flag(owner="b")
    assert history(world) == ["FlagSaved", "FlagSaved"]
    assert_tidy(world)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
def test_what_a_dead_worker_left_open_is_served_by_the_sweep_though_nobody_asks_again(tmp_path, at, after):
    world, killer = killable_world(tmp_path)
    save(world, flag(), NEW)
    killer.calls.clear()
    killer.at, killer.after = at, after
    try:
        save(world, flag(owner="b"), 1)
    except KilledError:
        killer.at = None
        world.start()
    world.run_for(timedelta(minutes=7))

    state = world.app.flag_changes.state(LIVE, KEY)
    assert served(world) == state.flag
    assert (state.revision, state.effects) in ((1, ()), (2, ()))
    assert_tidy(world)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 17))
def test_a_scheduled_change_is_made_once_whatever_dies(tmp_path, at, after):
    world, killer = killable_world(tmp_path)
    save(world, flag(), NEW)
    command = ScheduleChange(
        flag=flag(default=ON), by="alice", why="the sale", at=world.clock.now() + HOUR, expected=1, id="sale"
    )
    killer.calls.clear()
    killer.at, killer.after = at, after

    crash(world, killer, lambda: world.app.flag_changes.tell(LIVE, KEY, command))
    world.run_for(2 * HOUR)

    assert served(world) == flag(default=ON)
    assert history(world) == ["FlagSaved", "ChangeScheduled", "FlagSaved"]
    assert_tidy(world)


def killable_world(folder) -> tuple[World, Killer]:
    killer = Killer()

    def change(keeping: Keeping) -> Keeping:
        return replace(
            keeping,
            store=Killable(keeping.store, killer, "commit"),
            markers=Killable(keeping.markers, killer, "open", "put_off", "close"),
            snapshots=Killable(keeping.snapshots, killer, "write_chunk", "move_head", "prune"),
            queue=Killable(keeping.queue, killer, "send"),
        )

    world = World(folder, deploy_first=False, change=change)
    world.settle()
    return world, killer


def test_a_scheduled_change_happens_at_its_time_and_not_before(world):
    save(world, flag(), NEW)
    at = world.clock.now() + HOUR
    world.app.flag_changes.tell(
        LIVE, KEY, ScheduleChange(flag=flag(default=ON), by="alice", why="", at=at, expected=1, id="sale")
    )
    world.run_for(timedelta(minutes=59))
    assert served(world) == flag()

    world.run_for(timedelta(minutes=1))
    assert served(world) == flag(default=ON)
    assert_tidy(world)


@pytest.mark.parametrize("of", ["flag", "segment"])
@pytest.mark.parametrize("at", [5, 6], ids=["before the chunk", "before the head"])
def test_what_a_worker_did_not_publish_before_it_died_is_served_within_two_minutes(tmp_path, of, at):
    world, killer = killable_world(tmp_path)
    save(world, flag(), NEW)
    world.run_for(timedelta(minutes=10))
    segment = Segment(key=SegmentKey("beta"), included=(Members(("ann",)),))
    killer.calls.clear()
    killer.at = at

    def change() -> None:
        if of == "flag":
            save(world, flag(owner="b"), 1)
        else:
            world.app.segments.save(LIVE, segment, by="alice", why="", expected=NEW)

    with pytest.raises(KilledError):
        change()
    killer.at = None
    assert served(world) == flag()
    world.run_for(timedelta(minutes=2))

    now = world.app.flags.served(LIVE).content
    segments = [] if of == "flag" else [segment.key]
    assert (now.plain_flags[KEY].owner, list(now.segments)) == ("b" if of == "flag" else "", segments)


def test_a_cancelled_change_never_happens(world):
    save(world, flag(), NEW)
    at = world.clock.now() + HOUR
    world.app.flag_changes.tell(
        LIVE, KEY, ScheduleChange(flag=flag(default=ON), by="alice", why="", at=at, expected=1, id="sale")
    )
    world.app.flag_changes.tell(LIVE, KEY, CancelScheduled(id="sale", by="bob", why="no sale"))
    world.run_for(2 * HOUR)

    assert served(world) == flag()
    assert_tidy(world)


def test_a_scheduled_change_whose_segment_went_is_refused_with_the_reason(world):
    segment = Segment(key=SegmentKey("beta"), included=(Members(("ann",)),))
    world.app.segments.save(LIVE, segment, by="alice", why="", expected=NEW)
    save(world, flag(), NEW)
    rules = (Rule(id="beta", condition=InSegment((segment.key,)), serve=ON),)
    at = world.clock.now() + HOUR
    world.app.flag_changes.tell(
        LIVE, KEY, ScheduleChange(flag=flag(rules=rules), by="alice", why="", at=at, expected=1, id="beta")
    )
    world.app.segments.delete(LIVE, segment.key, by="bob", why="", expected=1)
    world.run_for(2 * HOUR)

    refused = world.app.flag_views.flag_history(LIVE, KEY, 0)["events"][-1]
    assert refused["type"] == "ScheduledRefused"
    assert "beta" in refused["why"]
    assert served(world) == flag()
    assert_tidy(world, key_of_flag(LIVE, KEY), key_of_segment(LIVE, segment.key))


def test_environments_have_flags_and_approvals_of_their_own(tmp_path):
    world = World(tmp_path, deploy_first=False, flags=TWO_ENVIRONMENTS)
    state = save(world, flag(), NEW)
    save(world, flag(owner="t"), NEW, TEST)

    assert (served(world), served(world, TEST)) == (None, flag(owner="t"))
    world.app.flag_changes.tell(LIVE, KEY, Approve(proposal=state.proposal.id, by="bob"))
    assert served(world) == flag()
    world.app.flag_changes.tell(LIVE, KEY, Kill(by="carol", why="it hurts"))
    assert served(world) == flag(killed=True)


def test_a_rollout_drives_a_flag_and_nobody_else_does(world):
    save(world, flag(), NEW)
    drive = Drive(rollout=ROLLOUT, rule="everyone", candidate=ON, stable=OFF, weight=5_000)
    world.app.flag_changes.tell(LIVE, KEY, drive)

    with pytest.raises(RejectedError, match=ROLLOUT):
        save(world, flag())
    (line,) = world.app.flag_views.list_flags(LIVE, after=None, tag=None, stale=False)["flags"]
    assert line["driven_by"] == [ROLLOUT]
    with pytest.raises(RejectedError, match=ROLLOUT):
        world.app.flag_changes.tell(LIVE, KEY, replace(drive, rollout=RolloutId("web-0123456789ab")))


def test_an_earlier_revision_is_brought_back_in_one_call_and_the_kill_switch_stays(world):
    save(world, flag(), NEW)
    save(world, flag(rules=(STAFF,), owner="b"), 1)
    world.app.flag_changes.tell(LIVE, KEY, Kill(by="bob", why="it hurts"))

    world.app.flag_changes.restore(LIVE, KEY, 1, by="bob", why="it hurts", expected=Unread.ANY, change_id="r")

    assert served(world) == flag(killed=True)
    last = world.app.flag_views.flag_history(LIVE, KEY, 0)["events"][-1]
    assert (last["restored"], last["revision"], last["by"]) == (1, 4, "bob")


def test_what_others_need_cannot_go_nor_lose_a_variant(world):
    save(world, flag(), NEW)
    other = flag(key=FlagKey("child"), rules=(), prerequisites=(Prerequisite(KEY, (ON,)),))
    save(world, other, NEW)

    with pytest.raises(RejectedError, match="child"):
        world.app.flag_changes.tell(LIVE, KEY, Archive(by="alice", why="", expected=1, id="a"))
    renamed = flag(variants=(Variant(OFF, False), Variant("blue", True)), rules=())  # type: ignore[arg-type]
    with pytest.raises(Exception, match="child"):
        save(world, renamed, 1)


def test_an_archived_flag_is_served_to_nobody(world):
    save(world, flag(), NEW)
    world.app.flag_changes.tell(LIVE, KEY, Archive(by="alice", why="done", expected=1, id="a"))

    assert served(world) is None
    assert world.app.flag_views.list_flags(LIVE, after=None, tag=None, stale=False)["flags"] == []
    assert_tidy(world)


class Between:
    """Lets something of the test's happen just before the n-th call of a method of a port from now on, once."""

    def __init__(self, inner: Any, method: str) -> None:
        self._inner = inner
        self._method = method
        self._left = 0
        self._then: Callable[[], Any] | None = None

    def at(self, number: int, then: Callable[[], Any]) -> None:
        self._left, self._then = number, then

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._method:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._then is not None:
                self._then()
            return found(*args, **kwargs)

        return call


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    ("port", "method"),
    [
        ("snapshots", "read_head"),
        ("store", "load"),
        ("snapshots", "read_chunk"),
        ("snapshots", "write_chunk"),
        ("snapshots", "move_head"),
        ("snapshots", "prune"),
        ("store", "commit"),
    ],
)
def test_the_last_word_wins_wherever_two_workers_meet(tmp_path, port, method, number):
    between: list[Between] = []

    def change(keeping: Keeping) -> Keeping:
        between.append(Between(getattr(keeping, port), method))
        return replace(keeping, **{port: between[-1]})

    other = World(tmp_path, deploy_first=False)
    world = World(tmp_path, deploy_first=False, change=change)
    save(world, flag(), NEW)
    between[-1].at(number, lambda: save(other, flag(owner="other")))

    save(world, flag(owner="ours"), Unread.ANY)

    decided = world.app.flag_changes.state(LIVE, KEY)
    assert served(world) == decided.flag
    assert decided.effects == ()


class Unwell:
    """A port that fails while it is told to."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.fails = False
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            if self.fails:
                raise TryLaterError("the store is unwell")
            return found(*args, **kwargs)

        return call


def test_while_the_snapshot_cannot_be_written_the_change_stands_and_is_served_when_it_can(tmp_path):
    unwell: list[Unwell] = []

    def change(keeping: Keeping) -> Keeping:
        unwell.append(Unwell(keeping.snapshots))
        return replace(keeping, snapshots=unwell[-1])

    world = World(tmp_path, deploy_first=False, change=change)
    save(world, flag(), NEW)
    unwell[-1].fails = True
    state = world.app.flag_changes.tell(LIVE, KEY, Kill(by="bob", why="it hurts"))

    assert (state.flag, bool(state.effects)) == (flag(killed=True), True)
    world.run_for(timedelta(minutes=1))
    unwell[-1].fails = False
    world.run_for(timedelta(minutes=10))
    assert served(world) == flag(killed=True)
    assert_tidy(world)


class Narrow:
    """Snapshots whose chunks hold little."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.longest = 10_000

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write_chunk(self, environment: EnvironmentName, name: str, document: str, now: datetime) -> None:
        if len(document) > self.longest:
            raise RejectedError("the chunk is too long")
        self._inner.write_chunk(environment, name, document, now)


def test_the_kill_switch_works_also_where_the_flag_has_grown_too_long_for_its_chunk(tmp_path):
    narrow: list[Narrow] = []

    def change(keeping: Keeping) -> Keeping:
        narrow.append(Narrow(keeping.snapshots))
        return replace(keeping, snapshots=narrow[-1])

    world = World(tmp_path, deploy_first=False, change=change)
    save(world, flag(), NEW)
    long = flag(targets=(Target(variant=ON, values=tuple(f"user-{number}" for number in range(2_000))),))
    save(world, long)
    assert served(world) == flag()

    world.app.flag_changes.tell(LIVE, KEY, Kill(by="bob", why="it hurts"))
    now = served(world)
    assert now is not None
    assert (now.killed, now.off, now.targets) == (True, OFF, ())
    assert [variant.name for variant in now.variants] == [ON, OFF]
    assert world.app.flag_changes.state(LIVE, KEY).flag == replace(long, killed=True)
    narrow[-1].longest = 10**6
    world.app.flag_changes.tell(LIVE, KEY, Revive(by="bob", why="mended"))
    assert served(world) == long


def test_a_flag_that_its_chunk_has_no_room_for_is_refused_before_it_is_committed(world):
    save(world, flag(), NEW)
    snapshots = world.keeping.snapshots
    head = snapshots.read_head(LIVE)
    ((slot, name),) = head.chunks
    opened = open_chunk(snapshots.read_chunk(LIVE, name))
    others = {FlagKey(f"old-{number}"): json.dumps({"flag": {"key": f"old-{number}"}}) for number in range(2)}
    large = json.dumps({"flag": {"key": "large", "description": "x" * 3_900_000}}, separators=(",", ":"))
    full = write_opened_chunk(replace(opened, flags={**opened.flags, **others, FlagKey("large"): large}))
    snapshots.write_chunk(LIVE, name_of_chunk(full), full, world.clock.now())
    snapshots.move_head(LIVE, replace(head, chunks=((slot, name_of_chunk(full)),)))

    values = tuple(f"user-{number:0>20}" for number in range(5_000))
    with pytest.raises(RejectedError, match=r"no room for flag new-checkout so: .* allowed are 3,920,000"):
        save(world, flag(targets=(Target(variant=ON, values=values),)))
    assert world.app.flag_changes.state(LIVE, KEY).revision == 1
    assert_tidy(world)


def test_a_segment_that_its_chunk_has_no_room_for_is_refused_before_it_is_committed(world):
    def save_staff(values: tuple[str, ...], expected: Any) -> None:
        staff = Segment(key=SegmentKey("staff"), included=(Members(values),))
        world.app.segments.save(LIVE, staff, by="alice", why="", expected=expected)

    save_staff(("ann",), NEW)
    snapshots = world.keeping.snapshots
    head = snapshots.read_head(LIVE)
    ((slot, name),) = head.chunks
    opened = open_chunk(snapshots.read_chunk(LIVE, name))
    large = json.dumps({"segment": {"key": "large", "description": "x" * 3_900_000}}, separators=(",", ":"))
    full = write_opened_chunk(replace(opened, segments={**opened.segments, SegmentKey("large"): large}))
    snapshots.write_chunk(LIVE, name_of_chunk(full), full, world.clock.now())
    snapshots.move_head(LIVE, replace(head, chunks=((slot, name_of_chunk(full)),)))

    with pytest.raises(RejectedError, match=r"no room for segment staff so: .* allowed are 3,920,000"):
        save_staff(tuple(f"user-{number:0>20}" for number in range(5_000)), Unread.ANY)
    assert world.app.segments.state(LIVE, SegmentKey("staff")).revision == 1


def test_a_flag_is_published_also_beside_one_that_this_release_cannot_read(world):
    save(world, flag(), NEW)
    snapshots = world.keeping.snapshots
    head = snapshots.read_head(LIVE)
    ((slot, name),) = head.chunks
    chunk = open_chunk(snapshots.read_chunk(LIVE, name))
    newer = '{"flag":{"key":"newer","type":"?"},"revision":1}'
    document = write_opened_chunk(replace(chunk, flags={**chunk.flags, FlagKey("newer"): newer}))
    snapshots.write_chunk(LIVE, name_of_chunk(document), document, world.clock.now())
    snapshots.move_head(LIVE, replace(head, chunks=((slot, name_of_chunk(document)),)))

    world.app.flag_changes.tell(LIVE, KEY, Kill(by="bob", why="it hurts"))
    assert served(world) == flag(killed=True)
    ((_, name),) = snapshots.read_head(LIVE).chunks
    assert open_chunk(snapshots.read_chunk(LIVE, name)).flags["newer"] == newer
    assert_tidy(world)


def test_many_changes_leave_a_bounded_number_of_chunks_behind(world):
    save(world, flag(), NEW)
    names = []
    for number in range(30):
        world.clock.time += HOUR
        save(world, flag(owner=f"o{number}"))
        names.append(dict(world.keeping.snapshots.read_head(LIVE).chunks).popitem()[1])

    left = [name for name in names if world.keeping.snapshots.read_chunk(LIVE, name) is not None]
    assert len(left) <= 3
    assert served(world) == flag(owner="o29")


def test_a_flag_with_the_longest_key_is_woken_too(world):
    key = FlagKey("a" * 256)
    save(world, flag(key=key), NEW)
    at = world.clock.now() + HOUR
    world.app.flag_changes.tell(
        LIVE, key, ScheduleChange(flag=flag(key=key, default=ON), by="alice", why="", at=at, expected=1, id="sale")
    )
    world.run_for(2 * HOUR)

    assert served(world, key=key) == flag(key=key, default=ON)


def test_a_segment_that_is_asked_for_stays(world):
    segment = Segment(key=SegmentKey("beta"), included=(Members(("ann",)),))
    world.app.segments.save(LIVE, segment, by="alice", why="", expected=NEW)
    save(world, flag(rules=(Rule(id="beta", condition=InSegment((segment.key,)), serve=ON),)), NEW)

    assert asked(world, targetingKey="ann") == ON
    assert asked(world, targetingKey="bob") == OFF
    with pytest.raises(RejectedError, match="flag new-checkout"):
        world.app.segments.delete(LIVE, segment.key, by="alice", why="", expected=1)
    save(world, flag(rules=(Rule(id="all", condition=EVERYBODY, serve=ON),)))
    world.app.segments.delete(LIVE, segment.key, by="alice", why="", expected=1)
    assert world.app.flag_views.list_segments(LIVE, after=None)["segments"] == []
