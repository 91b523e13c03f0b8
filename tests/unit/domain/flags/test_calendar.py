"""Time windows: when they hold, when they come again, and when they next change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.flags.calendar import window_of
from shared.domain.flags.model import During, Recurrence
from tests.unit.domain.flags.random_flags import BEGIN, windows

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


def at(text):
    return datetime.fromisoformat(text if "+" in text or text.endswith("Z") else f"{text}Z")


def window(since=None, until=None, **recurrence):
    again = Recurrence(**recurrence) if recurrence else None
    return window_of(During(since=since and at(since), until=until and at(until), recurrence=again))


def beginnings(found, count=6, since="2026-03-01T00:00"):
    """The moments at which the window begins, as it says itself."""
    now, moments = at(since).timestamp(), []
    while len(moments) < count and (now := found.next_change(now)) is not None:
        if found.holds(now):
            moments.append(f"{datetime.fromtimestamp(now, tz=UTC):%a %d.%m. %H:%M}")
    return moments


def test_a_window_holds_from_its_beginning_and_no_more_at_its_end():
    found = window("2026-03-02T08:00", "2026-03-02T10:00")
    held = [
        found.holds(at(each).timestamp()) for each in ("2026-03-02T07:59:59", "2026-03-02T08:00", "2026-03-02T10:00")
    ]
    assert held == [False, True, False]


def test_a_window_may_have_one_end_only():
    assert window("2026-03-02T08:00").holds(at("2030-01-01T00:00").timestamp())
    assert not window("2026-03-02T08:00").holds(at("2026-03-02T07:59").timestamp())
    assert window(None, "2026-03-02T08:00").holds(0)
    assert not window(None, "2026-03-02T08:00").holds(at("2026-03-02T08:00").timestamp())


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        ({"every": 1}, ["Mon 02.03. 08:00", "Tue 03.03. 08:00", "Wed 04.03. 08:00"]),
        ({"every": 3}, ["Mon 02.03. 08:00", "Thu 05.03. 08:00", "Sun 08.03. 08:00"]),
        ({"every": 1, "times": 2}, ["Mon 02.03. 08:00", "Tue 03.03. 08:00"]),
        ({"every": 1, "ends": at("2026-03-03T08:00")}, ["Mon 02.03. 08:00", "Tue 03.03. 08:00"]),
        ({"every": 1, "ends": at("2026-03-03T07:59")}, ["Mon 02.03. 08:00"]),
        ({"every": 1, "weekdays": (MON, FRI)}, ["Mon 02.03. 08:00", "Fri 06.03. 08:00", "Mon 09.03. 08:00"]),
        ({"every": 2, "weekdays": (MON, FRI)}, ["Mon 02.03. 08:00", "Fri 06.03. 08:00", "Mon 16.03. 08:00"]),
        ({"every": 2, "weekdays": (SUN, MON)}, ["Mon 02.03. 08:00", "Sun 15.03. 08:00", "Mon 16.03. 08:00"]),
        (
            {"every": 2, "weekdays": (SUN, MON), "first_weekday": MON},
            ["Mon 02.03. 08:00", "Sun 08.03. 08:00", "Mon 16.03. 08:00"],
        ),
        (
            {"every": 1, "weekdays": (MON, WED), "times": 3},
            ["Mon 02.03. 08:00", "Wed 04.03. 08:00", "Mon 09.03. 08:00"],
        ),
    ],
)
def test_a_window_comes_again(recurrence, expected):
    found = window("2026-03-02T08:00", "2026-03-02T10:00", **recurrence)
    again = beginnings(found, 3)
    assert again == expected


def test_weekdays_are_those_of_the_offset():
    """Monday, 06:00 in Tokyo is still Sunday in UTC."""
    recurrence = {"every": 1, "weekdays": (MON,), "offset": timedelta(hours=9)}
    found = window("2026-03-02T06:00+09:00", "2026-03-02T07:00+09:00", **recurrence)
    assert beginnings(found, 2) == ["Sun 01.03. 21:00", "Sun 08.03. 21:00"]


@pytest.mark.parametrize(
    ("since", "until", "recurrence", "why"),
    [
        (None, None, {}, "neither begins nor ends"),
        ("2026-03-02T08:00", "2026-03-02T08:00", {}, "ends before it begins"),
        ("2026-03-02T08:00", None, {"every": 1}, "without a first occurrence"),
        ("2026-03-02T08:00", "2026-03-02T10:00", {"every": 0}, "every 0 times"),
        ("2026-03-02T08:00", "2026-03-02T10:00", {"every": 1, "times": 0}, "no times"),
        ("2026-03-02T08:00", "2026-03-03T08:01", {"every": 1}, "longer than the time until it comes again"),
        ("2026-03-02T08:00", "2026-03-03T09:00", {"every": 1, "weekdays": (MON, TUE)}, "longer than the time"),
        ("2026-03-02T08:00", "2026-03-02T10:00", {"every": 1, "weekdays": (TUE,)}, "not begin on one of its weekdays"),
        ("2026-03-02T08:00", "2026-03-02T10:00", {"every": 1, "ends": at("2026-03-01T00:00")}, "before its first"),
    ],
)
def test_a_window_that_cannot_be_is_refused(since, until, recurrence, why):
    with pytest.raises(ValueError, match=why):
        window(since, until, **recurrence)


@given(windows, st.integers(-5 * 24, 90 * 24), st.integers(1, 400))
def test_nothing_changes_before_the_next_change(during, hours, minutes):
    try:
        found = window_of(during)
    except ValueError:
        return
    now = BEGIN.timestamp() + hours * 3600 + 1800
    then = now + minutes * 60
    change = found.next_change(now)
    if change is None or then < change:
        assert found.holds(then) is found.holds(now)
    else:
        assert change > now
        assert found.holds(change - 1) is found.holds(now)
