"""How many requests a second each caller may make of one worker."""

import pytest

from shared.application.allowance import Allowance


def test_without_a_limit_everything_passes():
    allowance = Allowance()
    assert [allowance.take("shop", 0.0) for _ in range(1000)] == [0.0] * 1000


def test_twice_the_rate_passes_at_once_and_then_the_rate():
    allowance = Allowance(per_second=5)
    assert [allowance.take("shop", 0.0) for _ in range(10)] == [0.0] * 10
    assert allowance.take("shop", 0.0) == pytest.approx(0.2)
    assert allowance.take("shop", 0.1) == pytest.approx(0.1)
    assert allowance.take("shop", 0.2) == 0.0


def test_a_request_that_was_turned_away_costs_nothing():
    allowance = Allowance(per_second=1)
    for _ in range(2):
        allowance.take("shop", 0.0)
    for moment in (0.1, 0.5, 0.9):
        assert allowance.take("shop", moment) > 0
    assert allowance.take("shop", 1.0) == 0.0


def test_one_caller_does_not_use_up_what_another_may():
    allowance = Allowance(per_second=0.5)
    assert allowance.take("shop", 0.0) == 0.0
    assert allowance.take("shop", 0.0) == pytest.approx(2.0)
    assert allowance.take("till", 0.0) == 0.0


def test_what_was_not_used_is_kept_for_two_seconds_only():
    allowance = Allowance(per_second=5)
    for _ in range(10):
        allowance.take("shop", 0.0)
    assert [allowance.take("shop", 100.0) for _ in range(10)] == [0.0] * 10
    assert allowance.take("shop", 100.0) > 0


def test_many_callers_do_not_fill_the_memory():
    allowance = Allowance(per_second=1)
    for number in range(5000):
        allowance.take(f"caller-{number}", 0.0)
    assert len(allowance._left) <= 1000
