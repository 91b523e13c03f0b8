"""Release windows by name. The story begins at noon, and its first rollout asks its windows a second after that."""

from datetime import datetime, timedelta

from shared.domain.cron import parse_cron
from shared.domain.rollout.calendar import Once, Recurring, ReleaseAction, ReleaseWindow, Times, WindowKind
from shared.wire.time_zones import UTC_ZONE

DAY = datetime(2026, 11, 23)  # noqa: DTZ001 - what a clock on the wall shows
EVERY = tuple(ReleaseAction)


def _window(kind: WindowKind, times: Times, *actions: ReleaseAction) -> ReleaseWindow:
    return ReleaseWindow(name=f"{kind}-{len(actions)}", kind=kind, times=times, zone=UTC_ZONE, actions=actions or EVERY)


def _again(cron: str, minutes: int) -> Recurring:
    return Recurring(parse_cron(cron), timedelta(minutes=minutes))


def _once(first: int, last: int) -> Once:
    """Return the minutes of the story in which it is open."""
    noon = DAY + timedelta(hours=12)
    return Once(noon + timedelta(minutes=first), noon + timedelta(minutes=last))


_ALLOW, _DENY = WindowKind.ALLOW, WindowKind.DENY
CALENDARS: dict[str, tuple[ReleaseWindow, ...]] = {
    "none": (),
    "half hours": (_window(_ALLOW, _again("0,30 * * * *", 3)),),
    "soon": (_window(_ALLOW, _again("3,33 * * * *", 20)),),
    "freeze": (_window(_DENY, _once(2, 17)),),
    "no promotion": (_window(_DENY, _again("2 * * * *", 30), ReleaseAction.PROMOTE),),
    "starts": (_window(_ALLOW, _again("2,32 * * * *", 4), ReleaseAction.START),),
    "steps": (
        _window(_ALLOW, _again("*/30 * * * *", 25), ReleaseAction.ADVANCE, ReleaseAction.PROMOTE),
        _window(_DENY, _again("2,32 * * * *", 6), ReleaseAction.ADVANCE),
    ),
    "over": (_window(_ALLOW, _once(0, 3)),),
}
"""Each opens again within the hour, but for the one that is over: what comes after it waits for a person."""
