"""Flags as targets in a simulated world: users follow what is served, and everybody gets a turn."""

from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import run, traced
from tests.simulation.protocol.schedule import Fault, Move, Recipe, Schedule
from tests.simulation.protocol.simulated_flags import BLUE, GREEN, flag_of, share_of
from tests.simulation.protocol.simulation import Simulation

DEPLOY = Move(kind="deploy", at=1.0, args=("2",))
FLAG = (Recipe(strategy="short", targets=("flag",), warm_minutes=30),)


def world(*moves: Move, faults: tuple[Fault, ...] = ()) -> Simulation:
    """A world whose story is over."""
    simulation = Simulation(Schedule(apps=FLAG, moves=(DEPLOY, *moves), faults=faults))
    simulation.run()
    return simulation


def given(simulation: Simulation) -> int:
    """Return how many users get the new variant."""
    served = simulation.flags.served(flag_of(simulation.specs[0].application))
    assert served is not None
    assert share_of(served.flag, BLUE) + share_of(served.flag, GREEN) == 100_000
    return share_of(served.flag, GREEN)


def test_a_flag_is_ramped_to_everybody_and_taken_back_from_everybody():
    assert given(world()) == 100_000
    assert given(world(Move(kind="alert", at=100.0, args=(True,)))) == 0
    assert given(world(Move(kind="override", at=600.0, args=("rollback",)))) == 0


def test_a_kill_takes_the_rollout_back():
    killed = world(Move(kind="flag", at=60.0, args=("kill",)))
    assert (given(killed), list(killed.watch.over.values())) == (0, ["rolled-back"])


def test_who_changes_flags_at_once_gets_turns_one_after_the_other():
    save = Move(kind="flag", before="flags.commit 1", args=("save another",))
    own = Move(kind="flag", at=0.5, args=("save",))
    stalled = Fault(method="flags.commit", nth=1, kind="stall before", seconds=1.0)
    schedule = Schedule(apps=FLAG, moves=(own, save), faults=(stalled,))
    lines = traced(schedule)[1]
    assert any("flag save another" in line and "store.load" in line and "shop" in line for line in lines), "it waits"
    assert run(schedule).law == ""


def test_some_schedules_have_flags_and_most_have_none():
    with_flags = [any("flag" in recipe.targets for recipe in draw(seed).apps) for seed in range(1, 401)]
    assert 20 < sum(with_flags) < 100
