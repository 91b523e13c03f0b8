"""Workers whose clocks differ from the broker's: a wake-up that came is handled, and does not go round in circles."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.flags.managing.commands import ScheduleChange
from tests.scenario.flag_world import GREEN, KEY, LIVE, FlagWorld, checkout
from tests.scenario.world import SPEC, World


@pytest.mark.parametrize("ahead", [0.4, 2.0])
def test_a_broker_whose_clock_is_ahead_makes_no_storm_of_wake_ups(tmp_path, ahead):
    on_time = deliveries_of(made(tmp_path / "even"))
    world = made(tmp_path / "ahead")

    world.broker._now = lambda: world.clock.time + timedelta(seconds=ahead)

    assert deliveries_of(world) <= 1.2 * on_time


def test_a_broker_whose_clock_is_ahead_changes_a_flag_by_one_wake_up(tmp_path):
    world = FlagWorld(tmp_path, SPEC, flag=checkout())
    world.broker._now = lambda: world.clock.time + timedelta(seconds=2)
    at = world.clock.now() + timedelta(seconds=30)
    later = ScheduleChange(flag=checkout(default=GREEN), by="alice", why="", at=at, expected=1, id="sale")
    world.app.flag_changes.tell(LIVE, KEY, later)
    count = counting(world)

    for _ in range(40):  # to the very second at which the broker's clock gets there, and the worker's does not
        world.run_for(timedelta(seconds=1))

    assert world.flag.default == GREEN
    assert len(count) <= 3


def made(folder: Path) -> World:
    folder.mkdir()
    return World(folder)


def deliveries_of(world: World) -> int:
    """Let a rollout succeed, and count what was delivered for it."""
    count = counting(world)
    rollout = world.deploy("2")
    assert world.run_to_end(rollout) == "succeeded"
    return len(count)


def counting(world: World) -> list[str]:
    """Return a list to which the session of each delivery is added, and which never gets long."""
    sessions: list[str] = []
    receive = world.broker.receive

    def counted(*args, **options):
        delivery = receive(*args, **options)
        if delivery is not None:
            sessions.append(options["session"])
        assert len(sessions) < 1_000, "wake-ups go round in circles"
        return delivery

    world.broker.receive = counted
    return sessions
