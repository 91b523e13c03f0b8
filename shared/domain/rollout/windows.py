"""Release windows in the rules: what goes on by itself waits for them, what a person says does not."""

from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import Held, ReleaseAction, held_until
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.plan import Compare, Promote, Shift, Step, brings_users
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Rollout


def action_at(plan: tuple[Step, ...], index: int) -> ReleaseAction | None:
    """Return what entering the plan's entry `index` leads to: the next weight, or the promotion; None: neither."""
    for step in plan[index:]:
        if isinstance(step, Promote):
            return ReleaseAction.PROMOTE
        if brings_users(step):
            return ReleaseAction.ADVANCE
    return None


def awaits_at(plan: tuple[Step, ...], index: int) -> ReleaseAction | None:
    """Return what must be allowed before the plan's entry `index`; None: nothing more than was to begin at all.

    The first users come with the start, which had its window. A promotion has its own, also where it comes first.
    """
    action = action_at(plan, index)
    first = not any(isinstance(step, Shift | Compare | Promote) for step in plan[:index])
    return None if first and action is ReleaseAction.ADVANCE else action


def held_before(draft: Draft, rollout: Rollout, index: int) -> Held | None:
    """Return what holds a rollout before the plan's entry `index` now, or None. A return waits for nothing."""
    spec = rollout.spec
    action = awaits_at(rollout.plan, index)
    if spec is None or action is None or rollout.returns:
        return None
    return held(draft, spec, action)


def held(draft: Draft, spec: Spec, action: ReleaseAction) -> Held | None:
    """Return what holds an action now: a window of the application's, or of the house."""
    return held_until((*draft.house, *spec.calendar), action, draft.now)


def note_held(draft: Draft, rollout: Rollout, holder: Held) -> None:
    """Say once that it waits, and until when."""
    if rollout.held_by != holder.why:
        draft.record(e.RolloutHeld(at=draft.now, rollout=rollout.id, why=holder.why, until=holder.until))
