"""Feature filters of Microsoft's feature management: who is in an audience, and when a time window is open."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.buckets import line_of
from shared.domain.flags.model import (
    BY_KEY,
    EVERYBODY,
    WHOLE,
    AnyOf,
    Attribute,
    Clause,
    Condition,
    During,
    Hashing,
    InSegment,
    Json,
    Not,
    Operator,
    Recurrence,
    Segment,
    SegmentRule,
    Share,
    Split,
)
from shared.domain.names import SegmentKey
from shared.wire.findings import shown
from shared.wire.flags.json_logic import NEVER, both, either
from shared.wire.flags.splits import IN
from shared.wire.timestamps import parse_time

GROUPS: Final = Attribute(("groups",))
"""The attribute that lists the groups of who asks; whoever asks is the targeting key."""
TARGETING: Final = "Microsoft.Targeting"
TIME_WINDOW: Final = "Microsoft.TimeWindow"
PERCENTAGE: Final = "Microsoft.Percentage"
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NO_KEY: Final = Clause(attribute=BY_KEY, operator=Operator.IS_SET, negated=True)
SOMEBODY: Final = AnyOf(
    (Clause(attribute=BY_KEY, operator=Operator.IS_SET), Clause(attribute=GROUPS, operator=Operator.IS_SET))
)
"""Without a user and without a group nobody is in an audience."""
_SUNDAY: Final = 6


@dataclass(frozen=True, slots=True)
class Filtered:
    """What a filter says, with the segment that holds a share of users where it needs one."""

    condition: Condition
    segments: tuple[Segment, ...] = ()
    remarks: tuple[str, ...] = ()


def read_filter(flag: str, number: int, value: Any) -> Filtered:
    """Return the condition of one filter. Raises `InvalidError` for one that is broken, or a program of its own."""
    path = f"conditions.client_filters[{number}]"
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise InvalidError(Problem(path, f"found {shown(value)}; allowed is a filter with a name"))
    parameters = value.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidError(Problem(f"{path}.parameters", f"found {shown(parameters)}; allowed is an object"))
    read = _FILTERS.get(name.removeprefix("Microsoft.").removesuffix("Filter"))
    if read is None:
        raise InvalidError(Problem(f"{path}.name", f"the filter {shown(name)} is a program of the application's own"))
    return read(_Filter(flag, number, parameters, f"{path}.parameters"))


@dataclass(frozen=True, slots=True)
class _Filter:
    flag: str
    number: int
    parameters: dict[str, Any]
    path: str

    def refuse(self, name: str, words: str) -> InvalidError:
        return InvalidError(Problem(f"{self.path}.{name}", words))


def _targeting(each: _Filter) -> Filtered:
    audience = each.parameters.get("Audience")
    if not isinstance(audience, dict):
        raise each.refuse("Audience", f"found {shown(audience)}; allowed is an object")
    exclusion = audience.get("Exclusion") or {}
    users, groups = _texts(each, audience, "Users"), audience.get("Groups") or []
    rules = [SegmentRule(condition=among(BY_KEY, users))] if users else []
    for group in groups:
        if not isinstance(group, dict) or not isinstance(group.get("Name"), str):
            raise each.refuse("Audience.Groups", f"found {shown(group)}; allowed is a group with a name")
        weight = percent_weight(each.path, group.get("RolloutPercentage", 0))
        rules += _rollout(among(GROUPS, (group["Name"],)), weight, f"{each.flag}\n{group['Name']}")
    weight = percent_weight(each.path, audience.get("DefaultRolloutPercentage", 0))
    rules += _rollout(SOMEBODY, weight, each.flag)
    segment = Segment(key=segment_key(each.flag, each.number), rules=tuple(rules))
    outside = [
        Not(among(by, names))
        for by, name in ((BY_KEY, "Users"), (GROUPS, "Groups"))
        if (names := _texts(each, exclusion, name))
    ]
    return Filtered(both([*outside, InSegment((segment.key,))]), (segment,))


def segment_key(flag: str, number: int) -> SegmentKey:
    """Return the key of the segment that a flag's filter becomes."""
    return SegmentKey(f"{flag.replace('/', '.')}.filter-{number + 1}")


def _rollout(condition: Condition, weight: int, seed: str) -> Iterator[SegmentRule]:
    """Yield that so many of these are in. Who has no name is hashed there as an empty one."""
    if weight == WHOLE:
        yield SegmentRule(condition=condition)
    elif weight:
        share = Split(shares=(Share(IN, weight), Share(None, WHOLE - weight)), seed=seed, hashing=Hashing.MICROSOFT)
        if share_of_nobody(share) == 0:
            yield SegmentRule(condition=both([condition, _NO_KEY]))
        yield SegmentRule(condition=condition, share=share)


def share_of_nobody(split: Split) -> int:
    """Return the share of who has no name."""
    line = line_of(split)
    return line.share_at(line.place_of(""))


