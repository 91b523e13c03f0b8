"""Making a schedule that breaks a law smaller, as long as it breaks the same one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.simulation.protocol.outcome import run
from tests.simulation.protocol.schedule import Recipe, Schedule

RUNS_AT_MOST = 400
"""A schedule takes some hundredth of a second; so many of them are a wait that a person bears."""
LISTS = ("faults", "moves", "switches")
_LESS = (
    "hooks",
    "windows",
    "pushed",
    "notifies",
    "previews",
    "hold_back",
    "warm_minutes",
    "targets",
    "otherwise",
    "strategy",
)


def shrink(schedule: Schedule, law: str, *, breaks: Callable[[Schedule], str] | None = None) -> Schedule:
    """Return a schedule that breaks the law too, and of which no part can be left out, as far as was tried."""
    law_of = breaks or (lambda tried: run(tried).law)
    left = RUNS_AT_MOST

    def still(tried: Schedule) -> bool:
        nonlocal left
        left -= 1
        return left > 0 and law_of(tried) == law

    changed = True
    while changed and left > 0:
        changed = False
        for tried in _simpler(schedule):
            if still(tried):
                schedule, changed = tried, True
        for name in LISTS:
            smaller = _with_fewer(schedule, name, still)
            changed, schedule = changed or smaller != schedule, smaller
    return schedule


def _with_fewer(schedule: Schedule, name: str, still: Callable[[Schedule], bool]) -> Schedule:
    """Return the schedule without the items of one list that it does as well without."""

    def as_well(kept: tuple[Any, ...]) -> bool:
        return still(replace(schedule, **{name: kept}))

    return replace(schedule, **{name: _without(getattr(schedule, name), as_well)})


def _without(items: tuple[Any, ...], still: Callable[[tuple[Any, ...]], bool]) -> tuple[Any, ...]:
    """Leave out as much as can be: halves first, then quarters, down to one by one."""
    size = max(1, len(items) // 2)
    while items:
        at = 0
        while at < len(items):
            tried = items[:at] + items[at + size :]
            if still(tried):
                items = tried
            else:
                at += size
        if size == 1:
            return items
        size = max(1, size // 2)
    return items


def _simpler(schedule: Schedule) -> Iterator[Schedule]:
    """Yield worlds with less in them."""
    plain = Recipe()
    yield from (replace(schedule, apps=schedule.apps[:1]),) if len(schedule.apps) > 1 else ()
    yield from (replace(schedule, real_wire=False),) if schedule.real_wire else ()
    yield from (replace(schedule, latency=0.0),) if schedule.latency else ()
    yield from (replace(schedule, skews=(0.0,) * len(schedule.skews)),) if any(schedule.skews) else ()
    yield from (replace(schedule, skews=schedule.skews[:-1]),) if len(schedule.skews) > 1 else ()
    for at, recipe in enumerate(schedule.apps):
        for name in _LESS:
            if getattr(recipe, name) != getattr(plain, name):
                simpler = replace(recipe, **{name: getattr(plain, name)})
                yield replace(schedule, apps=(*schedule.apps[:at], simpler, *schedule.apps[at + 1 :]))
