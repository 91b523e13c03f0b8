"""Weights, rates and response times: exact in, exact out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.rollout.weight import Weight
from shared.wire.quantities import (
    format_fraction,
    format_milliseconds,
    format_weight,
    parse_chance,
    parse_deviation,
    parse_fraction,
    parse_hold_back,
    parse_milliseconds,
    parse_weight,
)


@pytest.mark.parametrize(
    ("value", "weight"),
    [
        (5, 5000),
        (12.5, 12_500),
        (0.001, 1),
        (99.999, 99_999),
        ("5%", 5000),
        ("0.5%", 500),
        (33.333, 33_333),
        (1e1, 10_000),
    ],
)
def test_a_weight_is_a_number_of_thousandths(value, weight):
    assert parse_weight(value) == weight


@pytest.mark.parametrize(
    "value", [0, 100, -1, 0.0005, 12.3456, "5", "0%", "100%", "1.0001%", "5 %", "%", "1e1%", 1e300, 10**90]
)
def test_what_is_no_weight_below_everyone_is_refused(value):
    with pytest.raises(ValueError, match="allowed is"):
        parse_weight(value)


@given(st.integers(1, 99_999))
def test_every_weight_is_written_and_read_back(thousandths):
    weight = Weight(thousandths)

    assert parse_weight(format_weight(weight)) == weight
    assert parse_weight(f"{format_weight(weight)}%") == weight


def test_a_whole_weight_is_written_as_a_whole_number():
    assert repr(format_weight(Weight(5000))) == "5"


@pytest.mark.parametrize(
    ("value", "fraction"),
    [("2%", 0.02), ("7%", 0.07), ("0.5%", 0.005), ("100%", 1.0), ("0%", 0.0), (0, 0.0), (0.02, 0.02)],
)
def test_a_rate_is_a_fraction(value, fraction):
    assert parse_fraction(value) == fraction


@pytest.mark.parametrize(
    ("value", "hint"), [(2, "write 2%"), (1, "write 1%"), (1.5, "write 1.5%"), (100, "write 100%")]
)
def test_a_bare_number_from_1_gets_a_hint(value, hint):
    with pytest.raises(ValueError, match=hint):
        parse_fraction(value)


@pytest.mark.parametrize("value", ["101%", "2", "-1%", "2 %", 1e-12, "0.00000000001%"])
def test_what_is_no_rate_is_refused(value):
    with pytest.raises(ValueError, match="allowed is"):
        parse_fraction(value)


@given(st.just(0.0) | st.floats(1e-9, 1.0))
def test_every_rate_is_written_and_read_back(fraction):
    assert parse_fraction(format_fraction(fraction)) == fraction


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.02, "2%"), (0.07, "7%"), (0.005, "0.5%"), (0.0, "0%"), (1.0, "100%")]
)
def test_a_rate_is_written_in_percent(fraction, text):
    assert format_fraction(fraction) == text


@pytest.mark.parametrize(("value", "ms"), [(200, 200.0), ("200ms", 200.0), ("1.5s", 1500.0), ("0ms", 0.0), (0.1, 0.1)])
def test_a_response_time_is_in_milliseconds(value, ms):
    assert parse_milliseconds(value) == ms


@pytest.mark.parametrize("value", ["200", "2m", "-1ms", "3601s", 1e9, "1e3ms", "٣ms", 1e-9])
def test_what_is_no_response_time_is_refused(value):
    with pytest.raises(ValueError, match="allowed is"):
        parse_milliseconds(value)


@given(st.just(0.0) | st.floats(1e-6, 3_600_000.0))
def test_every_response_time_is_written_and_read_back(ms):
    assert parse_milliseconds(format_milliseconds(ms)) == ms


@pytest.mark.parametrize(
    ("value", "weight"), [(0, 0), ("0%", 0), (5, 5000), ("12.5%", 12_500), (50, 50_000), (0.001, 1)]
)
def test_a_share_that_is_held_back_may_be_nothing_and_half(value, weight):
    assert parse_hold_back(value) == weight


@pytest.mark.parametrize("value", [-1, 50.001, "51%", "5", 0.0001])
def test_more_than_half_cannot_be_held_back(value):
    with pytest.raises(ValueError, match="allowed is"):
        parse_hold_back(value)


@pytest.mark.parametrize(("value", "chance"), [("1%", 0.01), (0.01, 0.01), ("0.01%", 0.0001), ("20%", 0.2), (0.2, 0.2)])
def test_a_chance_is_a_fraction(value, chance):
    assert parse_chance(value) == chance


@pytest.mark.parametrize("value", [0, "0%", "0.009%", "21%", 0.21, 1, "one"])
def test_a_chance_that_promises_nothing_or_waits_for_ever_is_refused(value):
    with pytest.raises(ValueError, match=r"allowed is|write 1%"):
        parse_chance(value)


@pytest.mark.parametrize(("value", "deviation"), [("0%", 0.0), ("10%", 0.1), (0.9, 0.9)])
def test_a_deviation_is_a_fraction(value, deviation):
    assert parse_deviation(value) == deviation


def test_a_deviation_that_would_hide_everything_is_refused():
    with pytest.raises(ValueError, match="from 0% to 90%"):
        parse_deviation("91%")
