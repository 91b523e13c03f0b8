"""Six cells of the table, few runs and fixed seeds: enough to see when a promise breaks, with room for chance."""

import os

import pytest

from tests.simulation.judgement.campaign import run_cells
from tests.simulation.judgement.cells import SHORT_WINDOW, Cell
from tests.simulation.judgement.figures import Figures

RUNS = 200
SEED = 20
FALSE = 5 / RUNS
"""At a true share of 1 %, more than five of 200 are seen in 2 % of the seeds."""


def figures(cell: Cell) -> Figures:
    row = next(run_cells([cell], seed=SEED, runs=RUNS, jobs=min(2, os.cpu_count() or 1)))
    return row.figures


@pytest.mark.slow
def test_a_candidate_that_is_stable_again_is_promoted_in_nine_minutes():
    found = figures(Cell("aa"))
    assert found.rolled_back <= FALSE
    assert found.promoted >= 0.98
    assert found.minutes_to_promotion <= 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cold2", "null_edge_clusters"])
def test_neither_a_cold_start_nor_clusters_on_the_edge_of_the_tolerance_take_a_candidate_back(name):
    assert figures(Cell(name)).rolled_back <= FALSE


@pytest.mark.slow
def test_short_windows_take_back_a_total_failure_before_twenty_users_met_it():
    found = figures(Cell("total", 0.001, window_seconds=SHORT_WINDOW, lag=0, ramp="1"))
    assert found.rolled_back == 1
    assert found.harmed <= 20


@pytest.mark.slow
def test_five_times_the_errors_are_found_within_750_requests():
    found = figures(Cell("x5"))
    assert found.rolled_back == 1
    assert found.requests_to_rollback <= 750
    assert found.harmed <= 33


@pytest.mark.slow
def test_a_slow_burn_is_always_found():
    found = figures(Cell("slow_burn", 0.001))
    assert found.rolled_back == 1
    assert found.harmed <= 30
