"""A release of several applications whose workers die: nothing is lost, and nothing happens twice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.bootstrap import Keeping
from shared.domain.names import application_key, release_key
from tests.scenario.kills import Killable, KilledError
from tests.scenario.together_world import WHOLE, TogetherWorld

TWO = ("db", "web")
STEPS = {"db": "[50]", "web": "[50]"}


class Reaper:
    """Ends the worker at every n-th call that writes something, by turns before and after it is carried out."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.count = 0
        self.killed: list[tuple[str, str]] = []
        self.is_awake = False

    def call(self, name: str, do: Callable[[], Any]) -> Any:
        if not self.is_awake:
            return do()
        self.count += 1
        if self.count % self.every:
            return do()
        moment = "after" if len(self.killed) % 2 else "before"
        self.killed.append((name, moment))
        if moment == "after":
            do()
        raise KilledError(name)


def reaped(reaper: Reaper) -> Callable[[Keeping], Keeping]:
    def change(keeping: Keeping) -> Keeping:
        return replace(
            keeping,
            store=Killable(keeping.store, reaper, "commit", "accept"),
            markers=Killable(keeping.markers, reaper, "open", "put_off", "close"),
            queue=Killable(keeping.queue, reaper, "send"),
        )

    return change


def released(folder, reaper: Reaper) -> TogetherWorld:
    world = TogetherWorld(folder, *TWO, steps=STEPS, change=reaped(reaper))
    world.release()
    reaper.is_awake = True
    return world


def assert_whole(world: TogetherWorld) -> None:
    """History has no gaps, every inbox is empty, and nothing was laid aside."""
    for key in (release_key(WHOLE), *(application_key(name) for name in TWO)):
        loaded = world.keeping.store.load(key)
        assert loaded.inbox == loaded.outbox == ()
        numbers = [entry.sequence for entry in world.keeping.store.history(key, after=0, up_to=9_999, limit=9_999)]
        assert numbers == list(range(1, len(numbers) + 1))
    assert world.letters() == []


def happened_in(world: TogetherWorld) -> list[str]:
    return [line["type"] for line in world.lines()]


@pytest.mark.parametrize("every", [7, 11, 18])
def test_workers_that_die_again_and_again_change_nothing_about_a_good_end(tmp_path, every):
    reaper = Reaper(every)
    world = released(tmp_path, reaper)

    assert world.run_to_the_end() == "succeeded"
    reaper.is_awake = False
    world.settle()
    assert len(reaper.killed) > 5
    assert world.served() == {"db": "2", "web": "2"}
    assert [call.method for call in world.site.calls].count("begin_swap") == 1
    assert [line["stage"] for line in world.lines() if line["type"] == "StageOpened"] == [
        "weight 1",
        "the promotion",
        "the end",
    ]
    assert_whole(world)


@pytest.mark.parametrize("every", [7, 11])
def test_workers_that_die_again_and_again_change_nothing_about_the_way_back(tmp_path, every):
    reaper = Reaper(every)
    world = released(tmp_path, reaper)
    world.run_until(lambda: world.whole()["opened"] == "the promotion" and world.served()["db"] == "2")
    world.hurt("db")

    assert world.run_to_the_end() == "rolled-back"
    reaper.is_awake = False
    world.settle()
    assert world.served() == {"db": "1", "web": "1"}
    assert set(world.shares().values()) == {0}
    assert happened_in(world).count("TakingBackBegun") == happened_in(world).count("ReleaseEnded") == 1
    assert_whole(world)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_door_that_dies_before_it_answers_is_asked_again_and_begins_one_release(tmp_path, at):
    reaper = Reaper(at)
    world = TogetherWorld(tmp_path, *TWO, steps=STEPS, change=reaped(reaper))
    reaper.is_awake = True
    with pytest.raises(KilledError):
        world.release()
    reaper.is_awake = False
    world.release()

    assert world.run_to_the_end() == "succeeded"
    assert happened_in(world).count("ReleaseBegun") == 1
