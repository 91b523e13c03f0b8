"""Time windows in documents of flags: from, until, and how they come again."""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from shared.domain.flags.model import During, Recurrence
from shared.wire.findings import Part, shown
from shared.wire.flags.members import entries, is_object, one_of, time, time_text, unique, whole

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PERIOD: Final = ("from", "until", "recurrence")
_RECURRENCE: Final = ("every", "weekdays", "firstWeekday", "times", "ends", "offset")
_OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
_MOST_TIMES: Final = 1_000_000
_SUNDAY: Final = 6


def read_period(part: Part) -> During:
    """Read a window whose members are known to be those of `PERIOD`."""
    since, until = time(part.child("from")), time(part.child("until"))
    again = part.child("recurrence")
    if not part.child("from").exists and not part.child("until").exists:
        part.refuse("allowed is from, until or both")
    if since is not None and until is not None and until <= since:
        part.child("until").refuse(f"found {shown(part.child('until').value)}; allowed is later than from")
    if again.exists and not (part.child("from").exists and part.child("until").exists):
        again.refuse("goes with from and until, which name the first occurrence")
    recurrence = _read_recurrence(again) if again.exists else None
    if recurrence is not None and since is not None and until is not None:
        _refuse_unfit(again, During(since=since, until=until, recurrence=recurrence), recurrence)
    return During(since=since, until=until, recurrence=recurrence)


def _read_recurrence(part: Part) -> Recurrence | None:
    if not is_object(part, _RECURRENCE):
        return None
    days = entries(part.child("weekdays"), at_most=len(WEEKDAYS))
    unique(days)
    has_end = part.child("times").exists
    return Recurrence(
        every=whole(part.child("every"), at_least=1, at_most=1000, default=1),
        weekdays=tuple(WEEKDAYS.index(one_of(day, WEEKDAYS, WEEKDAYS[0])) for day in days),
        first_weekday=WEEKDAYS.index(one_of(part.child("firstWeekday"), WEEKDAYS, WEEKDAYS[_SUNDAY])),
        times=whole(part.child("times"), at_least=1, at_most=_MOST_TIMES, default=1) if has_end else None,
        ends=time(part.child("ends")),
        offset=part.child("offset").read(_offset, timedelta()),
    )


def _refuse_unfit(part: Part, period: During, recurrence: Recurrence) -> None:
    """Refuse occurrences that would run into one another, or of which the first is none."""
    if period.since is None or period.until is None:
        return
    length = period.until - period.since
    cycle = timedelta(days=recurrence.every * (7 if recurrence.weekdays else 1))
    first = (period.since + recurrence.offset).weekday()
    if recurrence.weekdays and first not in recurrence.weekdays:
        part.child("weekdays").refuse(f"the window begins on a {WEEKDAYS[first]}; allowed are days with that one")
    if length > min(cycle, *_gaps(recurrence, cycle)):
        part.refuse("the window is longer than the time until it comes again")
    if recurrence.ends is not None and recurrence.ends < period.since:
        part.child("ends").refuse("allowed is not before from")


def _gaps(recurrence: Recurrence, cycle: timedelta) -> list[timedelta]:
    """Return how long it is from each day of a cycle to the next."""
    days = sorted((day - recurrence.first_weekday) % 7 for day in recurrence.weekdays)
    within = [timedelta(days=after - before) for before, after in pairwise(days)]
    around = [cycle - timedelta(days=days[-1] - days[0])] if days else []
    return [*within, *around, cycle]


def _offset(value: Any) -> timedelta:
    match = _OFFSET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("allowed is an offset from UTC such as +01:00")
    span = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -span if match[1] == "-" else span


def period_document(period: During) -> dict[str, Any]:
    """Return what `read_period` reads."""
    document: dict[str, Any] = {}
    if period.since is not None:
        document["from"] = time_text(period.since)
    if period.until is not None:
        document["until"] = time_text(period.until)
    if period.recurrence is not None:
        document["recurrence"] = _recurrence_document(period.recurrence)
    return document


def _recurrence_document(recurrence: Recurrence) -> dict[str, Any]:
    document: dict[str, Any] = {"every": recurrence.every}
    if recurrence.weekdays:
        document["weekdays"] = [WEEKDAYS[day] for day in recurrence.weekdays]
    if recurrence.first_weekday != _SUNDAY:
        document["firstWeekday"] = WEEKDAYS[recurrence.first_weekday]
    if recurrence.times is not None:
        document["times"] = recurrence.times
    if recurrence.ends is not None:
        document["ends"] = time_text(recurrence.ends)
    if recurrence.offset:
        document["offset"] = _offset_text(recurrence.offset)
    return document


def _offset_text(offset: timedelta) -> str:
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"
