"""What could be reached is told from the rules, not from what was, so that what is missing is seen."""

import pytest

from shared.domain.rollout.state import Phase
from tests.simulation.protocol.campaign import run_seeds
from tests.simulation.protocol.faults import KINDS
from tests.simulation.protocol.reachable import filled, never_reached, reachable, told


@pytest.fixture(scope="module")
def reached():
    return run_seeds(range(1, 61)).coverage


def test_nothing_is_reached_that_cannot_be(reached):
    assert reached.keys() - reachable() == set()


def test_what_was_reached_and_what_was_not_is_all_that_could_be(reached):
    number, possible = filled(reached)
    assert 0 < number < possible
    assert number + len(never_reached(reached)) == possible


def test_no_cell_is_of_a_rollout_that_has_ended():
    assert {phase for phase, _, _ in reachable()}.isdisjoint(phase for phase in Phase if phase.is_terminal)


def test_every_kind_of_fault_can_meet_some_command():
    assert {kind for _, _, kind in reachable()} == {"none"}.union(*KINDS.values())


def test_people_read_what_was_decided_nowhere_and_hit_by_nothing_or_little():
    missing = {
        *(cell for cell in reachable() if cell[1] == "TakeBack"),
        ("paused", "Tick", "none"),
        ("paused", "Tick", "conflict"),
        *(cell for cell in reachable() if cell[1] == "sweep" and cell[2] != "refuse"),
        *(cell for cell in reachable() if cell[1:] == ("delivery", "delay")),
    }
    lines = told(missing)
    assert lines.count("  TakeBack  never") == 2
    assert "  Tick      not paused" in lines
    assert "  sweep     only refuse" in lines
    assert "  delivery  not delay" in lines
    assert not any("conflict" in line for line in lines), "a command that was hit by it in other phases was hit"


def test_people_read_that_nothing_is_missing():
    assert told(()).count("  all of them") == 2
