"""Before a swap: the slot runs with production's settings, and must be seen well with them."""

from datetime import timedelta

from shared.domain.names import TargetName
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.plan import Prepare
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.spec import Place
from shared.domain.rollout.state import Rollout, Side, TargetState
from shared.domain.rollout.steps import enter_step
from shared.domain.rollout.timing import SETTLE_LOOK, rarer
from shared.domain.rollout.windows import held_before, next_look_while_held, note_held


def keep_previews(draft: Draft, live: Rollout, readings: Readings) -> None:
    """Begin a swap with preview again where somebody else ended it: what is verified is what will be in production."""
    for target in live.targets:
        found = readings.preview(target.name)
        is_kept = target.has_preview_as_wanted and target.side is Side.STABLE
        if target.prepares and is_kept and isinstance(found, Preview) and found is not Preview.PENDING:
            moved = e.PreviewMoved(
                at=draft.now, rollout=live.id, target=target.name, found=found, wanted=Preview.PENDING
            )
            draft.record(moved)


def moved_on(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Enter the next step once every slot was seen well often enough in a row and no window holds it; else look again.

    Returns whether that decided the look: a rollout that is held is only watched.
    """
    if live.held_since is not None:
        return False
    keep_previews(draft, live, readings)
    after = draft.state.live
    assert after is not None
    assert after.spec is not None
    if not all(target.has_preview_as_wanted for target in after.targets):
        # Who sets the preview answers; this look is for an answer that never comes.
        draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=draft.now + SETTLE_LOOK, checked=True))
        return True
    prepared = tuple(target for target in after.targets if target.prepares)
    passes = {target.name: _passes(after, target, readings) for target in prepared}
    checks = {target.name: after.spec.target(target.name).health for target in prepared}
    if all(passes[name] >= checks[name].passes for name in passes):
        _go_on(draft, live, passes)
        return True
    every = max((check.every for check in checks.values()), default=timedelta(0))
    current = after.plan[after.step]
    if not any(passes.values()) and isinstance(current, Prepare) and after.deadline is not None:
        every = rarer(every, current.most - (after.deadline - draft.now))
    lacking = "; ".join(_lacks(after, target, readings) for target in prepared)
    draft.record(
        e.Looked(
            at=draft.now,
            rollout=live.id,
            look_at=draft.now + every,
            checked=True,
            why=lacking,
            passes=tuple(passes.items()),
        )
    )
    return True


def _go_on(draft: Draft, live: Rollout, passes: dict[TargetName, int]) -> None:
    """Enter the next step, unless its window has closed while the slot was prepared: then it is looked after on."""
    holder = held_before(draft, live, live.step + 1)
    if holder is None:
        enter_step(draft, live, live.step + 1, "every slot is well with production's settings")
        return
    note_held(draft, live, holder)
    draft.record(
        e.Looked(
            at=draft.now,
            rollout=live.id,
            look_at=next_look_while_held(holder, draft.now),
            checked=True,
            why=holder.why,
            passes=tuple(passes.items()),
        )
    )


def _passes(live: Rollout, target: TargetState, readings: Readings) -> int:
    return target.passes + 1 if _trouble(live, target, readings) is None else 0


def _lacks(live: Rollout, target: TargetState, readings: Readings) -> str:
    return f"{target.name} with production's settings: {_trouble(live, target, readings) or 'well'}"


def _trouble(live: Rollout, target: TargetState, readings: Readings) -> str | None:
    """Return what is wrong with a slot that has production's settings, or None."""
    serves = readings.version(target.name, Place.CANDIDATE)
    if isinstance(serves, Trouble):
        return f"its version cannot be read: {serves.why}"
    if serves != live.version:
        return f"it serves {serves}, not {live.version}"
    health = readings.health(target.name, Place.CANDIDATE)
    if isinstance(health, Trouble):
        return f"the health check failed: {health.why}"
    return None if health.healthy else f"not healthy: {health.detail}"
