"""What an experiment adds up, and what it leaves out of both arms."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.analysis.measurement import Lack, Missing, Sample, Value, Window
from shared.domain.experiments.experiment import Better, Counter, Failures, Goal
from shared.domain.experiments.totals import Totals, together, with_window

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ERRORS = Goal(name="errors", measure=Failures(), better=Better.LOWER)
PAID = Goal(name="paid", measure=Counter("paid"), better=Better.HIGHER)


def sample(requests=100.0, failures=2.0, **paid) -> Sample:
    values = (Value(name="paid", **paid), Value(name="other", value=9)) if paid else ()
    return Sample(requests=requests, failures=failures, latency_ms=50, values=values)


def window(candidate, stable=None, number=0) -> Window:
    start = NOON + number * timedelta(minutes=1)
    return Window(start=start, end=start + timedelta(minutes=1), candidate=candidate, stable=stable or sample())


def test_counts_of_both_arms_add_up_with_what_was_planned_of_them():
    totals = with_window(Totals(), window(sample(100, 1), sample(300, 3)), ERRORS, 0.25)
    totals = with_window(totals, window(sample(10, 0), sample(90, 1), number=3), ERRORS, 0.1)

    assert (totals.candidate, totals.stable) == (Sample(requests=110, failures=1), Sample(requests=390, failures=4))
    assert totals.planned == pytest.approx(0.25 * 400 + 0.1 * 100)
    assert totals.until == NOON + timedelta(minutes=4)


def test_a_window_that_comes_late_does_not_turn_back_the_time_up_to_which_is_counted():
    totals = with_window(Totals(), window(sample(), number=5), ERRORS, 0.5)

    assert with_window(totals, window(sample(), number=1), ERRORS, 0.5).until == totals.until


@pytest.mark.parametrize(
    "missing",
    [
        Missing(Lack.NO_DATA, "none"),
        Missing(Lack.ERROR, "NaN"),
        Sample(requests=float("nan"), failures=0),
        Sample(requests=1, failures=2),
    ],
)
def test_a_window_that_lacks_an_arm_stays_out_of_both(missing):
    assert with_window(Totals(), window(missing), ERRORS, 0.5) == Totals()
    assert with_window(Totals(), window(sample(), missing), ERRORS, 0.5) == Totals()


def test_the_goals_counter_adds_up_of_its_opportunities_and_no_other_does():
    totals = with_window(Totals(), window(sample(value=5), sample(value=3, of=60)), PAID, 0.5)
    totals = with_window(totals, window(sample(value=1, of=40), sample(value=2)), PAID, 0.5)

    assert totals.candidate.values == (Value(name="paid", value=6, of=140),)
    assert totals.stable.values == (Value(name="paid", value=5, of=160),)


@pytest.mark.parametrize("untold", [sample(), sample(value=-1)])
def test_where_one_arm_does_not_tell_the_counter_its_opportunities_count_for_neither(untold):
    totals = with_window(Totals(), window(sample(value=5), untold), PAID, 0.5)

    assert totals.candidate.values == totals.stable.values == ()
    assert totals.requests == 200


def test_several_targets_are_one_experiment():
    one = with_window(Totals(), window(sample(value=5), sample(value=3)), PAID, 0.5)
    other = with_window(Totals(), window(sample(50, value=1), sample(150, value=2), number=2), PAID, 0.25)

    both = together((one, other))
    assert (both.candidate.requests, both.stable.requests, both.planned) == (150, 250, 150)
    assert both.candidate.values == (Value(name="paid", value=6, of=150),)
    assert both.until == other.until
    assert together(()) == Totals()
