"""Facts that stop a rollout's clocks, let them run again, or give it more time."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import HORIZON
from shared.domain.rollout.folds.folding import on_targets
from shared.domain.rollout.plan import AwaitApproval, Compare, RunHook
from shared.domain.rollout.spec import Promotes
from shared.domain.rollout.state import Pause, Phase, Rollout
from shared.domain.rollout.timing import DECISION_LIMIT, SWAP_LIMIT


def rollout_paused(rollout: Rollout, event: e.RolloutPaused) -> Rollout:
    """Remember in which phase it was, and stop the step's clocks."""
    pause = Pause(
        reason=event.reason,
        by=event.by,
        since=event.at,
        remind_at=event.remind_at,
        restarts=event.restarts,
        concern=event.concern,
    )
    held = hold(rollout, event.at)
    return replace(held, phase=Phase.PAUSED, paused=pause, paused_in=rollout.phase, reason=event.reason)


def rollout_held(rollout: Rollout, event: e.RolloutHeld) -> Rollout:
    """What waits for a window has its whole time for progress when that opens."""
    opens = event.until or event.at + HORIZON
    deadline = rollout.deadline and progress_deadline(replace(rollout, held_since=None), opens)
    shut = event.until is None
    return replace(rollout, held_by=event.why, opens_at=opens, is_shut=shut, reason=event.why, deadline=deadline)


def window_skipped(rollout: Rollout, event: e.WindowSkipped) -> Rollout:
    """It waits for nothing any more before this one action, is looked at at once, and has its whole time from now."""
    return replace(
        rollout,
        despite_window=event.action,
        held_by="",
        opens_at=None,
        is_shut=False,
        deadline=rollout.deadline and progress_deadline(rollout, event.at),
        reason=event.because,
        look_at=event.at,
    )


def rollout_resumed(rollout: Rollout, at: datetime, *, frozen: bool) -> Rollout:
    """Go on where it was. While the application is frozen the clocks still stand."""
    back = replace(rollout, phase=rollout.paused_in or Phase.PROGRESSING, paused=None, paused_in=None, reason="")
    if rollout.paused and rollout.paused.restarts:
        back = _restarted(back, at)
    if rollout.paused and rollout.paused.concern:
        back = on_targets(back, lambda t: replace(t, concern_accepted=t.has_concern))
    return back if frozen else release(back, at)


def _restarted(rollout: Rollout, at: datetime) -> Rollout:
    """Begin the clocks of the step anew: they had run out before the pause."""
    return replace(
        rollout,
        held_since=at,
        baking_since=at if rollout.baking_since else None,
        bake_until=None,
        extensions=0,
        deadline=at + rollout.spec.deadlines.progress if rollout.spec else None,
        gate_deadline=gate_deadline(rollout, at),
        hook=None,
        look_at=at,
    )


def gate_deadline(rollout: Rollout, at: datetime) -> datetime | None:
    """Return until when what this step waits for may take, counted from `at`; None where it waits for nothing."""
    step = rollout.plan[rollout.step] if rollout.step >= 0 else None
    if isinstance(step, RunHook):
        return at + step.hook.timeout
    if isinstance(step, Compare) and rollout.experiment_over is not None and step.promotes is Promotes.BY_HAND:
        return at + DECISION_LIMIT
    return at + step.gate.timeout if isinstance(step, AwaitApproval) and not rollout.approved else None


def after_stuck(rollout: Rollout, at: datetime) -> datetime | None:
    """A rollback has no further deadline: it never gives up. Anything else is looked at again."""
    return None if rollout.phase is Phase.ROLLING_BACK else progress_deadline(rollout, at)


def after_unstuck(rollout: Rollout, at: datetime) -> datetime | None:
    """A rollback that goes on again is to end in time again, or a person is called once more."""
    return at + SWAP_LIMIT if rollout.phase is Phase.ROLLING_BACK else rollout.deadline


def progress_deadline(rollout: Rollout, at: datetime) -> datetime | None:
    """Return by when there must be progress from now on; clocks that stand still go on from where they stopped."""
    return (rollout.held_since or at) + rollout.spec.deadlines.progress if rollout.spec else None


def hold(rollout: Rollout, at: datetime) -> Rollout:
    """Stop the step clocks. A rollback has none: whatever holds, it goes on and calls for help in time."""
    held = rollout.held_since is not None or rollout.phase is Phase.ROLLING_BACK
    return rollout if held else replace(rollout, held_since=at)


def release(rollout: Rollout, at: datetime) -> Rollout:
    """Let the step clocks run again, as if no time had passed."""
    if rollout.held_since is None:
        return rollout
    lost = at - rollout.held_since
    return replace(
        rollout,
        held_since=None,
        baking_since=min(at, rollout.baking_since + lost) if rollout.baking_since else None,
        bake_until=_later(rollout.bake_until, lost),
        lacked_at=min(at, rollout.lacked_at + lost) if rollout.lacked_at else None,
        deadline=_later(rollout.deadline, lost),
        gate_deadline=_later(rollout.gate_deadline, lost),
        hook=rollout.hook and replace(rollout.hook, deadline=rollout.hook.deadline + lost),
        look_at=at,
    )


def _later(at: datetime | None, by: timedelta) -> datetime | None:
    return None if at is None else at + by
