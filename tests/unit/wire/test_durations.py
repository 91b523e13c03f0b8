"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.durations import format_duration, parse_duration, parse_duration_or_none


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("30s", 30),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1d2h3m4s", 93_784),
        ("365d", 31_536_000),
        ("0h5m", 300),
        ("PT5M", 300),
        ("PT1H30M", 5400),
        ("P1D", 86_400),
        ("P1DT1S", 86_401),
        ("PT90S", 90),
    ],
)
def test_a_duration_is_read(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0s",
        "0d0h",
        "PT0S",
        "P",
        "PT",
        "P1DT",
        "5",
        "5 m",
        "m",
        "5M",
        "pt5m",
        "1.5h",
        "PT0.5S",
        "-5m",
        "30m1h",
        "5min",
        "1w",
        "P1W",
        "P1M",
        "366d",
        "999999999d",
        "9999999999s",
        "5m\n",
        "٥m",
        "1h1h",
    ],
)
def test_what_is_no_duration_of_whole_seconds_from_a_second_to_a_year_is_refused(text):
    with pytest.raises(ValueError, match="allowed is a duration"):
        parse_duration(text)


def test_no_time_at_all_is_a_duration_where_it_may_be():
    assert parse_duration_or_none("0s") == parse_duration_or_none("PT0S") == timedelta(0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (1, "1s"), (90, "1m30s"), (3600, "1h"), (5400, "1h30m"), (86_400, "1d"), (90_061, "1d1h1m1s")],
)
def test_a_duration_has_one_written_form(seconds, text):
    assert format_duration(timedelta(seconds=seconds)) == text


@given(st.integers(1, 31_536_000))
def test_what_is_written_is_read_back(seconds):
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("duration", [timedelta(milliseconds=500), timedelta(seconds=-1)])
def test_what_cannot_be_written_without_loss_is_refused(duration):
    with pytest.raises(ValueError, match="whole number of seconds"):
        format_duration(duration)
