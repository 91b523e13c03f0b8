"""Tolerances as people say them, in the unit of what is compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.tolerance_words import SlackUnit, Tolerance, format_tolerance, parse_tolerance

POINTS, TIME, NUMBER, OF_TAIL = SlackUnit.POINTS, SlackUnit.TIME, SlackUnit.NUMBER, SlackUnit.OF_TAIL


@pytest.mark.parametrize(
    ("words", "unit", "tolerance"),
    [
        ("no worse than 25 % relative plus 0.05 points", POINTS, Tolerance(1.25, 0.0005)),
        ("25% relative plus 0.05 points", POINTS, Tolerance(1.25, 0.0005)),
        ("25% relative and 0.05 points", POINTS, Tolerance(1.25, 0.0005)),
        ("0.05 points + 25% relative", POINTS, Tolerance(1.25, 0.0005)),
        ("25%relative+0.05points", POINTS, Tolerance(1.25, 0.0005)),
        ("  No worse  than 25 %  relative PLUS 0.05 percentage points ", POINTS, Tolerance(1.25, 0.0005)),
        ("7% relative", POINTS, Tolerance(1.07, 0.0)),
        ("1 point", POINTS, Tolerance(1.0, 0.01)),
        ("0 points", POINTS, Tolerance(1.0, 0.0)),
        ("no tolerance", POINTS, Tolerance(1.0, 0.0)),
        ("No  tolerance", TIME, Tolerance(1.0, 0.0)),
        ("10% relative plus 20ms", TIME, Tolerance(1.1, 20.0)),
        ("no worse than 1.5 s", TIME, Tolerance(1.0, 1500.0)),
        ("10% relative plus 3", NUMBER, Tolerance(1.1, 3.0)),
        ("0.5", NUMBER, Tolerance(1.0, 0.5)),
        ("25% relative plus 5% of the tail", OF_TAIL, Tolerance(1.25, 0.05)),
        ("99900% relative", POINTS, Tolerance(1000.0, 0.0)),
    ],
)
def test_a_tolerance_is_read_in_the_unit_of_what_is_compared(words, unit, tolerance):
    assert parse_tolerance(words, unit) == tolerance


@pytest.mark.parametrize(
    ("words", "unit", "trouble"),
    [
        ("10%", POINTS, r'not said what 10% are of: write "10% relative" or "10 points"; understood are'),
        ("10 %", TIME, r'write "10% relative"; understood are'),
        ("5%", OF_TAIL, r'write "5% relative" or "5% of the tail"; understood are'),
        ("25% relative plus", POINTS, '"25% relative plus" is not understood; understood are'),
        ("25% relative + ", POINTS, "a part is missing; understood are"),
        ("no worse than ", POINTS, "is not understood; understood are"),
        ("0,05 points", POINTS, '"0,05 points" is not understood; understood are'),
        ("-5% relative", POINTS, "not understood"),
        ("1e3 points", POINTS, "not understood"),
        ("25% relative plus 20ms", POINTS, '"20ms" is not understood; understood are "<n>% relative" and "<n> points"'),
        ("0.05 points", TIME, 'understood are "<n>% relative" and "<n>ms"'),
        ("0.05 points", NUMBER, 'understood are "<n>% relative" and "<n>"'),
        ("20ms", OF_TAIL, 'and "<n>% of the tail"'),
        ("1% relative plus 2% relative", POINTS, "a relative part is said twice; understood are"),
        ("1 point plus 2 points", POINTS, "a part in <n> points is said twice; understood are"),
        ("99901% relative", POINTS, "at most 99900% relative; understood are"),
        ("twice", POINTS, '"twice" is not understood; understood are'),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is_and_an_example(words, unit, trouble):
    with pytest.raises(ValueError, match=trouble) as error:
        parse_tolerance(words, unit)
    assert f"no worse than 25% relative plus {unit.example}" in str(error.value)


@pytest.mark.parametrize("unit", SlackUnit)
def test_the_example_of_a_refusal_is_understood_itself(unit):
    assert parse_tolerance(f"no worse than 25% relative plus {unit.example}", unit).maximum == 1.25


@pytest.mark.parametrize(
    ("words", "unit"),
    [("101 points", POINTS), ("200% of the tail", OF_TAIL), ("3601s", TIME), ("999999999999", NUMBER)],
)
def test_a_part_that_is_more_than_everything_is_refused(words, unit):
    with pytest.raises(ValueError, match=r"allowed is|not understood"):
        parse_tolerance(words, unit)


@pytest.mark.parametrize(
    ("tolerance", "unit", "words"),
    [
        (Tolerance(1.25, 0.0005), POINTS, "no worse than 25% relative plus 0.05 points"),
        (Tolerance(1.0, 0.0005), POINTS, "no worse than 0.05 points"),
        (Tolerance(1.1, 0.0), POINTS, "no worse than 10% relative"),
        (Tolerance(1.1, 20.0), TIME, "no worse than 10% relative plus 20ms"),
        (Tolerance(1.1, 2.5), NUMBER, "no worse than 10% relative plus 2.5"),
        (Tolerance(1.25, 0.05), OF_TAIL, "no worse than 25% relative plus 5% of the tail"),
        (Tolerance(1.0, 0.0), OF_TAIL, "no tolerance"),
    ],
)
def test_a_tolerance_is_said_in_short(tolerance, unit, words):
    assert format_tolerance(tolerance, unit) == words


SLACKS = {
    POINTS: st.just(0.0) | st.floats(1e-9, 1.0),
    OF_TAIL: st.just(0.0) | st.floats(1e-9, 1.0),
    TIME: st.just(0.0) | st.floats(1e-6, 3_600_000.0),
    NUMBER: st.just(0.0) | st.floats(1e-9, 1e8),
}


@pytest.mark.parametrize("unit", SlackUnit)
@given(st.data())
def test_every_tolerance_is_said_and_understood_again(unit, data):
    tolerance = Tolerance(data.draw(st.floats(1.0, 1000.0)), data.draw(SLACKS[unit]))

    assert parse_tolerance(format_tolerance(tolerance, unit), unit) == tolerance
