"""A world on a virtual clock that begins now, so that an API on the same files lives in the same time."""

from datetime import UTC, datetime
from pathlib import Path

from tests.scenario.world import World


def present_world(folder: Path) -> World:
    """A world whose time is the present; what it runs takes it into the future."""
    world = World(folder)
    world.clock.time = world.swept = datetime.now(UTC)
    return world


def settle(world: World) -> None:
    """Deliver what was accepted through the API, whose clock may be ahead."""
    world.clock.time = max(world.clock.time, datetime.now(UTC))
    world.settle()
