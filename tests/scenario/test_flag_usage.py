"""Flags that nobody asks for any more are found, and those that somebody does are not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from shared.application.flag_usage import REST_SECONDS, UsageNotes
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.flags.managing.commands import Archive, Kill, SaveFlag, Unread
from shared.domain.flags.model import Flag, Prerequisite, Share, Split
from shared.domain.names import EnvironmentName, FlagKey
from tests.scenario.world import World
from tests.unit.domain.flags.managing.tale import KEY, OFF, ON, flag

LIVE = EnvironmentName("production")
DAY = timedelta(days=1)
HALF = Split(shares=(Share(ON, 50_000), Share(OFF, 50_000)), seed="a")
CONTEXT = {"targetingKey": "ann"}


def save(world: World, wanted: Flag) -> None:
    command = SaveFlag(flag=wanted, by="alice", why="", expected=Unread.UNSAID, id=f"c-{wanted.key}")
    world.app.flag_changes.tell(LIVE, wanted.key, command)


def unasked(world: World) -> list[str]:
    """The flags that the list says nobody asked for."""
    page = world.app.flag_views.list_flags(LIVE, after=None, tag=None, stale=True)
    return [line["key"] for line in page["flags"] if "not-evaluated" in [each["why"] for each in line["stale"]]]


def wait(world: World, days: int) -> None:
    world.clock.time += days * DAY
    world.start()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, deploy_first=False)
    save(world, replace(flag(), default=HALF))
    return world


def test_a_flag_is_stale_when_nobody_has_asked_for_it_for_two_weeks(world):
    wait(world, 13)
    assert unasked(world) == []
    wait(world, 2)
    assert unasked(world) == [KEY]


def test_an_evaluation_counts_for_two_weeks_also_in_a_worker_that_began_later(world):
    wait(world, 15)
    assert world.app.evaluations.one(LIVE, KEY, CONTEXT) is not None
    assert unasked(world) == []
    wait(world, 13)
    assert unasked(world) == []
    wait(world, 3)
    assert unasked(world) == [KEY]


def test_who_asks_for_all_flags_may_need_any_of_them(world):
    wait(world, 15)
    world.app.evaluations.all(LIVE, CONTEXT)
    assert unasked(world) == []


def test_a_flag_that_another_one_needs_is_asked_for_with_it(world):
    child = replace(flag(), key=FlagKey("child"), default=HALF, prerequisites=(Prerequisite(KEY, (ON,)),))
    save(world, child)
    wait(world, 15)
    assert unasked(world) == ["child"]


def test_a_flag_that_is_not_there_is_noted_nowhere(world):
    assert world.app.evaluations.one(LIVE, FlagKey("no-such-flag"), CONTEXT) is None
    assert world.keeping.usage.last_days(LIVE, [FlagKey("no-such-flag")]) == {}


def test_one_flag_is_noted_once_a_day_whoever_asks(world, monkeypatch):
    noted = []
    monkeypatch.setattr(world.keeping.usage, "mark", lambda *what: noted.append(what))
    for _ in range(3):
        world.app.evaluations.one(LIVE, KEY, CONTEXT)
    world.clock.time += DAY
    world.app.evaluations.one(LIVE, KEY, CONTEXT)
    assert [key for _, key, _ in noted] == [KEY, KEY]


def test_an_evaluation_does_not_fail_for_a_note(world, monkeypatch, caplog):
    def fail(*_what: object) -> None:
        raise TryLaterError("the store is busy")

    monkeypatch.setattr(world.keeping.usage, "mark", fail)
    assert world.app.evaluations.one(LIVE, KEY, CONTEXT) is not None
    assert "is not noted yet: the store is busy" in caplog.text


def test_while_the_store_is_unwell_few_evaluations_wait_for_it_and_what_was_not_noted_is_so_later():
    tried: list[FlagKey] = []
    now = [0.0]

    class Usage:
        def mark(self, _environment: EnvironmentName, key: FlagKey, _day: object) -> None:
            tried.append(key)
            if now[0] < REST_SECONDS:
                raise TryLaterError("the store is busy")

    notes = UsageNotes(Usage(), seconds=lambda: now[0])
    for moment in (0.0, REST_SECONDS - 1, REST_SECONDS, REST_SECONDS):
        now[0] = moment
        for key in ("a", "b"):
            notes.note(LIVE, FlagKey(key), date(2026, 11, 24))
    assert tried == ["a", "a", "b"]


def test_a_flag_that_can_never_be_noted_keeps_no_other_from_being_noted():
    noted: list[FlagKey] = []

    class Usage:
        def mark(self, _environment: EnvironmentName, key: FlagKey, _day: object) -> None:
            if key == "too-long":
                raise RejectedError("a key takes 1 KiB")
            noted.append(key)

    notes = UsageNotes(Usage())
    for key in ("too-long", "a"):
        notes.note(LIVE, FlagKey(key), date(2026, 11, 24))
    assert noted == ["a"]


def test_nothing_is_kept_of_the_use_of_a_flag_that_is_archived(world):
    def last_day() -> object:
        return world.keeping.usage.last_days(LIVE, [KEY]).get(KEY)

    world.app.evaluations.one(LIVE, KEY, CONTEXT)
    assert last_day() == world.clock.now().date()
    world.app.flag_changes.tell(LIVE, KEY, Kill(by="alice", why=""))
    assert last_day() is not None

    world.app.flag_changes.tell(LIVE, KEY, Archive(by="alice", why="done", expected=Unread.ANY, id="a"))
    assert last_day() is None
