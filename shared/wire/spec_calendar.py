"""The release windows of a release spec: when a rollout may begin and go on."""

from datetime import datetime
from typing import Any, Final

from shared.domain.cron import Cron, parse_cron
from shared.domain.rollout.calendar import Once, Recurring, ReleaseAction, ReleaseWindow, Times, WindowKind
from shared.wire.durations import SECOND, format_duration, parse_duration
from shared.wire.findings import Part, found, refuse_repeats
from shared.wire.time_zones import UTC_ZONE, parse_time_zone

MOST_STARTS: Final = 48
"""So often a day all windows of a spec together may begin: a year of them is looked through in about a second."""

_NEVER: Final = Once(datetime.min, datetime.min)  # noqa: DTZ901 - what a clock shows has no zone
"""Stands for times that were refused."""


def read_calendar(part: Part) -> tuple[ReleaseWindow, ...]:
    """Read `releaseWindows`. Names are their own; no actions means all; times are those of the zone, or UTC."""
    windows = part.children()
    names = tuple(window.child("name") for window in windows)
    refuse_repeats(names, lambda name: name.value, "allowed is a name that no release window before it has")
    read = tuple(_read_window(window) for window in windows)
    starts = sum(len(window.times.cron.times) for window in read if isinstance(window.times, Recurring))
    if starts > MOST_STARTS:
        part.refuse(
            f"these windows begin {starts} times a day; allowed are {MOST_STARTS} for all together: name fewer minutes "
            "or hours, and let each window last longer"
        )
    return read


def _read_window(part: Part) -> ReleaseWindow:
    kind = WindowKind.ALLOW if part.child("allow").exists else WindowKind.DENY
    actions = part.child("actions").children()
    return ReleaseWindow(
        name=part.child("name").read(str, ""),
        kind=kind,
        times=_read_times(part.child(kind), part.child("for")),
        zone=part.child("timeZone").read(parse_time_zone, UTC_ZONE),
        actions=tuple(action.read(ReleaseAction, ReleaseAction.START) for action in actions) or tuple(ReleaseAction),
    )


def _read_times(part: Part, duration: Part) -> Times:
    if isinstance(part.value, dict):
        return _read_once(part)
    cron: Cron | None = part.read(parse_cron, None)
    return _NEVER if cron is None else Recurring(cron, duration.read(parse_duration, SECOND))


def _read_once(part: Part) -> Once:
    since, until = part.child("from"), part.child("until")
    once = Once(since.read(_shown, _NEVER.since), until.read(_shown, _NEVER.until))
    if part.is_sound and until.exists and once.until <= once.since:
        until.refuse(f"{found(until.path, until.value)}allowed is later than from, {once.since.isoformat()}")
    return once


def _shown(text: str) -> datetime:
    """Return what a clock on the wall shows. The schema has seen to the form."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("there is no such day or time") from error


def render_calendar(windows: tuple[ReleaseWindow, ...]) -> list[dict[str, Any]]:
    """Return the entries of `releaseWindows`, with every default written out."""
    return [_window(window) for window in windows]


def _window(window: ReleaseWindow) -> dict[str, Any]:
    return {
        "name": window.name,
        **_times(window.kind, window.times),
        "timeZone": window.zone.name,
        "actions": [action.value for action in window.actions],
    }


def _times(kind: WindowKind, times: Times) -> dict[str, Any]:
    match times:
        case Recurring(cron, duration):
            return {kind.value: cron.text, "for": format_duration(duration)}
        case Once(since, until):
            return {kind.value: {"from": since.isoformat(), "until": until.isoformat()}}
