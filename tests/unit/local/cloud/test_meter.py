"""Counting what passed a slot, in bounded memory."""

import pytest

from local.cloud.meter import REACH_SECONDS, Meter

NOON = 1_800_000_000


def test_an_answer_counts_in_the_second_in_which_it_was_complete():
    meter = Meter()

    meter.count_answer(NOON + 0.99, failed=True, took=0.5)
    meter.count_answer(NOON + 1.0, failed=False, took=0.25)

    assert meter.total(NOON, NOON + 1).failures == 1
    assert meter.total(NOON + 1, NOON + 2).requests == 1
    both = meter.total(NOON, NOON + 2)
    assert (both.requests, both.failures, both.busy) == (2, 1, pytest.approx(0.75))


def test_memory_does_not_grow_beyond_the_reach():
    meter = Meter()

    for second in range(3 * REACH_SECONDS):
        meter.count_answer(NOON + second, failed=False, took=0.0)

    assert len(meter.seconds) < REACH_SECONDS * 1.1
    last = NOON + 3 * REACH_SECONDS
    assert meter.total(last - REACH_SECONDS, last).requests == REACH_SECONDS
