"""Two changes at the same instant never come to what one of them alone is refused for, whatever dies in between."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.application import flag_turns
from shared.application.flag_chunks import slot_of_flag
from shared.application.flag_turns import LAPSES_AFTER
from shared.bootstrap import Keeping
from shared.domain.errors import InvalidError, RejectedError, TryLaterError
from shared.domain.flags.managing.commands import NEW, Archive, Drive, Kill, Revive, SaveFlag, ScheduleChange, Unread
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.model import (
    Flag,
    InSegment,
    Prerequisite,
    Rule,
    Segment,
    SegmentRule,
    Target,
    Variant,
)
from shared.domain.names import FlagKey, SegmentKey, key_of_flag
from shared.wire import flag_snapshot_rows
from tests.scenario.kills import Killable, KilledError, Killer
from tests.scenario.test_flags import LIVE, asked
from tests.scenario.world import World
from tests.unit.domain.flags.managing.tale import EVERYONE, KEY, OFF, ON, ROLLOUT, flag

A, B = FlagKey("a"), FlagKey("b")
S, T = SegmentKey("s"), SegmentKey("t")
HOUR = timedelta(hours=1)
Change = Callable[[World], Any]


class Watched:
    """A port whose calls are counted; something of the test's happens just before the one of a number, once."""

    def __init__(self, inner: Any, counted: "Moment") -> None:
        self._inner = inner
        self._counted = counted

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._counted.comes(name)
            return found(*args, **kwargs)

        return call


class Moment:
    def __init__(self) -> None:
        self.number = 0
        self.name = ""
        self.then: Callable[[], Any] | None = None
        self.calls: list[str] = []

    def before(self, number: int, then: Callable[[], Any], name: str = "") -> None:
        """Do it before the call of this number from now on, of all calls or of those of a name."""
        self.number, self.then, self.name, self.calls = number, then, name, []

    def comes(self, name: str) -> None:
        if self.name in ("", name):
            self.calls.append(name)
        if len(self.calls) == self.number and self.then is not None:
            then, self.then = self.then, None
            then()


class Pair:
    """Two workers on one store: the first can be held up at any call that it makes."""

    def __init__(self, folder: Path) -> None:
        self.moment = Moment()
        self.second = World(folder, deploy_first=False)
        self.first = World(folder, deploy_first=False, clock=self.second.clock, change=self._watched)

    def _watched(self, keeping: Keeping) -> Keeping:
        ports = ("store", "markers", "snapshots")
        return replace(keeping, **{port: Watched(getattr(keeping, port), self.moment) for port in ports})

    def assert_all_is_served_and_right(self, within: timedelta = timedelta(0)) -> None:
        self.second.run_for(within)
        self.second.start()
        served = self.second.app.flags.served(LIVE)
        now = self.second.clock.now().timestamp()
        for key, published in served.content.flags.items():
            state = self.second.app.flag_changes.state(LIVE, key)
            assert (published.flag, state.effects) == (state.live, ())
            assert served.ruleset.evaluate(key, {"targetingKey": "ann"}, now=now, region="").error is None
            assert all(each.flag in served.content.flags for each in published.flag.prerequisites)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    monkeypatch.setattr(flag_turns, "LOOKS", 1)
    monkeypatch.setattr(flag_turns, "PAUSE_SECONDS", 0)
    return Pair(tmp_path)


def save(key: FlagKey, *needs: FlagKey, **changes: Any) -> Change:
    prerequisites = tuple(Prerequisite(needed, (ON,)) for needed in needs)
    wanted = flag(**{"key": key, "rules": (), "prerequisites": prerequisites, **changes})
    return lambda world: _tell(world, wanted)


def _tell(world: World, wanted: Flag) -> Any:
    expected = Unread.ANY if world.app.flag_changes.is_there(LIVE, wanted.key) else NEW
    command = SaveFlag(flag=wanted, by="alice", why="", expected=expected, id="c")
    return world.app.flag_changes.tell(LIVE, wanted.key, command)


def archive(key: FlagKey) -> Change:
    command = Archive(by="alice", why="", expected=Unread.ANY, id="a")
    return lambda world: world.app.flag_changes.tell(LIVE, key, command)


def segment(key: SegmentKey, *asks: SegmentKey) -> Change:
    rules = tuple(SegmentRule(condition=InSegment((each,))) for each in asks)

    def change(world: World) -> Any:
        expected = Unread.ANY if world.app.segments.is_there(LIVE, key) else NEW
        return world.app.segments.save(LIVE, Segment(key=key, rules=rules), by="a", why="", expected=expected)

    return change


