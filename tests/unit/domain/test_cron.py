"""Five fields of a cron schedule: which moments they name, and what is refused."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.cron import parse_cron

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MONDAY = datetime.fromisoformat("2026-06-01T00:00:00")
NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def first(text: str, count: int = 3, since: datetime = MONDAY) -> list[str]:
    starts = parse_cron(text).starts(since, since + 8000 * DAY)
    return [f"{next(starts):%a %Y-%m-%d %H:%M}" for _ in range(count)]


def test_a_schedule_begins_at_its_times_on_the_days_that_fit():
    assert first("30 9,17 * * mon-fri") == ["Mon 2026-06-01 09:30", "Mon 2026-06-01 17:30", "Tue 2026-06-02 09:30"]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0 0 * * SUN", "0 0 * * 0"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * sat-sun", "0 0 * * 6,7"),
        ("0 0 * * 5-0", "0 0 * * fri,sat,sun"),
        ("0 0 * * 5-7", "0 0 * * fri,sat,sun"),
        ("0 0 * * sun-tue", "0 0 * * 0,1,2"),
        ("0 0 1 jan,Jul *", "0 0 1 1,7 *"),
        ("*/20 8-18/5 * * *", "0,20,40 8,13,18 * * *"),
        ("  0   0 *\t* *  ", "0 0 * * *"),
        ("0 0 * */4 *", "0 0 * 1,5,9 *"),
    ],
)
def test_names_ranges_steps_and_lists_are_numbers_in_short(text, same):
    assert first(text, 40) == first(same, 40)


def test_where_both_days_are_said_either_is_enough():
    assert first("0 0 13 * fri") == ["Fri 2026-06-05 00:00", "Fri 2026-06-12 00:00", "Sat 2026-06-13 00:00"]


def test_a_day_that_begins_with_a_star_narrows_the_other_one_down():
    assert first("0 0 */2 * mon") == ["Mon 2026-06-01 00:00", "Mon 2026-06-15 00:00", "Mon 2026-06-29 00:00"]


def test_the_last_day_of_february_comes_every_four_years():
    assert first("0 0 29 2 *", 1, datetime.fromisoformat("2027-01-01T00:00:00")) == ["Tue 2028-02-29 00:00"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0 fields; allowed are five"),
        ("0 9 * *", "has 4 fields; allowed are five"),
        ("0 0 9 * * mon", "has 6 fields; allowed are five"),
        ("@daily", "has 1 fields; allowed are five"),
        ("60 * * * *", "minute: found 60; allowed are 0 to 59"),
        ("-5 * * * *", "minute: found nothing"),
        ("0 24 * * *", "hour: found 24; allowed are 0 to 23"),
        ("0 0 0 * *", "day of month: found 0; allowed are 1 to 31"),
        ("0 0 L * *", "day of month: found L"),
        ("0 0 15W * *", "day of month: found 15W"),
        ("0 0 ? * mon", "day of month: found ?"),
        ("0 0 * 13 *", "month: found 13; allowed are 1 to 12 or jan to dec"),
        ("0 0 * * 8", "day of week: found 8; allowed are 0 to 7 or sun to sat"),
        ("0 0 * * mon#2", "day of week: found mon#2"),
        ("0 0 * * monday", "day of week: found monday"),
        ("0 0 * * fri-mon", "day of week: the range fri-mon runs backwards"),
        ("0 22-6 * * *", "hour: the range 22-6 runs backwards; write two"),
        ("5/15 * * * *", "minute: the step of 5/15 needs a range, such as 5-59"),
        ("*/0 * * * *", "minute: found the step 0; allowed are 1 to 59"),
        ("*/x * * * *", "minute: found the step x"),
        ("0,,5 * * * *", "minute: found nothing"),
        ("² * * * *", "minute: found ²"),
        ("0 0 30,31 2 *", "this day never comes"),
        ("0 0 31 2,4,jun *", "this day never comes"),
    ],
)
def test_what_is_no_schedule_or_one_of_another_cron_is_refused(text, reason):
    with pytest.raises(ValueError, match=r"\w") as refusal:
        parse_cron(text)
    assert reason in str(refusal.value)


def test_a_day_that_never_comes_is_no_matter_where_a_weekday_is_enough():
    assert first("0 0 31 2 mon", 1) == ["Mon 2027-02-01 00:00"]


sets = st.frozensets
drawn_fields = st.tuples(
    sets(st.integers(0, 59), min_size=1, max_size=4),
    sets(st.integers(0, 23), min_size=1, max_size=4),
    st.none() | sets(st.integers(1, 28), min_size=1, max_size=4),
    st.none() | sets(st.integers(1, 12), min_size=1, max_size=4),
    st.none() | sets(st.integers(0, 6), min_size=1, max_size=4),
)


def text_of(fields: tuple[frozenset[int] | None, ...], *, in_words: bool) -> str:
    minutes, hours, days, months, weekdays = (
        "*" if field is None else ",".join(map(str, sorted(field, reverse=True))) for field in fields
    )
    if in_words:
        months = "*" if fields[3] is None else ",".join(MONTHS[month - 1] for month in fields[3])
        weekdays = "*" if fields[4] is None else ",".join(NAMES[weekday] for weekday in fields[4])
    return f"{minutes} {hours} {days} {months} {weekdays}"


def is_named(fields: tuple[frozenset[int] | None, ...], at: datetime) -> bool:
    """The rule, said once more and for one minute."""
    minutes, hours, days, months, weekdays = fields
    in_month = days is None or at.day in days
    in_week = weekdays is None or at.isoweekday() % 7 in weekdays
    day = in_month or in_week if days is not None and weekdays is not None else in_month and in_week
    return at.minute in minutes and at.hour in hours and day and (months is None or at.month in months)


@settings(max_examples=60, deadline=None)
@given(drawn_fields, st.booleans(), st.dates(date(2020, 1, 1), date(2032, 1, 1)), st.integers(0, 1439))
def test_the_starts_are_the_minutes_that_the_fields_name(fields, in_words, day, minute):
    since = datetime.combine(day, datetime.min.time()) + minute * MINUTE
    minutes = [since + n * MINUTE for n in range(5 * 1440)]

    found = list(parse_cron(text_of(fields, in_words=in_words)).starts(since, since + 5 * DAY))

    assert found == [each for each in minutes if is_named(fields, each)]


@settings(max_examples=60, deadline=None)
@given(drawn_fields, st.dates(date(2020, 1, 1), date(2032, 1, 1)), st.integers(0, 1439), st.integers(1, 4000))
def test_the_latest_start_is_the_last_minute_within_reach_that_the_fields_name(fields, day, minute, within):
    at = datetime.combine(day, datetime.min.time()) + minute * MINUTE
    before = (at - n * MINUTE for n in range(within))

    found = parse_cron(text_of(fields, in_words=False)).latest(at, within * MINUTE)

    assert found == next((each for each in before if is_named(fields, each)), None)
