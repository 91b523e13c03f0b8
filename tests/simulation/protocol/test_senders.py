"""What users met, pushed in a simulated world: rollouts rest on it, and wait while nobody says anything."""

from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import traced
from tests.simulation.protocol.schedule import Fault, Move, Recipe, Schedule

PUSHED = (Recipe(strategy="short", pushed=True),)
SILENT = tuple(Move(kind="sender", at=0.5, args=(sender, "silent")) for sender in ("a", "b"))


def story(*moves: Move, errors: float = 0.0, faults: tuple[Fault, ...] = ()) -> tuple[tuple[str, ...], list[str]]:
    """Return the phases of what ended, and what was told."""
    deploy = Move(kind="deploy", at=1.0, args=("2", errors))
    outcome, lines = traced(Schedule(apps=PUSHED, moves=(deploy, *moves), faults=faults, storm=900.0))
    assert outcome.law == "", outcome.told
    return outcome.ended, lines


def first(lines: list[str], what: str) -> float:
    return next(float(line.split()[0]) for line in lines if what in line.split())


def test_a_rollout_advances_on_what_is_pushed_and_goes_back_by_it():
    assert story()[0] == ("succeeded",)
    assert story(errors=0.5)[0] == ("rolled-back",)


def test_while_every_sender_is_silent_nothing_advances():
    back = tuple(Move(kind="sender", at=600.0, args=(sender, "well")) for sender in ("a", "b"))
    assert first(story(*SILENT, *back)[1], "StepPassed") > 600 > first(story()[1], "StepPassed")


def test_a_window_waits_for_who_is_late_until_its_time_is_over():
    late = Move(kind="sender", at=70.0, args=("b", "late"))
    assert first(story()[1], "StepPassed") < 124
    assert 180 <= first(story(late)[1], "StepPassed") < 190


def test_what_is_sent_twice_or_was_stored_unheard_counts_once():
    repeat = Move(kind="sender", at=90.0, args=("a", "repeat"))
    unheard = Fault(method="observations.add", nth=2, kind="lose answer")
    assert story(repeat, faults=(unheard,))[0] == ("succeeded",)


def test_in_some_schedules_it_is_pushed_and_in_most_it_is_read():
    pushed = [any(recipe.pushed for recipe in draw(seed).apps) for seed in range(1, 401)]
    assert 15 < sum(pushed) < 70