def delete(key: SegmentKey) -> Change:
    return lambda world: world.app.segments.delete(LIVE, key, by="alice", why="", expected=Unread.ANY)


def asking(key: FlagKey, *segments: SegmentKey) -> Change:
    return save(key, rules=(Rule(id="r", condition=InSegment(segments), serve=ON),))


def long(key: FlagKey) -> Change:
    return save(key, targets=(Target(variant=ON, values=tuple(f"user-{number:0>20}" for number in range(1_000))),))


BESIDE_A = next(key for n in range(999) if slot_of_flag(key := FlagKey(f"b{n}")) == slot_of_flag(A))
RENAMED = (Variant(OFF, False), Variant("blue", True))  # type: ignore[arg-type]
THERE = (save(A), save(B), segment(S), segment(T))
CLASHES: dict[str, tuple[Change, Change]] = {
    "a circle of flags": (save(A, B), save(B, A)),
    "a flag that is archived": (archive(A), save(B, A)),
    "a variant that goes": (save(A, variants=RENAMED), save(B, A)),
    "a segment that is deleted": (delete(S), asking(A, S)),
    "a circle of segments": (segment(S, T), segment(T, S)),
    "a chunk that both fill": (long(A), long(BESIDE_A)),
}


def outcome(world: World, change: Change) -> str:
    try:
        change(world)
    except (InvalidError, RejectedError) as error:
        return str(error)
    except TryLaterError:
        return "later"
    return ""


@pytest.mark.parametrize(
    ("call", "number"),
    [("read_head", 1), ("move_head", 1), ("commit", 1), ("write_chunk", 1), ("move_head", 2), ("commit", 2)],
)
@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
@pytest.mark.parametrize("clash", CLASHES)
def test_of_two_changes_that_do_not_go_together_one_is_refused_wherever_they_meet(
    pair, monkeypatch, clash, turned, call, number
):
    monkeypatch.setattr(
        flag_snapshot_rows, "SPARE", flag_snapshot_rows.PIECE * flag_snapshot_rows.PIECES_AT_MOST - 50_000
    )
    for change in THERE:
        change(pair.second)
    one, other = CLASHES[clash][::-1] if turned else CLASHES[clash]
    came: list[str] = []
    pair.moment.before(number, lambda: came.append(outcome(pair.second, other)), call)

    first = outcome(pair.first, one)
    assert first != "later"
    if not came or came == ["later"]:
        came = [outcome(pair.second, other)]

    assert sorted(map(bool, (first, *came))) == [False, True], (first, came, pair.moment.calls)
    pair.assert_all_is_served_and_right()


def test_who_has_the_turn_too_long_cannot_commit_any_more_and_looks_again(pair):
    for change in THERE:
        change(pair.second)

    def much_later() -> None:
        pair.second.clock.time += LAPSES_AFTER
        save(B, A)(pair.second)

    pair.moment.before(1, much_later, "commit")
    with pytest.raises(InvalidError, match="circle: a -> b -> a"):
        save(A, B)(pair.first)
    pair.assert_all_is_served_and_right()


@pytest.mark.parametrize("other", [segment(T), save(B)])
@pytest.mark.parametrize("key", [KEY, FlagKey("a" * 256)])
def test_a_turn_of_a_flag_that_never_came_to_be_lapses(pair, key, other):
    def dies() -> None:
        raise KilledError

    pair.moment.before(1, dies, "commit")
    with pytest.raises(KilledError):
        save(key)(pair.first)
    with pytest.raises(TryLaterError, match="is being changed at this moment"):
        other(pair.second)
    pair.second.clock.time += LAPSES_AFTER
    other(pair.second)

    with pytest.raises(UnknownFlagError):
        pair.second.app.flag_views.flag(LIVE, key)
    with pytest.raises(UnknownFlagError):
        pair.second.app.flag_views.flag_history(LIVE, key, 0)
    assert save(key)(pair.second).revision == 1
    pair.assert_all_is_served_and_right()


def test_a_turn_by_a_clock_that_is_ahead_keeps_nobody_waiting_until_then(pair):
    def dies() -> None:
        raise KilledError

    pair.second.clock.time += HOUR
    pair.moment.before(1, dies, "commit")
    with pytest.raises(KilledError):
        save(A)(pair.first)
    pair.second.clock.time -= HOUR

    save(B)(pair.second)
    assert save(A)(pair.second).revision == 1
    pair.assert_all_is_served_and_right()


