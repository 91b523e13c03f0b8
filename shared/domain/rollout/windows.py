"""Release windows in the rules: what goes on by itself waits for them, what a person says does not.

A calendar may change while something waits, also where no event tells of it: it is asked again at bounded times.
"""

from datetime import datetime

from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import Held, ReleaseAction, held_until
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.plan import Compare, Promote, Shift, Step, brings_users
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Rollout
from shared.domain.rollout.timing import CALENDAR_LOOK, HELD_LOOK


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
    action = awaits_at(rollout.plan, index)
    return held_from(draft, rollout, rollout.spec, action) if action is not None else None


def held_from(draft: Draft, rollout: Rollout, spec: Spec | None, action: ReleaseAction) -> Held | None:
    """Return what holds a rollout from an action now, or None: neither a return, nor where a person has said to go."""
    if spec is None or rollout.returns or rollout.despite_window is action:
        return None
    return held(draft, spec, action)


def held(draft: Draft, spec: Spec, action: ReleaseAction) -> Held | None:
    """Return what holds an action now: a window of the application's, or of the house."""
    return held_until((*draft.house, *spec.calendar), action, draft.now)


def against_the_calendar(because: str, holder: Held | None) -> str:
    """Return a person's reason, with the window that it goes against, for the history."""
    return because if holder is None else f"{because} (against the calendar: {holder.why})"


def look_at_calendar(until: datetime | None, now: datetime) -> datetime:
    """Return when to ask the calendar again of what it holds until then."""
    soon = now + CALENDAR_LOOK
    return soon if until is None else min(until, soon)


def next_look_while_held(holder: Held, now: datetime) -> datetime:
    """Return when to look again at what a window holds: when it opens, and once a minute until then."""
    soon = now + HELD_LOOK
    return min(soon, holder.until or soon)


def note_held(draft: Draft, rollout: Rollout, holder: Held) -> None:
    """Say once that it waits, and until when."""
    if rollout.held_by != holder.why:
        draft.record(e.RolloutHeld(at=draft.now, rollout=rollout.id, why=holder.why, until=holder.until))
