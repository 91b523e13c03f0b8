"""While users meet the candidate: verify it, keep its weight, judge it, and move on or back."""

from datetime import datetime

from shared.domain.names import Version
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.guarding import stand_guard
from shared.domain.rollout.holding_back import let_go_where_replaced, let_go_where_silent
from shared.domain.rollout.low_traffic import bake_ends
from shared.domain.rollout.moving_on import may_move_on, moved_on
from shared.domain.rollout.needs import place_of_candidate
from shared.domain.rollout.on_release import waits_for_release
from shared.domain.rollout.plan import Bakes
from shared.domain.rollout.preparing import keep_previews
from shared.domain.rollout.preparing import moved_on as preparation_moved_on
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.settle import end_promotion
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Doing, Phase, Rollout, TargetState
from shared.domain.rollout.steps import fail_replaced
from shared.domain.rollout.timing import REMINDER, next_window
from shared.domain.rollout.windows import look_at_calendar


def decide_watch(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """Decide on what was seen of a rollout that bakes or waits for approval."""
    if _is_replaced(draft, live, readings):
        return
    for target in live.targets:
        if target.is_exposed:
            _keep_weight(draft, live, target, readings)
            _keep_audience(draft, live, target, readings)
    keep_previews(draft, live, readings)
    let_go_where_replaced(draft, live, readings)
    if live.doing is Doing.BAKING:
        let_go_where_silent(draft, live, spec, readings)
    if stand_guard(draft, live, spec, readings):
        return
    judged = draft.state.live
    assert judged is not None
    if judged.held_since is None and moved_on(draft, judged, spec, readings):
        return
    _look_again(draft, live, spec)


def decide_news(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """Judge the windows that came, and take back at once what is degraded.

    Nothing moves on by news alone: what would is looked at at once, with the versions that are served.
    """
    if stand_guard(draft, live, spec, readings):
        return
    judged = draft.state.live
    if draft.is_empty or judged is None or (judged.look_at is not None and judged.look_at <= draft.now):
        return
    at = draft.now if may_move_on(draft, judged, spec) else _next_look(judged, spec, draft.now)
    draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=at))


def decide_shifting(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """While routers are being told a weight: nothing advances, but the users who are there are looked after.

    Where that weight is everyone, after a promotion was judged healthy, its arrival ends the rollout.
    """
    if _is_replaced(draft, live, readings):
        return
    let_go_where_replaced(draft, live, readings)
    if stand_guard(draft, live, spec, readings):
        return
    if live.doing is Doing.RELEASING and _was_read(draft, live, readings) and end_promotion(draft):
        return
    if live.doing is Doing.PREPARING and preparation_moved_on(draft, live, readings):
        return
    _look_again(draft, live, spec)


def _was_read(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Whether every router was read, and what was not as wanted is being put right: the last look before a success."""
    for target in live.targets:
        _keep_weight(draft, live, target, readings)
    return not any(isinstance(readings.share(target.name), Trouble) for target in live.targets)


def _is_replaced(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Whether it is taken back, because a place that should hold the candidate serves something else.

    Beyond the point of no return it is not: it stops, once, and its users are looked after.
    """
    for target in live.targets:
        found = readings.version(target.name, place_of_candidate(target))
        if isinstance(found, Trouble) or found == live.version or (live.no_return and live.phase is Phase.PAUSED):
            continue
        fail_replaced(draft, live, target.name, Version(found))
        return not live.no_return
    return False


def _keep_weight(draft: Draft, live: Rollout, target: TargetState, readings: Readings) -> None:
    share = readings.share(target.name)
    if isinstance(share, Trouble) or not target.is_settled or target.seen(share) == target.observed:
        return
    if draft.state.is_being_set(live.id, target.name):
        return
    draft.record(
        e.DriftFound(at=draft.now, rollout=live.id, target=target.name, found=target.seen(share), wanted=target.wanted)
    )


def _keep_audience(draft: Draft, live: Rollout, target: TargetState, readings: Readings) -> None:
    seen = readings.audience(target.name)
    if not target.had_audience or isinstance(seen, Trouble) or not target.is_settled or seen.mark == target.audience:
        return
    draft.record(
        e.AudienceMoved(at=draft.now, rollout=live.id, target=target.name, found=seen.mark, wanted=target.audience)
    )


def _look_again(draft: Draft, live: Rollout, spec: Spec) -> None:
    """Say when to look next; news that came to nothing changes nothing about that."""
    after = draft.state.live
    if after is None or (draft.is_empty and live.look_at is None):
        return
    came_to_nothing = draft.is_empty and live.look_at is not None and live.look_at > draft.now
    at = live.look_at if came_to_nothing and live.look_at is not None else _next_look(after, spec, draft.now)
    draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=at, checked=True))


def _next_look(live: Rollout, spec: Spec, now: datetime) -> datetime:
    """Return when there is something new: a window, the end of the least bake, or a deadline."""
    times = [now + REMINDER]
    if live.is_exposed or live.approved or live.is_let_on:
        times.append(next_window(spec.measuring, now))
    if live.opens_at is not None:
        times.append(look_at_calendar(live.opens_at, now))
    if live.held_since is None:
        current = live.plan[live.step]
        if waits_for_release(live) and live.member is not None:
            times += [live.member.silent_until, live.deadline or now]
        if live.gate_deadline is not None:
            times.append(live.gate_deadline)
        if live.baking_since is not None and isinstance(current, Bakes):
            times.append(live.baking_since + current.bake.minimum)
            times.append(bake_ends(live, current.bake))
    return min(at for at in times if at > now)
