"""Who answered which requests how fast, in bounded memory, and kept over a restart."""

import pytest

from local.cloud.journal import Journal
from local.cloud.ledger import EDGES_MS, Kind, Ledger
from local.cloud.meter import REACH_SECONDS, Meter, Tally

NOON = 1_800_000_000
GOOD = Kind("production", "1", 2, at_edge=True)
BAD = Kind("candidate", "2", 5, at_edge=True)


def test_answers_are_told_apart_by_what_they_have_in_common():
    ledger = Ledger()
    ledger.count(NOON + 0.5, GOOD, 0.02)
    ledger.count(NOON + 1.5, GOOD, 0.03)
    ledger.count(NOON + 1.5, BAD, 0.2)

    found = ledger.between(NOON, NOON + 2)

    assert {kind: heap.requests for kind, heap in found.items()} == {GOOD: 2, BAD: 1}
    assert found[GOOD].busy == pytest.approx(0.05)


@pytest.mark.parametrize(("took", "edge"), [(0.0, 5), (0.005, 5), (0.0051, 10), (0.25, 250), (10.0, 10000)])
def test_a_response_time_belongs_to_the_least_edge_that_is_not_below_it(took, edge):
    ledger = Ledger()

    ledger.count(NOON, GOOD, took)

    assert ledger.between(NOON, NOON + 1)[GOOD].by_time[EDGES_MS.index(edge)] == 1


def test_what_takes_longer_than_every_edge_is_counted_behind_them():
    ledger = Ledger()

    ledger.count(NOON, GOOD, 10.1)

    assert ledger.between(NOON, NOON + 1)[GOOD].by_time[-1] == 1


def test_memory_does_not_grow_beyond_the_reach():
    ledger = Ledger()

    for second in range(0, 3 * REACH_SECONDS, 10):
        ledger.count(NOON + second, GOOD, 0.0)

    assert len(ledger.seconds) <= REACH_SECONDS / 10 + 7


def test_what_was_written_down_is_there_after_a_restart(tmp_path):
    ledger, meter = Ledger(), Meter()
    for kind in (GOOD, BAD, BAD):
        ledger.count(NOON, kind, 0.02)
        meter.count_answer(NOON, failed=False, took=0.02)
    journal = Journal(tmp_path)
    journal.save_counts("shop", [("production", meter)], ledger, {"1": Tally(1)})
    journal.close()

    again = Journal(tmp_path)

    assert again.load_ledger("shop").between(NOON, NOON + 1) == ledger.between(NOON, NOON + 1)
    again.close()
