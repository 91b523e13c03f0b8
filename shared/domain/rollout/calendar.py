"""When a release may begin and go on: windows that allow it, and windows that deny it.

A deny window wins over every allow window. Where an action has allow windows at all, it waits for one of them. Taking
users back is none of the actions: no calendar ever holds it up.

A window is open whenever the clock on the wall of its time zone shows a time in it. So `0 9 * * *` for 8 hours ends at
17:00 on every day of the year, and a freeze of 63 hours from Friday 17:00 on always ends on Monday at 08:00. Where the
clock is put forward, times that it never shows open nothing: a window that begins in the gap begins when the clock
jumps, one that lies in the gap as a whole does not happen. Where it is put back, a time shown twice is open twice.

The rules of a time zone come from outside, as a `tzinfo`: they change with politics, not with the release.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from shared.domain.cron import Cron

HORIZON = timedelta(days=366)
"""No opening is looked for any further ahead."""
_SOON = timedelta(days=8)
"""How far is looked at first, since most calendars repeat within a week."""
_STRIDE = timedelta(days=32)
_WIDEST = timedelta(days=1)
"""More than any clock on a wall is ahead of or behind UTC."""
_SECOND = timedelta(seconds=1)


class WindowKind(StrEnum):
    """What a window does."""

    ALLOW = "allow"
    DENY = "deny"


class ReleaseAction(StrEnum):
    """What a window can hold up."""

    START = "start"
    """A rollout begins."""
    ADVANCE = "advance"
    """It goes on to the next weight."""
    PROMOTE = "promote"
    """Its candidate becomes the version for everyone."""


@dataclass(frozen=True, slots=True)
class TimeZone:
    """A time zone of the IANA's list."""

    name: str
    rules: tzinfo | None = field(compare=False, repr=False)
    """None: this machine does not know the zone (any more). Its deny windows are taken as open, its allow windows as
    closed."""


@dataclass(frozen=True, slots=True)
class Recurring:
    """Open for `duration`, by the clock on the wall, from each moment of the schedule on."""

    cron: Cron
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Once:
    """Open from `since` on and before `until`: what the clock on the wall shows, so without a zone of their own."""

    since: datetime
    until: datetime