def test_what_a_worker_committed_before_it_died_is_looked_at_though_it_is_not_published_yet(pair):
    for change in THERE:
        change(pair.second)

    def dies() -> None:
        raise KilledError

    pair.moment.before(1, dies, "write_chunk")
    with pytest.raises(KilledError):
        save(A, B)(pair.first)
    with pytest.raises(InvalidError, match="circle: b -> a -> b"):
        save(B, A)(pair.second)
    pair.assert_all_is_served_and_right(within=timedelta(minutes=10))


@pytest.mark.parametrize("key", [A, B], ids=["the same", "another"])
def test_the_kill_switch_waits_for_no_turn(pair, key):
    for change in THERE:
        change(pair.second)
    served: list[str] = []

    def kill() -> None:
        pair.second.app.flag_changes.tell(LIVE, key, Kill(by="bob", why="it hurts"))
        flags = pair.second.app.flags.served(LIVE).content.plain_flags
        served.append(f"{key} {flags[key].killed}")

    pair.moment.before(1, kill, "commit")
    save(A, B)(pair.first)

    assert served == [f"{key} True"]
    flags = pair.second.app.flags.latest(LIVE).plain_flags
    assert flags[key].killed
    assert flags[A].prerequisites
    pair.assert_all_is_served_and_right()


@pytest.mark.parametrize("key", [A, KEY], ids=["the same", "another"])
def test_a_kill_ends_no_turn_but_that_of_its_own_flag(pair, key):
    for change in (*THERE, save(KEY)):
        change(pair.second)
    came: list[str] = []

    def kill_and_save() -> None:
        pair.second.app.flag_changes.tell(LIVE, key, Kill(by="bob", why="it hurts"))
        came.append(outcome(pair.second, save(B, A)))

    pair.moment.before(1, kill_and_save, "commit")
    came.append(outcome(pair.first, save(A, B)))

    if key == KEY:
        assert came == ["later", ""]
    else:
        assert (came[0], "circle" in came[1]) == ("", True)
    pair.assert_all_is_served_and_right()


def test_a_rollout_waits_for_no_turn_and_who_has_it_decides_again(pair):
    save(A, rules=(EVERYONE,))(pair.second)
    drive = Drive(rollout=ROLLOUT, rule="everyone", candidate=ON, stable=OFF, weight=5_000)
    pair.moment.before(1, lambda: pair.second.app.flag_changes.tell(LIVE, A, drive), "commit")

    with pytest.raises(RejectedError, match=ROLLOUT):
        save(A, rules=())(pair.first)
    pair.assert_all_is_served_and_right()


def test_killed_flags_form_no_circle_either(pair):
    for change in THERE:
        change(pair.second)
    for key in (A, B):
        pair.second.app.flag_changes.tell(LIVE, key, Kill(by="bob", why=""))
    pair.moment.before(1, lambda: save(B, A)(pair.second), "move_head")

    with pytest.raises(InvalidError, match="circle"):
        save(A, B)(pair.first)
    for key in (A, B):
        pair.second.app.flag_changes.tell(LIVE, key, Revive(by="bob", why=""))
    pair.assert_all_is_served_and_right()


def test_what_cannot_be_committed_keeps_nobody_waiting(pair):
    save(B)(pair.second)
    too_long = save(A, description="x" * 600_000)

    with pytest.raises(RejectedError, match="flag a, with what waits to change it, cannot be kept so"):
        too_long(pair.first)
    pair.second.keeping.snapshots.read_head(LIVE)
    save(B, owner="bob")(pair.second)
    pair.assert_all_is_served_and_right()


def test_a_scheduled_change_and_a_deletion_at_its_time_do_not_both_happen(pair):
    for change in THERE:
        change(pair.second)
    rules = (Rule(id="r", condition=InSegment((S,)), serve=ON),)
    at = pair.second.clock.now() + HOUR
    wanted = flag(key=A, rules=rules)
    command = ScheduleChange(flag=wanted, by="alice", why="", at=at, expected=1, id="sale")
    pair.second.app.flag_changes.tell(LIVE, A, command)
    pair.second.run_for(HOUR - timedelta(seconds=1))
    pair.moment.before(1, lambda: delete(S)(pair.second), "move_head")
    pair.first.run_for(timedelta(minutes=1))

    assert pair.moment.then is None
    last = pair.second.app.flag_views.flag_history(LIVE, A, 0)["events"][-1]
    assert (last["type"], "there is no segment 's'" in last["why"]) == ("ScheduledRefused", True)
    pair.assert_all_is_served_and_right()


