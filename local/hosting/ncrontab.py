"""NCRONTAB schedules, the dialect of the timer trigger: `{second} {minute} {hour} {day} {month} {day-of-week}`.

Own code, since the common cron libraries differ where it matters: here a day must fit both its day of
month *and* its day of week, seconds stand first, Sunday is 0 and never 7, and nothing beyond lists,
ranges, steps and names exists. A schedule that those accept and Azure refuses must fail on the laptop.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import product

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_HORIZON = 366 * 8  # in days: spans the longest gap between two 29ths of February


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[int, ...]:
        return tuple(sorted({value for part in text.split(",") for value in self._part(part)}))

    def _part(self, text: str) -> range:
        body, slash, step_text = text.partition("/")
        step = self._number(step_text, 1, self.high, "step") if slash else 1
        if body == "*":
            return range(self.low, self.high + 1, step)
        start_text, dash, end_text = body.partition("-")
        start = self._value(start_text)
        end = self._value(end_text) if dash else self.high if slash else start
        if start > end:
            raise ValueError(f"{self.name}: the range {body[:50]!r} runs backwards")
        return range(start, end + 1, step)

    def _value(self, text: str) -> int:
        short = text.lower()[:3]
        if short in self.names:
            return self.names.index(short) + self.low
        return self._number(text, self.low, self.high, "value")

    def _number(self, text: str, low: int, high: int, what: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"{self.name}: {what} {text[:50]!r} is not a number from {low} to {high}")
        return int(text)


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Ncrontab:
    """When a timer fires; times are in the zone of the moments that are passed in."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @staticmethod
    def parse(expression: str) -> "Ncrontab":
        """Read six fields, or five that fire at second 0. Raises `ValueError` that names the field."""
        fields = expression.split()
        if len(fields) == len(_FIELDS) - 1:
            fields.insert(0, "0")
        if len(fields) != len(_FIELDS):
            raise ValueError(f"schedule {expression[:100]!r} must have six fields (TimeSpans are not supported)")
        return Ncrontab(*(field.parse(text) for field, text in zip(_FIELDS, fields, strict=True)))

    def next_after(self, moment: datetime) -> datetime:
        """Return the first occurrence later than `moment`. Raises `ValueError` when there is none, ever."""
        floor = moment.hour
        for offset in range(_HORIZON):
            day = moment.date() + timedelta(days=offset)
            if not self._fits(day):
                continue
            hours = [hour for hour in self.hours if offset or hour >= floor]
            for hour, minute, second in product(hours, self.minutes, self.seconds):
                candidate = datetime.combine(day, time(hour, minute, second, tzinfo=moment.tzinfo))
                if candidate > moment:
                    return candidate
        raise ValueError("the schedule names a day that never comes")

    def _fits(self, day: date) -> bool:
        return day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays
