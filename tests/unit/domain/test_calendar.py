"""Release windows: what is held, by which window, and until when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.domain.cron import parse_cron
from shared.domain.rollout.calendar import (
    HORIZON,
    Once,
    Recurring,
    ReleaseAction,
    ReleaseWindow,
    TimeZone,
    WindowKind,
    held_until,
    is_open,
    next_change,
    over_since,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
ADVANCE = ReleaseAction.ADVANCE


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def zone(name: str) -> TimeZone:
    rules: tzinfo = ZoneInfo(name)
    return TimeZone(name, rules)


def window(kind: str, cron: str, duration: timedelta, place: str = "UTC", name: str = "", **more) -> ReleaseWindow:
    times = Recurring(parse_cron(cron), duration)
    return ReleaseWindow(name=name or kind, kind=WindowKind(kind), times=times, zone=zone(place), **more)


def once(kind: str, since: str, until: str, place: str = "UTC", name: str = "") -> ReleaseWindow:
    times = Once(datetime.fromisoformat(since), datetime.fromisoformat(until))
    return ReleaseWindow(name=name or kind, kind=WindowKind(kind), times=times, zone=zone(place))


OFFICE = window("allow", "0 9 * * mon-fri", 8 * HOUR, BERLIN, "office-hours")
WEEKEND = window("deny", "0 17 * * fri", 63 * HOUR, BERLIN, "weekend")
BLACK_FRIDAY = once("deny", "2026-11-27T00:00:00", "2026-12-01T00:00:00", NEW_YORK, "black-friday")
MONDAY_NOON, MONDAY_NIGHT = at("2026-06-01T10:00"), at("2026-06-01T20:00")


@pytest.mark.parametrize("action", ReleaseAction)
def test_without_windows_nothing_is_held(action):
    assert held_until((), action, MONDAY_NOON) is None
    assert next_change((), action, MONDAY_NOON) is None


def test_inside_an_allow_window_nothing_is_held():
    assert held_until((OFFICE,), ADVANCE, MONDAY_NOON) is None
    assert next_change((OFFICE,), ADVANCE, MONDAY_NOON) == at("2026-06-01T15:00")


def test_outside_every_allow_window_all_is_held_until_the_next_one_opens():
    held = held_until((OFFICE,), ADVANCE, MONDAY_NIGHT)

    assert (held.kind, held.window, held.until) == (WindowKind.ALLOW, "office-hours", at("2026-06-02T07:00"))
    assert held.why == (
        "outside release window office-hours, which allows advance; it is allowed again at 2026-06-02 07:00:00 UTC"
    )


def test_inside_a_deny_window_all_is_held_until_it_closes():
    held = held_until((WEEKEND,), ADVANCE, at("2026-06-06T12:00"))

    assert (held.kind, held.window, held.until) == (WindowKind.DENY, "weekend", at("2026-06-08T06:00"))
    assert held.why == "release window weekend denies advance; it is allowed again at 2026-06-08 06:00:00 UTC"


def test_a_deny_window_wins_over_every_allow_window():
    always = window("allow", "0 0 * * *", DAY)

    assert held_until((always, WEEKEND, OFFICE), ADVANCE, at("2026-06-06T12:00")).window == "weekend"


def test_where_a_deny_window_closes_outside_every_allow_window_the_wait_goes_on():
    held = held_until((OFFICE, WEEKEND), ADVANCE, at("2026-06-06T12:00"))

    assert (held.window, held.until) == ("weekend", at("2026-06-08T07:00"))


def test_one_open_allow_window_of_several_is_enough():
    short_friday = window("allow", "0 9 * * fri", 5 * HOUR, BERLIN, "short-friday")

    assert held_until((short_friday, OFFICE), ADVANCE, MONDAY_NOON) is None


def test_of_several_allow_windows_the_one_that_opens_next_is_named():
    night = window("allow", "0 23 * * *", HOUR, BERLIN, "night")

    held = held_until((OFFICE, night), ADVANCE, MONDAY_NIGHT)

    assert (held.window, held.until) == ("night", at("2026-06-01T21:00"))


def test_windows_side_by_side_are_one_long_window():
    denied = window("deny", "0 0-15,17-23 * * *", HOUR)

    assert held_until((denied,), ADVANCE, at("2026-06-01T03:30")).until == at("2026-06-01T16:00")
    assert held_until((denied,), ADVANCE, at("2026-06-01T16:30")) is None


def test_a_window_concerns_only_the_actions_that_it_names():
    frozen = window("deny", "0 0 * * *", DAY, actions=(ReleaseAction.PROMOTE,))

    assert held_until((frozen,), ReleaseAction.PROMOTE, MONDAY_NOON).until is None
    assert held_until((frozen,), ReleaseAction.START, MONDAY_NOON) is None
    assert held_until((frozen,), ReleaseAction.ADVANCE, MONDAY_NOON) is None


def test_an_allow_window_of_another_action_holds_nothing_up():
    promoting = window("allow", "0 9 * * *", HOUR, actions=(ReleaseAction.PROMOTE,))

    assert held_until((promoting,), ReleaseAction.START, MONDAY_NIGHT) is None


def test_a_window_of_one_time_holds_by_the_clock_of_its_zone():
    assert held_until((BLACK_FRIDAY,), ADVANCE, at("2026-11-27T04:59:59")) is None
    assert held_until((BLACK_FRIDAY,), ADVANCE, at("2026-11-27T05:00:00")).until == at("2026-12-01T05:00")
    assert held_until((BLACK_FRIDAY,), ADVANCE, at("2026-12-01T05:00:00")) is None
    assert next_change((BLACK_FRIDAY,), ADVANCE, MONDAY_NOON) == at("2026-11-27T05:00")


def test_an_allow_window_that_is_over_for_good_says_so():
    held = held_until((once("allow", "2026-01-01T00:00", "2026-01-02T00:00"),), ADVANCE, MONDAY_NOON)

    assert held.until is None
    assert held.why.endswith("at no time within a year")


def test_what_happens_once_is_over_by_the_clock_of_its_zone_and_what_recurs_never_is():
    new_year = once("allow", "2026-01-01T00:00", "2026-01-02T00:00", NEW_YORK)

    assert over_since(new_year, at("2026-01-02T04:59:59")) is None
    assert over_since(new_year, at("2026-01-02T05:00:00")) == datetime(2026, 1, 2)  # noqa: DTZ001 - a clock on a wall
    assert over_since(replace(new_year, zone=TimeZone("Gone/Zone", None)), at("2030-01-01T00:00")) is None
    assert over_since(OFFICE, at("2199-01-01T00:00")) is None


def test_an_opening_in_exactly_the_horizon_is_found_and_none_beyond_it():
    opens = MONDAY_NOON + HORIZON
    allowed = once("allow", opens.replace(tzinfo=None).isoformat(), "2030-01-01T00:00")

    assert held_until((allowed,), ADVANCE, MONDAY_NOON).until == opens
    assert held_until((allowed,), ADVANCE, MONDAY_NOON - MINUTE).until is None


def test_a_freeze_of_weeks_ends_when_they_are_over():
    freeze = window("deny", "0 0 20 dec *", 14 * DAY, BERLIN)

    assert held_until((freeze,), ADVANCE, at("2026-12-30T12:00")).until == at("2027-01-02T23:00")


def test_a_yearly_window_is_found_a_year_ahead():
    yearly = window("allow", "0 0 1 6 *", HOUR)

    assert held_until((yearly,), ADVANCE, at("2026-06-01T01:00")).until == at("2027-06-01T00:00")


@pytest.mark.parametrize("kind", WindowKind)
def test_a_window_in_a_zone_that_is_not_known_here_lets_nothing_pass(kind):
    lost = ReleaseWindow(name="lost", kind=WindowKind(kind), times=OFFICE.times, zone=TimeZone("Mars/Olympus", None))

    found = held_until((lost,), ADVANCE, MONDAY_NOON)

    assert (found.window, found.until) == ("lost", None)
    assert next_change((lost,), ADVANCE, MONDAY_NOON) is None


def test_an_open_allow_window_is_enough_beside_one_in_a_zone_that_is_not_known_here():
    lost = ReleaseWindow(name="lost", kind=WindowKind.ALLOW, times=OFFICE.times, zone=TimeZone("Mars/Olympus", None))

    assert held_until((lost, OFFICE), ADVANCE, MONDAY_NOON) is None


@pytest.mark.parametrize(
    ("cron", "duration", "day", "opens", "closes"),
    [
        # In Berlin the clock goes from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
        ("30 2 * * *", HOUR, "2026-03-29", "01:00", "01:30"),
        ("30 1 * * *", HOUR, "2026-03-29", "00:30", "01:00"),
        ("0 1 * * *", 2 * HOUR, "2026-03-29", "00:00", "01:00"),
        ("0 0 * * *", 8 * HOUR, "2026-03-29", "23:00", "06:00"),
        # And from 03:00 back to 02:00 on 2026-10-25, at 01:00 UTC.
        ("0 2 * * *", HOUR, "2026-10-25", "00:00", "02:00"),
        ("0 1 * * *", HOUR, "2026-10-25", "23:00", "00:00"),
        ("0 9 * * *", 8 * HOUR, "2026-10-25", "08:00", "16:00"),
    ],
)
def test_a_window_is_what_the_clock_on_the_wall_shows_when_it_is_put_forward_or_back(
    cron, duration, day, opens, closes
):
    allowed = (window("allow", cron, duration, BERLIN),)
    before = at(f"{day}T00:00") - 3 * HOUR

    opened = held_until(allowed, ADVANCE, before).until

    assert f"{opened:%H:%M}" == opens
    assert f"{next_change(allowed, ADVANCE, opened):%H:%M}" == closes


def test_a_window_that_lies_in_the_gap_as_a_whole_does_not_happen():
    allowed = (window("allow", "15 2 * * *", HOUR / 2, BERLIN),)

    assert held_until(allowed, ADVANCE, at("2026-03-28T12:00")).until == at("2026-03-30T00:15")


def test_a_time_that_the_clock_shows_twice_is_open_twice():
    denied = (window("deny", "30 2 25 10 *", HOUR / 4, BERLIN),)
    turns, now = [], at("2026-10-24T12:00")
    while now is not None and now < at("2026-10-26T00:00"):
        now = next_change(denied, ADVANCE, now)
        turns.append(f"{now:%d %H:%M}" if now else "")

    assert turns[:4] == ["25 00:30", "25 00:45", "25 01:30", "25 01:45"]


def test_a_window_across_the_moment_that_the_clock_is_put_back_closes_and_opens_again():
    denied = window("deny", "30 2 25 10 *", HOUR, BERLIN)

    assert [is_open(denied, at(f"2026-10-25T{time}")) for time in ("00:45", "01:00", "01:45", "02:29", "02:30")] == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert next_change((denied,), ADVANCE, at("2026-10-25T00:45")) == at("2026-10-25T01:00")


def test_many_windows_that_never_let_anything_pass_say_so():
    apart = tuple(window("allow", f"{n} */8 * * *", MINUTE, BERLIN, f"a{n}") for n in range(0, 16, 2))
    closed = tuple(window("deny", f"{n} */8 * * *", MINUTE, BERLIN, f"d{n}") for n in range(0, 16, 2))

    assert held_until(apart + closed, ADVANCE, at("2026-06-01T12:00")).until is None


# The clock of each is put forward or back about then; Lord Howe by half an hour, Apia by a whole day.
TURNING = {
    BERLIN: ["2026-03-29T01:00", "2026-10-25T01:00"],
    NEW_YORK: ["2026-03-08T07:00", "2026-11-01T06:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00", "2026-10-03T15:30"],
    "America/Sao_Paulo": ["2018-02-18T02:00", "2018-11-04T03:00"],
    "Africa/Casablanca": ["2026-02-15T02:00", "2026-03-22T02:00"],
    "Pacific/Apia": ["2011-12-30T10:00", "2011-09-24T11:00"],
    "Asia/Kathmandu": ["2026-03-29T01:00"],
    "UTC": ["2026-03-29T01:00"],
}
DAYS = 4


def some(low: int, high: int, most: int) -> st.SearchStrategy[str]:
    return st.lists(st.integers(low, high), min_size=1, max_size=most, unique=True).map(
        lambda numbers: ",".join(map(str, numbers))
    )


@st.composite
def times_near(draw: st.DrawFn, now: datetime) -> Recurring | Once:
    if draw(st.integers(0, 4)) == 0:
        since = now.replace(tzinfo=None) + draw(st.integers(-4000, 4000)) * MINUTE
        return Once(since, since + draw(st.integers(1, 4000)) * MINUTE)
    hours = st.just("0") | st.just("2") | some(0, 23, 3)
    days = draw(st.sampled_from(["* * *"] * 3 + ["* * mon", "* * sat,sun", "29 * *", "30 * sun", "*/2 * mon-sat"]))
    duration = draw(st.sampled_from([1, 15, 30, 60, 90, 720, 1440, 3780]) | st.integers(1, 4000))
    return Recurring(parse_cron(f"{draw(some(0, 59, 2))} {draw(hours)} {days}"), duration * MINUTE)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[tuple[ReleaseWindow, ...], datetime]:
    place = draw(st.sampled_from(sorted(TURNING)))
    turn = at(draw(st.sampled_from(TURNING[place])))
    now = turn + draw(st.integers(-2 * 1440, 2 * 1440)) * MINUTE
    windows = tuple(
        ReleaseWindow(
            name=f"w{index}",
            kind=draw(st.sampled_from(WindowKind)),
            times=draw(times_near(turn)),
            zone=zone(draw(st.sampled_from([place, place, place, "UTC", BERLIN]))),
            actions=draw(st.sampled_from([(ADVANCE,), tuple(ReleaseAction), (ReleaseAction.START,)])),
        )
        for index in range(draw(st.integers(1, 4)))
    )
    return windows, now


def held_by_the_minute(windows: tuple[ReleaseWindow, ...], now: datetime) -> list[bool]:
    """Whether `advance` is held, for each minute from now on: the rules once more, looked at minute by minute."""
    concerned = [window for window in windows if ADVANCE in window.actions]
    opened = {window.name: open_by_the_minute(window, now) for window in concerned}
    allows = [opened[window.name] for window in concerned if window.kind is WindowKind.ALLOW]
    denies = [opened[window.name] for window in concerned if window.kind is WindowKind.DENY]
    return [
        any(deny[minute] for deny in denies) or (bool(allows) and not any(allow[minute] for allow in allows))
        for minute in range(DAYS * 1440)
    ]


def open_by_the_minute(window: ReleaseWindow, now: datetime) -> list[bool]:
    assert window.zone.rules is not None
    shown = [
        (now + minute * MINUTE).astimezone(window.zone.rules).replace(tzinfo=None) for minute in range(DAYS * 1440)
    ]
    times = window.times
    if isinstance(times, Once):
        return [times.since <= each < times.until for each in shown]
    starts = list(times.cron.starts(min(shown) - times.duration, max(shown) + MINUTE))
    spans = [(start, start + times.duration) for start in starts]
    covered = {start + n * MINUTE for start, end in spans for n in range((end - start) // MINUTE)}
    return [each in covered for each in shown]


@settings(max_examples=120, deadline=None)
@given(calendars())
@example(((window("deny", "30 2 * * *", HOUR, BERLIN),), at("2026-10-24T00:00")))
@example(((window("allow", "0 0 30 * *", DAY, "Pacific/Apia"),), at("2011-12-29T00:00")))
@example(((window("allow", "0 23 * * *", 2 * HOUR, "America/Sao_Paulo"),), at("2018-02-17T00:00")))
def test_it_is_as_one_finds_who_looks_at_the_clock_every_minute(calendar):
    windows, now = calendar
    held = held_by_the_minute(windows, now)
    turns = [now + n * MINUTE for n in range(1, len(held)) if held[n] != held[n - 1]]
    looked_until = now + len(held) * MINUTE

    found, change = held_until(windows, ADVANCE, now), next_change(windows, ADVANCE, now)

    assert (found is not None) == held[0]
    if turns:
        assert change == turns[0]
    else:
        assert change is None or change >= looked_until
    if found is not None:
        assert found.until == change


@settings(max_examples=60, deadline=None)
@given(calendars())
def test_who_waits_until_then_is_let_pass_then_and_not_a_minute_before(calendar):
    windows, now = calendar
    held = held_until(windows, ADVANCE, now)

    if held is not None and held.until is not None:
        assert held_until(windows, ADVANCE, held.until) is None
        assert held_until(windows, ADVANCE, held.until - timedelta(microseconds=1)) is not None


@settings(max_examples=60, deadline=None)
@given(calendars())
def test_a_further_deny_window_never_lets_pass_what_was_held(calendar):
    windows, now = calendar
    further = (*windows, WEEKEND)

    assert held_until(windows, ADVANCE, now) is None or held_until(further, ADVANCE, now) is not None
