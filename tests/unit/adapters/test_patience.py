"""When a call to Table Storage is tried again, and when the caller is told to try later."""

import pytest

from shared.adapters.azure_tables.patience import Patience

PATIENCE = Patience(attempts=4, pause=0.2, longest_pause=2, total=10)


def test_each_pause_is_twice_the_one_before_it():
    assert [PATIENCE.pause_after(attempt, 0, None) for attempt in (1, 2, 3)] == [0.2, 0.4, 0.8]


def test_the_last_attempt_is_followed_by_none():
    assert PATIENCE.pause_after(4, 0, None) is None


@pytest.mark.parametrize(("asked", "pause"), [(0, 0), (1.5, 1.5), (2, 2), (2.1, None), (600, None)])
def test_a_pause_that_the_service_asks_for_is_kept_or_left_to_the_caller(asked, pause):
    assert PATIENCE.pause_after(1, 0, asked) == pause


@pytest.mark.parametrize(("spent", "pause"), [(9.7, 0.2), (9.9, None)])
def test_no_attempt_begins_after_the_time_is_up(spent, pause):
    assert PATIENCE.pause_after(1, spent, None) == pause


def test_a_call_ends_before_a_handler_must():
    usual = Patience()
    assert usual.total + usual.connect + usual.read <= 20
