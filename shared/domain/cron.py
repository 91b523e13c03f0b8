"""Cron schedules of five fields, as Vixie cron reads them: minute, hour, day of month, month, day of week.

A field is `*`, a number, a name, a range or a list of these; `*` and ranges may have a step. Where both the day of
month and the day of week say something (do not begin with `*`), a day needs to fit one of them only; else both. Sunday
is 0 and 7. What other crons have beyond that (`L`, `W`, `#`, `?`, `@daily`, a step behind a single number, seconds,
years) is refused, since its users would get another time than they meant.

A schedule knows no time zone: its moments are what a clock on the wall shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> frozenset[int]:
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def _part(self, text: str) -> range:
        body, slash, step_text = text.partition("/")
        step = self._step(step_text) if slash else 1
        if body == "*":
            return range(self.low, self.high + 1, step)
        low_text, dash, high_text = body.partition("-")
        if slash and not dash:
            raise ValueError(f"{self.name}: the step of {text:.20} needs a range, such as {body:.10}-{self.high}")
        low = self._value(low_text)
        high = self._value(high_text) if dash else low
        if self.names is _WEEKDAYS and low > high == 0:
            high = 7
        if low > high:
            raise ValueError(f"{self.name}: the range {body:.20} runs backwards; write two, with a comma between")
        return range(low, high + 1, step)

    def _value(self, text: str) -> int:
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.low
        if not (_is_number(text) and self.low <= int(text) <= self.high):
            names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise ValueError(
                f"{self.name}: found {text[:20] or 'nothing'}; allowed are {self.low} to {self.high}{names}, "
                "*, ranges, lists and steps"
            )
        return int(text)

    def _step(self, text: str) -> int:
        if not (_is_number(text) and 1 <= int(text) <= self.high):
            raise ValueError(f"{self.name}: found the step {text[:20] or 'nothing'}; allowed are 1 to {self.high}")
        return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 2


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True)
class Cron:
    """When something begins, again and again, by the clock on the wall."""

    text: str
    """As it was written, with single spaces."""

    def __post_init__(self) -> None:
        """Refuse what is no schedule, and one that names a day that never comes, with a ValueError that says why."""
        if not self._days_that_come:
            raise ValueError("this day never comes: no month that is named has so many days")

    @cached_property
    def _fields(self) -> tuple[frozenset[int], ...]:
        texts = self.text.split(" ") if self.text else []
        if len(texts) != len(_FIELDS):
            raise ValueError(
                f"has {len(texts)} fields; allowed are five (minute, hour, day of month, month, day of week), such as "
                "0 9 * * mon-fri"
            )
        return tuple(field.parse(text) for field, text in zip(_FIELDS, texts, strict=True))

    @cached_property
    def _days_that_come(self) -> bool:
        _, _, days, months, _ = self._fields
        return self._either_day or any(min(days) <= _LONGEST_MONTHS[month - 1] for month in months)

    @cached_property
    def _either_day(self) -> bool:
        _, _, days, _, weekdays = self.text.split(" ")
        return not (days.startswith("*") or weekdays.startswith("*"))

    @cached_property
    def times(self) -> tuple[time, ...]:
        """The times at which it begins on each day that fits, in order."""
        minutes, hours, *_ = self._fields
        return tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes))

    def fits(self, day: date) -> bool:
        """Whether it begins on this day."""
        _, _, days, months, weekdays = self._fields
        in_month = day.day in days
        in_week = day.isoweekday() in weekdays or (day.isoweekday() == 7 and 0 in weekdays)
        return day.month in months and (in_month or in_week if self._either_day else in_month and in_week)

    def starts(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Return every start in `[since, until)`, in order; all three are what the clock shows."""
        for offset in range((until.date() - since.date()).days + 1):
            day = since.date() + offset * _DAY
            if self.fits(day):
                starts = (datetime.combine(day, at) for at in self.times)
                yield from (start for start in starts if since <= start < until)

    def latest(self, at: datetime, within: timedelta) -> datetime | None:
        """Return the latest start that is not after `at` and less than `within` before it, or None."""
        for offset in range((at.date() - (at - within).date()).days + 1):
            day = at.date() - offset * _DAY
            if self.fits(day):
                starts = (datetime.combine(day, each) for each in reversed(self.times))
                latest = next((start for start in starts if start <= at), None)
                if latest is not None:
                    return latest if at - latest < within else None
        return None


def parse_cron(text: str) -> Cron:
    """Return the schedule. Raises ValueError that names the field and says what is allowed."""
    return Cron(" ".join(text.split()))