def among(attribute: Attribute, names: tuple[str, ...]) -> Condition:
    """Return that the attribute, or one of its elements, is one of these."""
    values: tuple[Json, ...] = names
    return Clause(attribute=attribute, operator=Operator.IN, values=values)


def _texts(each: _Filter, value: Any, name: str) -> tuple[str, ...]:
    listed = value.get(name) or [] if isinstance(value, dict) else None
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise each.refuse(f"Audience.{name}", "allowed is a list of texts")
    return tuple(listed)


def percent_weight(path: str, percent: Any) -> int:
    """Return the weight of a percentage, to three decimals."""
    if not isinstance(percent, int | float) or isinstance(percent, bool) or not 0 <= percent <= 100:
        raise InvalidError(Problem(path, f"found the percentage {shown(percent)}; allowed is 0 to 100"))
    return round(percent * WHOLE / 100)


def _time_window(each: _Filter) -> Filtered:
    since, until = (_time(each, name) for name in ("Start", "End"))
    if since is None and until is None:
        return Filtered(NEVER, remarks=("a time window without start and end is never open",))
    again = each.parameters.get("Recurrence")
    if since is not None and until is not None and until <= since:
        return Filtered(NEVER, remarks=("a time window that ends before it begins is never open",))
    if not again:
        return Filtered(During(since=since, until=until))
    if since is None or until is None or not isinstance(again, dict):
        raise each.refuse("Recurrence", "goes with Start and End")
    offset = _zoned(str(each.parameters["Start"])).utcoffset() or timedelta()
    return Filtered(During(since=since, until=until, recurrence=_recurrence(each, again, offset)))


def _recurrence(each: _Filter, again: dict[str, Any], offset: timedelta) -> Recurrence:
    pattern, limits = again.get("Pattern") or {}, again.get("Range") or {}
    if not isinstance(pattern, dict) or not isinstance(limits, dict):
        raise each.refuse("Recurrence", "allowed is an object with the objects Pattern and Range")
    is_weekly = pattern.get("Type", "Daily") == "Weekly"
    try:
        days = tuple(sorted(DAYS.index(day) for day in pattern.get("DaysOfWeek") or ())) if is_weekly else ()
        first = DAYS.index(pattern.get("FirstDayOfWeek") or DAYS[_SUNDAY])
    except (ValueError, TypeError) as error:
        raise each.refuse("Recurrence.Pattern", "allowed are the English names of the days") from error
    if is_weekly and not days:
        raise each.refuse("Recurrence.Pattern.DaysOfWeek", "is missing")
    kind = limits.get("Type", "NoEnd")
    return Recurrence(
        every=_count(each, pattern.get("Interval", 1)),
        weekdays=days,
        first_weekday=first,
        times=_count(each, limits.get("NumberOfOccurrences")) if kind == "Numbered" else None,
        ends=_moment(each, limits.get("EndDate")) if kind == "EndDate" else None,
        offset=offset,
    )


def _count(each: _Filter, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise each.refuse("Recurrence", f"found {shown(value)}; allowed is a whole number from 1")
    return value


def _time(each: _Filter, name: str) -> datetime | None:
    value = each.parameters.get(name)
    return _moment(each, value) if value else None


def _moment(each: _Filter, value: Any) -> datetime:
    try:
        return _zoned(str(value)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        words = f"found {shown(value)}; allowed is a time such as Wed, 01 May 2024 12:00:00 GMT"
        raise InvalidError(Problem(each.path, words)) from error


def _zoned(text: str) -> datetime:
    """Return the time in the zone that it is written in."""
    try:
        read = parsedate_to_datetime(text)
    except ValueError:
        parse_time(text)
        read = datetime.fromisoformat(text)
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def _percentage(each: _Filter) -> Filtered:
    weight = percent_weight(each.path, each.parameters.get("Value"))
    share = Split(
        shares=(Share(IN, weight), Share(None, WHOLE - weight)),
        seed=f"{each.flag}\npercentage",
        hashing=Hashing.MICROSOFT,
    )
    segment = Segment(key=segment_key(each.flag, each.number), rules=(SegmentRule(condition=EVERYBODY, share=share),))
    remark = "the percentage filter draws lots at each question; here each user has a fixed place"
    return Filtered(InSegment((segment.key,)), (segment,), (remark,))


_FILTERS: Final[dict[str, Callable[[_Filter], Filtered]]] = {
    "Targeting": _targeting,
    "TimeWindow": _time_window,
    "Percentage": _percentage,
}


def all_or_any(filters: list[Filtered], *, needs_all: bool) -> Condition:
    """Return the condition of all filters together; none of them is no condition."""
    conditions = [each.condition for each in filters]
    if not conditions:
        return EVERYBODY
    return both(conditions) if needs_all else either(conditions)
