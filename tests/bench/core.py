"""The pure core: every decision of a whole release, taken again and again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from shared.application import drive
from tests.bench.measurement import Measurement, summarize, timed
from tests.scenario.world import World

ROUNDS = 100


def measure(folder: Path) -> Iterator[Measurement]:
    """Record what a promotion of three steps asks of the core, then ask it `ROUNDS` times."""
    folder.mkdir()
    with recorded_decisions() as decisions:
        world = World(folder)
        ended = world.run_to_end(world.deploy("2"))
        assert ended == "succeeded", ended
    note = f"the {len(decisions)} decisions of a promotion in three steps, {ROUNDS} times"
    yield summarize("decide, evolve and react in the pure core", timed(decisions * ROUNDS), note=note)


@contextmanager
def recorded_decisions() -> Iterator[list[Callable[[], object]]]:
    """Collect each decision that is taken inside, so that it can be taken again with the same arguments."""
    original, found = drive.decide, []

    def recording(*arguments: object, **named: object) -> object:
        found.append(partial(original, *arguments, **named))
        return original(*arguments, **named)

    drive.decide = recording
    try:
        yield found
    finally:
        drive.decide = original
