"""NCRONTAB schedules as the timer trigger reads them."""

from datetime import UTC, datetime

import pytest

from local.hosting.ncrontab import Ncrontab

SUNDAY_NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("* * * * * *", "2026-11-22T12:00:00", "2026-11-22T12:00:01"),
        ("*/15 * * * * *", "2026-11-22T12:00:46", "2026-11-22T12:01:00"),
        ("0 */5 * * * *", "2026-11-22T12:00:00", "2026-11-22T12:05:00"),
        ("0 7/20 * * * *", "2026-11-22T12:08:00", "2026-11-22T12:27:00"),
        ("0 0 3 * * *", "2026-11-22T12:00:00", "2026-11-23T03:00:00"),
        ("0 30 9 * * Mon-Fri", "2026-11-20T10:00:00", "2026-11-23T09:30:00"),
        ("0 30 9 * JAN Mon", "2026-11-22T12:00:00", "2027-01-04T09:30:00"),
        ("0 0 0 1,15 * *", "2026-11-22T12:00:00", "2026-12-01T00:00:00"),
        ("0 0 0 13 * 5", "2026-11-22T12:00:00", "2027-08-13T00:00:00"),
        ("0 0 0 29 2 *", "2026-11-22T12:00:00", "2028-02-29T00:00:00"),
        ("*/5 * * * *", "2026-11-22T12:00:00", "2026-11-22T12:05:00"),
        ("59 59 23 31 12 *", "2026-12-31T23:59:59", "2027-12-31T23:59:59"),
    ],
)
def test_the_next_occurrence_is_the_first_later_one(expression, after, expected):
    assert Ncrontab.parse(expression).next_after(at(after)) == at(expected)


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("60 * * * * *", "second"),
        ("0 0 24 * * *", "hour"),
        ("0 0 0 0 * *", "day"),
        ("0 0 0 * 13 *", "month"),
        ("0 0 0 * * 7", "day of week"),
        ("0 0 0 * * fri-mon", "backwards"),
        ("0 */0 * * * *", "step"),
        ("0 x * * * *", "minute"),
        ("00:05:00", "six fields"),
        ("@hourly", "six fields"),
        ("0 0 0 L * *", "day"),
    ],
)
def test_what_azure_would_refuse_is_refused_with_the_field_named(expression, named):
    with pytest.raises(ValueError, match=named):
        Ncrontab.parse(expression)


def test_a_day_that_never_comes_is_an_error_and_no_endless_search():
    with pytest.raises(ValueError, match="never comes"):
        Ncrontab.parse("0 0 0 30 2 *").next_after(SUNDAY_NOON)