Times = Recurring | Once


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseWindow:
    """A time in which some actions of a release are allowed, or denied."""

    name: str
    kind: WindowKind
    times: Times
    zone: TimeZone
    actions: tuple[ReleaseAction, ...] = tuple(ReleaseAction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An action that has to wait, and for which window."""

    action: ReleaseAction
    kind: WindowKind
    """`deny`: the window is open and holds it. `allow`: the window is not open, and would let it."""
    window: str
    """The first deny window that is open; else the allow window that lets it, or the first one if none does in time."""
    until: datetime | None
    """When the action is allowed again, in UTC; None: at no time within `HORIZON`."""

    @property
    def why(self) -> str:
        """The reason, for people."""
        opening = "at no time within a year" if self.until is None else f"at {self.until:%Y-%m-%d %H:%M:%S} UTC"
        if self.kind is WindowKind.DENY:
            return f"release window {self.window} denies {self.action}; it is allowed again {opening}"
        return f"outside release window {self.window}, which allows {self.action}; it is allowed again {opening}"


def held_until(windows: tuple[ReleaseWindow, ...], action: ReleaseAction, now: datetime) -> Held | None:
    """Return what holds the action now, and until when; None where it is allowed."""
    concerned = _concerned(windows, action)
    holder = _holder(concerned, now)
    if holder is None:
        return None
    until = next((at for at in _turns(concerned, now) if _holder(concerned, at) is None), None)
    if until is not None and holder.kind is WindowKind.ALLOW:
        holder = next(window for window in _of_kind(concerned, WindowKind.ALLOW) if is_open(window, until))
    return Held(action=action, kind=holder.kind, window=holder.name, until=until)


def next_change(windows: tuple[ReleaseWindow, ...], action: ReleaseAction, now: datetime) -> datetime | None:
    """Return when the action, held now, is allowed, or, allowed now, is held; None: not within `HORIZON`."""
    concerned = _concerned(windows, action)
    held = _holder(concerned, now) is not None
    return next((at for at in _turns(concerned, now) if (_holder(concerned, at) is not None) != held), None)


def is_open(window: ReleaseWindow, at: datetime) -> bool:
    """Whether the clock on the window's wall shows a time in it."""
    if window.zone.rules is None:
        return window.kind is WindowKind.DENY
    shown = at.astimezone(window.zone.rules).replace(tzinfo=None)
    match window.times:
        case Once(since, until):
            return since <= shown < until
        case Recurring(cron, duration):
            return cron.latest(shown, duration) is not None


def over_since(window: ReleaseWindow, now: datetime) -> datetime | None:
    """Return what the clock on the window's wall showed when it was over for good; None for one that may open yet."""
    if window.zone.rules is None or isinstance(window.times, Recurring):
        return None
    until = window.times.until
    return until if until <= now.astimezone(window.zone.rules).replace(tzinfo=None) else None


def _concerned(windows: tuple[ReleaseWindow, ...], action: ReleaseAction) -> tuple[ReleaseWindow, ...]:
    return tuple(window for window in windows if action in window.actions)


def _of_kind(windows: tuple[ReleaseWindow, ...], kind: WindowKind) -> tuple[ReleaseWindow, ...]:
    return tuple(window for window in windows if window.kind is kind)


def _holder(windows: tuple[ReleaseWindow, ...], at: datetime) -> ReleaseWindow | None:
    """Return the window that stands in the way; of allow windows, none of which is open, the first."""
    for window in _of_kind(windows, WindowKind.DENY):
        if is_open(window, at):
            return window
    allowing = _of_kind(windows, WindowKind.ALLOW)
    return None if any(is_open(window, at) for window in allowing) else next(iter(allowing), None)


def _turns(windows: tuple[ReleaseWindow, ...], now: datetime) -> Iterator[datetime]:
    """Return every instant after now, in UTC and in order, at which a window may open or close, up to `HORIZON`."""
    since, end = now.astimezone(UTC), now.astimezone(UTC) + HORIZON
    stride = _SOON
    while since < end:
        until = min(since + stride, end)
        found = {at for window in windows for at in _edges(window, since, until) if since < at <= until}
        yield from sorted(found)
        since, stride = until, _STRIDE


def _edges(window: ReleaseWindow, since: datetime, until: datetime) -> Iterator[datetime]:
    """Return the instants in `[since, until]` at which the window may open or close, and perhaps some around them."""
    rules = window.zone.rules
    if rules is None:
        return
    first, last = (at.replace(tzinfo=None) for at in (since - _WIDEST, until + _WIDEST))
    match window.times:
        case Once():
            for shown in (window.times.since, window.times.until):
                if first <= shown <= last:
                    yield from _instants(shown, rules)
        case Recurring(cron, duration):
            for start in cron.starts(first, last):
                yield from _instants(start, rules)
            for start in cron.starts(first - duration, last - duration):
                yield from _instants(start + duration, rules)


def _instants(shown: datetime, rules: tzinfo) -> tuple[datetime, ...]:
    """Return when the clock shows this; with them, or instead of them, when it is put back over it, or forward past it.

    By PEP 495 a time in the gap has the old offset with fold 0, and with fold 1 the new one; a time that is shown twice
    means the first with fold 0.
    """
    first, second = (shown.replace(tzinfo=rules, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return (first,)
    if first < second:
        return first, _clock_change(first, second, rules), second
    return (_clock_change(second, first, rules),)


def _clock_change(before: datetime, after: datetime, rules: tzinfo) -> datetime:
    """Return the instant after the one and not after the other at which the clock is put forward or back."""
    old = before.astimezone(rules).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(rules).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
