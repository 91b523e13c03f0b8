"""Too few requests for a verdict by the end of a bake: what the spec says is done. Nothing here advances."""

from datetime import datetime, timedelta

from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import BakeExtended
from shared.domain.rollout.spec import Bake, LowTraffic, Outcome, Spec
from shared.domain.rollout.state import Rollout
from shared.domain.rollout.steps import time_out
from shared.domain.rollout.timing import REMINDER
from shared.domain.rollout.weight import to_percent

EXTENSIONS_AT_MOST = 3


def bake_ends(live: Rollout, bake: Bake) -> datetime:
    """Return until when there must be a verdict.

    An extended bake ends its longest time after requests were last what it lacked: what else is in the way by then has
    not been waited for. One that a release window holds has its whole time again when that opens.
    """
    assert live.baking_since is not None
    since = max(live.baking_since, live.opens_at or live.baking_since)
    if live.bake_until is None:
        return since + bake.maximum
    return min(live.bake_until, (live.lacked_at or since) + bake.maximum)


def is_excused(live: Rollout, bake: Bake, now: datetime) -> bool:
    """Whether it is for want of requests that there is no verdict at the end of a bake."""
    if live.bake_until is None:
        return live.lacks_traffic
    return live.lacked_at is not None and now < live.lacked_at + bake.maximum


def wait_for_traffic(draft: Draft, live: Rollout, spec: Spec, bake: Bake) -> None:
    """Go on judging at this weight, and tell people; or ask a person."""
    few = f"too few requests for a verdict at {to_percent(live.weight):g} %"
    match spec.judging.low_traffic:
        case LowTraffic.ASK:
            time_out(draft, live, Outcome.PAUSE, few)
        case LowTraffic.EXTEND if live.extensions < EXTENSIONS_AT_MOST:
            _extend(draft, live, bake.maximum, few)
        case LowTraffic.HOLD | LowTraffic.EXTEND | LowTraffic.BIGGER_FIRST_STEP:
            _extend(draft, live, REMINDER, few)


def _extend(draft: Draft, live: Rollout, by: timedelta, few: str) -> None:
    until = draft.now + by
    why = f"{few}: it stays there and is judged on, until {until:%F %H:%M} UTC at least"
    draft.record(BakeExtended(at=draft.now, rollout=live.id, step=live.step, until=until, why=why))
