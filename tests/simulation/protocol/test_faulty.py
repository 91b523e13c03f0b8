"""Each kind of fault does what it is called, at every call that it may hit, and is counted only where it did."""

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.faults import EVERY_CALL, FREEZES, KINDS
from tests.simulation.protocol.outcome import run
from tests.simulation.protocol.quick import quickly
from tests.simulation.protocol.schedule import Fault, Move, Recipe, Schedule
from tests.simulation.protocol.simulation import Simulation

NEVER_CALLED = {"index.page"}
"""Alerts come by the name of their application here: none is looked for by its resource."""
SEEDS = 80
"""In so few schedules without a fault every call is made, save those that need somebody's bad timing."""
BAD_TIMING = Schedule(
    apps=(Recipe(strategy="short", previews=True),),
    moves=(
        Move(kind="deploy", at=1.0, args=("2",)),
        Move(kind="override", before="promoter.read_preview 4", args=("abort",)),
    ),
)
LONG = 300.0
TRIES = 12


class Listening(Simulation):
    """Counts the calls of each method, and those that are made for a message."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(schedule)
        self.made: Counter[str] = Counter()
        self.for_messages: Counter[str] = Counter()

    def carry_out(self, task: Any, method: str, do: Any, args: Any, options: Any) -> Any:
        if task is not None and self.storming:
            self.made[method] += 1
            self.for_messages[method] += task.delivery is not None
        return super().carry_out(task, method, do, args, options)


@cache
def stories() -> dict[str, Listening]:
    """Return for each method the world with the fewest calls in which it was called, for a message if it ever is."""
    best: dict[str, Listening] = {}
    with quickly():
        for schedule in (BAD_TIMING, *map(draw, range(1, SEEDS))):
            if best.keys() >= set(EVERY_CALL) - NEVER_CALLED and schedule.seed > 30:
                break
            world = Listening(replace(schedule, faults=(), switches=()))
            world.run()
            for method in world.made:
                known = best.get(method)
                if known is None or _rank(world, method) < _rank(known, method):
                    best[method] = world
    return best


def _rank(world: Listening, method: str) -> tuple[bool, int]:
    return (not world.for_messages[method], world.calls)


def met(schedule: Schedule, kind: str) -> int:
    return sum(count for (_, _, met_by), count in run(schedule).coverage.items() if met_by == kind)


def test_every_call_that_may_be_hit_is_made():
    assert stories().keys() == set(EVERY_CALL) - NEVER_CALLED


@pytest.mark.parametrize("method", sorted({*EVERY_CALL} - NEVER_CALLED))
def test_every_fault_that_may_be_drawn_happens(method):
    world = stories()[method]
    never = set() if world.for_messages[method] else {"lose lock", *FREEZES}
    missing = {
        kind
        for kind in KINDS[method]
        if not any(
            met(replace(world.schedule, faults=(Fault(method=method, nth=nth, kind=kind, seconds=LONG),)), kind)
            for nth in range(1, min(world.made[method], TRIES) + 1)
        )
    }
    assert missing == never & set(KINDS[method])


@pytest.mark.parametrize("kind", ["lose lock", *FREEZES])
def test_what_only_a_message_can_lose_is_not_counted_for_a_request(kind):
    faults = (Fault(method="store.accept", nth=1, kind=kind, seconds=LONG),)
    schedule = Schedule(moves=(Move(kind="deploy", at=1.0, args=("2",)),), faults=faults)
    assert met(schedule, kind) == 0
    assert met(schedule, kind.replace("freeze", "stall")) == (kind in FREEZES)


def test_a_freeze_that_ends_before_the_lock_does_is_a_stall():
    fault = Fault(method="store.commit", nth=4, kind="freeze before", seconds=1.0)
    schedule = Schedule(moves=(Move(kind="deploy", at=1.0, args=("2",)),), faults=(fault,))
    assert (met(schedule, "freeze before"), met(schedule, "stall before")) == (0, 1)
    longer = replace(schedule, faults=(replace(fault, seconds=LONG),))
    assert (met(longer, "freeze before"), met(longer, "stall before")) == (1, 0)


def test_an_answer_that_never_was_is_not_lost():
    """Of two faults at one call the second leaves nothing for the first one to lose."""
    at = {"method": "store.commit", "nth": 5}
    faults = (Fault(**at, kind="lose answer"), Fault(**at, kind="conflict"))
    schedule = Schedule(moves=(Move(kind="deploy", at=1.0, args=("2",)),), faults=faults)
    assert (met(schedule, "lose answer"), met(schedule, "conflict")) == (0, 1)
