"""Release windows in a simulated world: what they hold goes on by itself, or by a person where none ever opens."""

import pytest

from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import traced
from tests.simulation.protocol.schedule import Move, Recipe, Schedule

DEPLOY = Move(kind="deploy", at=1.0, args=("2",))


def story(windows: str, *, people_finish: bool = False, moves: tuple[Move, ...] = (DEPLOY,)) -> tuple[str, list[str]]:
    """Return the phases of what ended, and what was told."""
    recipe = Recipe(windows=windows)
    outcome, lines = traced(Schedule(apps=(recipe,), moves=moves, people_finish=people_finish))
    assert outcome.law == "", outcome.told
    return ", ".join(outcome.ended), lines


def told(lines: list[str], what: str) -> list[str]:
    return [line for line in lines if what in line.split()]


@pytest.mark.parametrize("windows", ["half hours", "soon", "freeze", "no promotion", "starts", "steps"])
def test_what_waits_for_a_window_goes_on_by_itself_once_it_opens(windows):
    ended, lines = story(windows)
    assert (ended, bool(told(lines, "RolloutHeld"))) == ("succeeded", True)


def test_behind_the_last_window_nothing_goes_on_until_a_person_says_so():
    assert story("over")[0] == ""
    assert story("over", people_finish=True)[0] == "succeeded"


def test_a_start_that_a_window_holds_begins_when_a_person_lets_it_pass_or_the_calendar_is_changed():
    skip = Move(kind="override", at=20.0, args=("skip",))
    cleared = Move(kind="calendar", at=20.0, args=("none",))
    for move, said in ((skip, "WindowSkipped"), (cleared, "SpecAccepted")):
        lines = story("soon", moves=(DEPLOY, move))[1]
        begins = told(lines, "RolloutStarted")[0]
        assert float(begins.split()[0]) < 30
        assert told(lines, said)


def test_some_schedules_have_windows_and_most_have_none():
    with_windows = [any(recipe.windows != "none" for recipe in draw(seed).apps) for seed in range(1, 301)]
    assert 30 < sum(with_windows) < 120


def test_a_schedule_that_was_kept_before_there_were_windows_has_none():
    kept = Schedule.from_json('{"apps": [{"strategy": "short"}], "moves": [], "faults": []}')
    assert kept.apps == (Recipe(strategy="short", windows="none"),)
