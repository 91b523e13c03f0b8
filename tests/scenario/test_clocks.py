"""Workers whose clocks differ from the broker's: a wake-up that came is handled, and does not go round in circles."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenario.world import World


@pytest.mark.parametrize("ahead", [0.4, 2.0])
def test_a_broker_whose_clock_is_ahead_makes_no_storm_of_wake_ups(tmp_path, ahead):
    on_time = deliveries_of(made(tmp_path / "even"))
    world = made(tmp_path / "ahead")

    world.broker._now = lambda: world.clock.time + timedelta(seconds=ahead)

    assert deliveries_of(world) <= 1.2 * on_time


def made(folder: Path) -> World:
    folder.mkdir()
    return World(folder)


def deliveries_of(world: World) -> int:
    """Let a rollout succeed, and count what was delivered for it."""
    count = 0
    receive = world.broker.receive

    def counted(*args, **options):
        nonlocal count
        delivery = receive(*args, **options)
        count += delivery is not None
        assert count < 1_000, "wake-ups go round in circles"
        return delivery

    world.broker.receive = counted
    rollout = world.deploy("2")
    assert world.run_to_end(rollout) == "succeeded"
    return count
