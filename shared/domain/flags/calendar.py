"""Time windows, and those that come again, with the meaning of Microsoft's time window filter with recurrence.

A day is 24 hours, in one offset from UTC, so that all of it is arithmetic on seconds. A window that comes again has a
first occurrence; the others begin whole days later, in cycles of `every` days or weeks. Within a cycle of weeks it
begins on each of the weekdays, counted from `first_weekday`; those before the first occurrence are none.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from shared.domain.flags.model import During, Recurrence

_DAY = 86_400
_WEEK = 7 * _DAY
_EPOCH_WEEKDAY = 3
"""1970 began on a Thursday."""


@dataclass(frozen=True, slots=True)
class Span:
    """A window that comes once. Seconds since 1970; None: no bound."""

    since: float | None
    until: float | None

    def holds(self, now: float) -> bool:
        """Whether the time is in the window."""
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)

    def next_change(self, now: float) -> float | None:
        """Return when it next begins or ends after `now`, None where it does not any more."""
        return min((bound for bound in (self.since, self.until) if bound is not None and bound > now), default=None)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A window that comes again."""

    origin: float
    """When the cycle of the first occurrence begins: on its first weekday, at the time of day of the window."""
    period: int
    days: tuple[int, ...]
    """When the window begins in a cycle, in seconds, in order."""
    first: int
    """Which of these the first occurrence is."""
    length: float
    last: int | None
    """The number of the last occurrence, the first being 0; None: there is none."""

    def holds(self, now: float) -> bool:
        """Whether the time is in an occurrence."""
        number = self._latest(now)
        return number >= 0 and now < self._begin(number) + self.length

    def next_change(self, now: float) -> float | None:
        """Return when an occurrence next begins or ends after `now`, None where it does not any more."""
        number = self._latest(now)
        moments = [] if self.last is not None and number >= self.last else [self._begin(number + 1)]
        if number >= 0:
            moments.append(self._begin(number) + self.length)
        return min((moment for moment in moments if moment > now), default=None)

    def number_at(self, now: float) -> int:
        """Return the number of the latest occurrence that began by `now`, as if there were no last; -1: none did."""
        cycle, within = divmod(now - self.origin, self.period)
        place = int(cycle) * len(self.days) + bisect_right(self.days, within) - 1
        return max(place - self.first, -1)

    def _latest(self, now: float) -> int:
        number = self.number_at(now)
        return number if self.last is None else min(number, self.last)

    def _begin(self, number: int) -> float:
        cycle, place = divmod(self.first + number, len(self.days))
        return self.origin + cycle * self.period + self.days[place]


Window = Span | Cycle


def window_of(during: During) -> Window:
    """Return the window in seconds. Raises ValueError that says why there is none."""
    since, until = _seconds(during.since), _seconds(during.until)
    if since is None and until is None:
        raise ValueError("neither begins nor ends; allowed is a window with one of them at least")
    if since is not None and until is not None and until <= since:
        raise ValueError("ends before it begins")
    if during.recurrence is None:
        return Span(since, until)
    if since is None or until is None:
        raise ValueError("comes again without a first occurrence; allowed is a window that begins and ends")
    return _cycle(since, until - since, during.recurrence)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _cycle(since: float, length: float, recurrence: Recurrence) -> Cycle:
    if recurrence.every < 1:
        raise ValueError("comes again every 0 times; allowed is 1 or more")
    if recurrence.times is not None and recurrence.times < 1:
        raise ValueError("happens no times; allowed is 1 or more")
    if recurrence.weekdays:
        cycle = _weekly(since, length, recurrence)
    else:
        cycle = Cycle(since, recurrence.every * _DAY, (0,), 0, length, None)
    if length > min(_gaps(cycle)):
        raise ValueError("is longer than the time until it comes again")
    return Cycle(cycle.origin, cycle.period, cycle.days, cycle.first, length, _last(cycle, recurrence))


def _weekly(since: float, length: float, recurrence: Recurrence) -> Cycle:
    local = since + recurrence.offset.total_seconds()
    weekday = (int(local // _DAY) + _EPOCH_WEEKDAY) % 7
    if weekday not in recurrence.weekdays:
        raise ValueError("does not begin on one of its weekdays")
    passed = (weekday - recurrence.first_weekday) % 7 * _DAY
    days = tuple(sorted({(day - recurrence.first_weekday) % 7 * _DAY for day in recurrence.weekdays}))
    return Cycle(since - passed, recurrence.every * _WEEK, days, days.index(passed), length, None)


def _gaps(cycle: Cycle) -> list[int]:
    """Return the time from each beginning to the next."""
    following = (*cycle.days[1:], cycle.days[0] + cycle.period)
    return [after - before for before, after in zip(cycle.days, following, strict=True)]


def _last(cycle: Cycle, recurrence: Recurrence) -> int | None:
    limits = [] if recurrence.times is None else [recurrence.times - 1]
    if recurrence.ends is not None:
        limits.append(cycle.number_at(recurrence.ends.timestamp()))
    if limits and min(limits) < 0:
        raise ValueError("ends before its first occurrence")
    return min(limits, default=None)
