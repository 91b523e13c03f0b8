"""Small bounds of the model, searched to the last state; `make model` searches larger ones."""

import pytest

from tests.simulation.model.moves import Faults
from tests.simulation.model.report import trace_of
from tests.simulation.model.scenarios import SCENARIOS, check

STARTS = SCENARIOS["it starts, and an alert fires"]
SWAPPED = SCENARIOS["it is swapped, a person aborts, and an alert fires"]
HURTS = SCENARIOS["it is deployed, and hurts its users after a while"]
TWO_TARGETS = SCENARIOS["it starts at two targets, and an alert fires"]
SUCCEEDS = SCENARIOS["it succeeds, and an alert fires twice"]
BOUNDS = (
    (STARTS, Faults(), ()),
    (STARTS, Faults(crashes=1), ("alert",)),
    (SWAPPED, Faults(), ()),
    (SUCCEEDS, Faults(), ()),
    (HURTS, Faults(crashes=1), ()),
    (TWO_TARGETS, Faults(crashes=1), ("alert",)),
)


@pytest.mark.parametrize(
    ("scenario", "faults", "without"), BOUNDS, ids=lambda each: getattr(each, "name", None) or str(each)
)
def test_no_interleaving_breaks_a_law(scenario, faults, without):
    found = check(scenario, faults, without=without)

    assert found.broken is None, trace_of(found)
    assert found.is_whole
    assert found.ends > 0


def test_the_order_of_things_decides_how_it_ends_and_nothing_else():
    found = check(STARTS, Faults())

    assert set(found.phases) == {("rolled-back",), ("succeeded",)}


def test_who_hurts_users_after_a_good_window_is_taken_back_whatever_happens():
    found = check(HURTS, Faults(crashes=1))

    assert set(found.phases) == {("rolled-back",)}


def test_a_search_that_was_cut_short_says_so():
    found = check(STARTS, Faults(), at_most=500)

    assert not found.is_whole
    assert found.broken is None


def test_equal_states_are_found_by_every_run():
    first, second = (check(STARTS, Faults(), without=("alert",)) for _ in range(2))

    assert (first.states, first.transitions, first.depth) == (second.states, second.transitions, second.depth)