def test_a_scheduled_change_that_there_is_no_room_for_is_refused_with_the_reason(pair, monkeypatch):
    save(A)(pair.second)
    at = pair.second.clock.now() + HOUR
    values = tuple(f"user-{number:0>20}" for number in range(1_000))
    wanted = flag(key=A, rules=(), targets=(Target(variant=ON, values=values),))
    command = ScheduleChange(flag=wanted, by="alice", why="", at=at, expected=1, id="sale")
    pair.second.app.flag_changes.tell(LIVE, A, command)
    long(BESIDE_A)(pair.second)
    monkeypatch.setattr(
        flag_snapshot_rows, "SPARE", flag_snapshot_rows.PIECE * flag_snapshot_rows.PIECES_AT_MOST - 50_000
    )
    pair.second.run_for(2 * HOUR)

    last = pair.second.app.flag_views.flag_history(LIVE, A, 0)["events"][-1]
    assert (last["type"], "there is no room for flag a so" in last["why"]) == ("ScheduledRefused", True)
    pair.assert_all_is_served_and_right()


def test_a_flag_that_was_killed_without_its_rules_is_revived_when_there_is_room_for_them(pair, monkeypatch):
    long(A)(pair.second)
    with monkeypatch.context() as narrow:
        narrow.setattr(flag_snapshot_rows, "PIECE", 200)
        pair.second.app.flag_changes.tell(LIVE, A, Kill(by="bob", why="it hurts"))
        assert pair.second.app.flags.latest(LIVE).plain_flags[A].targets == ()
        with pytest.raises(RejectedError, match="no room for flag a so"):
            pair.second.app.flag_changes.tell(LIVE, A, Revive(by="bob", why="mended"))
        assert pair.second.app.flag_changes.state(LIVE, A).flag.killed

    pair.second.app.flag_changes.tell(LIVE, A, Revive(by="bob", why="mended"))
    assert pair.second.app.flags.latest(LIVE).plain_flags[A].targets
    pair.assert_all_is_served_and_right()


def test_what_becomes_shorter_is_saved_though_there_is_no_room(pair, monkeypatch):
    long(A)(pair.second)
    monkeypatch.setattr(
        flag_snapshot_rows, "SPARE", flag_snapshot_rows.PIECE * flag_snapshot_rows.PIECES_AT_MOST - 10_000
    )

    with pytest.raises(RejectedError, match="no room for flag"):
        save(BESIDE_A)(pair.second)
    drive = Drive(rollout=ROLLOUT, rule=None, candidate=ON, stable=OFF, weight=5_000)
    pair.second.app.flag_changes.tell(LIVE, A, drive)
    pair.assert_all_is_served_and_right()
    save(A, default=pair.second.app.flag_changes.state(LIVE, A).flag.default)(pair.second)
    pair.assert_all_is_served_and_right()


def test_many_who_save_flags_that_need_one_another_all_get_their_turn(tmp_path):
    worlds = [World(tmp_path, deploy_first=False)]
    worlds += [World(tmp_path, deploy_first=False, clock=worlds[0].clock) for _ in range(3)]
    save(KEY)(worlds[0])

    def import_some(number: int) -> None:
        for at in range(4):
            change = save(FlagKey(f"f{number}-{at}"), KEY, *([FlagKey(f"f{number}-{at - 1}")] if at else []))
            while outcome(worlds[number], change) == "later":
                pass

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(import_some, range(4)))
    assert len(worlds[0].app.flags.latest(LIVE).flags) == 17
    assert asked(worlds[0], targetingKey="ann") == OFF
    assert worlds[0].keeping.snapshots.read_head(LIVE).turn is None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_segment_that_is_deleted_while_a_worker_dies_is_gone_or_there(tmp_path, at, after):
    killer = Killer()

    def change(keeping: Keeping) -> Keeping:
        return replace(
            keeping,
            store=Killable(keeping.store, killer, "commit"),
            markers=Killable(keeping.markers, killer, "open", "close"),
            snapshots=Killable(keeping.snapshots, killer, "write_chunk", "move_head", "prune"),
        )

    world = World(tmp_path, deploy_first=False, change=change)
    segment(S)(world)
    killer.calls.clear()
    killer.at, killer.after = at, after
    try:
        delete(S)(world)
    except KilledError:
        killer.at = None
        world.start()
    world.run_for(timedelta(minutes=10))

    state = world.app.segments._state(LIVE, S)
    listed = world.app.flag_views.list_segments(LIVE, after=None)["segments"]
    assert (bool(listed), state.effects) == (state.segment is not None, ())
    asked_for = outcome(world, asking(A, S))
    assert bool(asked_for) is (state.segment is None), asked_for
    loaded = world.keeping.store.load(key_of_flag(LIVE, A))
    assert loaded.outbox == ()
