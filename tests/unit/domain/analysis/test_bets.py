"""Bets: money that only grows when the promise is broken."""

from datetime import timedelta
from itertools import product
from math import exp, isfinite, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.bets import FACTORS, Bet, cap_of
from tests.unit.domain.analysis.worlds import STEADY
from tests.unit.domain.specs import HOUR, MINUTE

FAR = 500.0
growths = st.lists(st.floats(-50, 50), min_size=len(FACTORS), max_size=len(FACTORS))


def everywhere(growth):
    return (growth,) * len(FACTORS)


def after(windows, growth=0.0, *, bet=None, cap=FAR, length=MINUTE):
    bet = bet or Bet()
    for _ in range(windows):
        bet = bet.play(everywhere(growth), cap, length)
    return bet


def test_a_bet_begins_with_one():
    assert Bet().money == pytest.approx(1.0)


@pytest.mark.parametrize("length", [timedelta(seconds=15), MINUTE, HOUR])
def test_windows_that_say_nothing_change_nothing(length):
    assert after(1_000, length=length).money == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("chance", [0.01, 0.3, 0.9])
@pytest.mark.parametrize("cap", [FAR, 1.0])
def test_whatever_may_happen_a_fair_window_makes_no_money_on_average(chance, cap):
    won = everywhere(log(0.5 / chance))
    lost = everywhere(log(0.5 / (1 - chance)))
    mean = 0.0
    for path in product((True, False), repeat=7):
        bet, likely = Bet(), 1.0
        for wins in path:
            likely *= chance if wins else 1 - chance
            bet = bet.play(won if wins else lost, cap, MINUTE)
        mean += likely * bet.money
    assert mean <= 1 + 1e-5
    assert mean == pytest.approx(1.0, abs=1e-5) or cap == 1.0


@STEADY
@given(growths, growths)
def test_no_window_makes_more_money_than_its_best_factor_earns(first, second):
    bet = Bet().play(first, FAR, MINUTE)
    later = bet.play(second, FAR, MINUTE)
    assert later.money <= bet.money * max(1.0, exp(max(second))) * (1 + 1e-5)


@STEADY
@given(growths, growths)
def test_a_bet_without_what_it_won_since_has_at_most_what_it_had_and_what_it_has(first, second):
    bet = Bet().play(first, FAR, MINUTE)
    later = bet.play(second, FAR, MINUTE)
    assert later.least(bet).money <= min(later.money, bet.money)


@pytest.mark.parametrize(("alpha", "share"), list(product((0.05, 0.01, 0.0001), (1.0, 0.6, 0.2, 0.1))))
def test_one_window_never_decides_for_a_bet_and_two_can(alpha, share):
    cap = cap_of(alpha, share)
    assert share * after(1, 1e9, cap=cap).money < 1 / alpha
    assert share * after(2, 1e9, cap=cap).money >= 1 / alpha


def test_the_smaller_alpha_the_more_is_asked_for_and_the_more_may_one_window_give():
    assert cap_of(0.0001, 0.5) > cap_of(0.01, 0.5) > cap_of(0.01, 1.0) > 0


@pytest.mark.parametrize("length", [timedelta(seconds=15), MINUTE, timedelta(minutes=5)])
def test_what_begins_late_is_found_as_surely_after_days_as_after_minutes(length):
    healthy = after(round(timedelta(days=3) / length), -5.0, length=length)
    assert 0 < healthy.money < 0.05
    assert after(25, 1.0, bet=healthy, length=length).money > 1_000


def test_windows_of_fifteen_seconds_lay_the_rest_as_fast_as_windows_of_a_minute():
    short, long = after(40, -1.0, length=timedelta(seconds=15)), after(10, -4.0)
    assert short.rest == pytest.approx(long.rest, rel=1e-4)
    assert short.money == pytest.approx(long.money, rel=0.05)


def test_a_hundred_thousand_windows_neither_overflow_nor_lose_all():
    poor = after(100_000, -1e300)
    rich = after(1_000, 1e300, bet=poor)
    assert 0 < poor.money < 1
    assert rich.money > 1e100
    assert isfinite(rich.money)
    assert after(100, -1e300, bet=rich).money > 0
