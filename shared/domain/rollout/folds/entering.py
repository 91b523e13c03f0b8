"""What a step asks of a rollout and of its targets as it is entered."""

from dataclasses import replace
from datetime import datetime

from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import ReleaseAction
from shared.domain.rollout.folds.clocks import gate_deadline
from shared.domain.rollout.folds.folding import on_targets
from shared.domain.rollout.folds.levels import for_audience, new_level, prepared
from shared.domain.rollout.hooks import HookState
from shared.domain.rollout.plan import AwaitApproval, AwaitRelease, Compare, Prepare, Promote, RunHook, Shift
from shared.domain.rollout.state import Doing, Phase, Rollout, Side, TargetState
from shared.domain.rollout.timing import next_window
from shared.domain.rollout.weight import NONE, Weight, rest


def step_entered(rollout: Rollout, event: e.StepEntered) -> Rollout:
    """Leave behind what belonged to the step before, and ask for what this one wants."""
    entered = replace(
        rollout,
        step=event.step,
        baking_since=None,
        bake_until=None,
        extensions=0,
        lacked_at=None,
        gate_deadline=None,
        approved=False,
        hook=None,
        no_return=rollout.no_return or _left_in_doubt(rollout),
        held_by="",
        opens_at=None,
        is_shut=False,
        despite_window=None,
        paused=None,
        paused_in=None,
        held_since=None,
        reason=event.because,
        look_at=None,
        stuck=None,
        deadline=event.at + rollout.spec.deadlines.progress if rollout.spec else None,
    )
    entered = on_targets(entered, lambda t: replace(t, concern_accepted=False))
    match rollout.plan[event.step]:
        case AwaitApproval():
            return replace(
                entered,
                phase=Phase.WAITING,
                doing=Doing.AWAITING_APPROVAL,
                gate_deadline=gate_deadline(entered, event.at),
                look_at=event.at,
            )
        case AwaitRelease():
            member = rollout.member and replace(rollout.member, silent_since=event.at)
            waiting = replace(entered, phase=Phase.WAITING, doing=Doing.AWAITING_RELEASE, member=member)
            return replace(waiting, look_at=event.at)
        case RunHook() as step:
            deadline = event.at + step.hook.timeout
            running = replace(entered, phase=Phase.WAITING, doing=Doing.RUNNING_HOOK, look_at=event.at)
            return replace(running, gate_deadline=deadline)
        case Prepare():
            look_at = next_window(rollout.spec.measuring, event.at) if rollout.spec and rollout.is_exposed else None
            passed = ReleaseAction.PROMOTE if event.by else None  # who said to go on meant the swap, not its preparing
            preparing = replace(entered, phase=Phase.PROGRESSING, doing=Doing.PREPARING, look_at=look_at)
            preparing = replace(preparing, despite_window=passed)
            return on_targets(preparing, lambda t: prepared(t, prepares=_asks_for_preview(rollout, t)))
        case Shift() as shift:
            look_at = next_window(rollout.spec.measuring, event.at) if rollout.spec and rollout.is_exposed else None
            shifting = replace(entered, phase=Phase.PROGRESSING, doing=Doing.SHIFTING, look_at=look_at)
            return on_targets(shifting, lambda t: _shifted(t, shift.weight, event.at))
        case Compare() as compare:
            look_at = next_window(rollout.spec.measuring, event.at) if rollout.spec and rollout.is_exposed else None
            shifting = replace(entered, phase=Phase.PROGRESSING, doing=Doing.SHIFTING, look_at=look_at)
            return on_targets(shifting, lambda t: _compared(t, compare, event.at))
        case Promote() as promote:
            doing = Doing.SWAPPING if any(target.swaps for target in rollout.targets) else Doing.SHIFTING
            promoting = replace(entered, phase=Phase.PROMOTING, doing=doing, look_at=event.at)
            return on_targets(promoting, lambda t: _promoted(t, rest(promote.hold_back), event.at))


def _left_in_doubt(rollout: Rollout) -> str:
    """Return the hook that is left behind and may have passed the point of no return, though nobody heard that."""
    run = rollout.hook
    is_open = run is not None and run.hook.no_return and run.status.state is not HookState.FAILED
    return run.hook.name if run is not None and is_open else ""


def _shifted(target: TargetState, weight: Weight, at: datetime) -> TargetState:
    """What was measured before the first users came says nothing about the candidate."""
    since = target.candidate_since if target.is_exposed and not target.previews else at
    return replace(new_level(target, weight, Side.STABLE), candidate_since=since, previews=weight == NONE)


def _asks_for_preview(rollout: Rollout, target: TargetState) -> bool:
    return rollout.spec is not None and rollout.spec.target(target.name).swap_with_preview


def _compared(target: TargetState, step: Compare, at: datetime) -> TargetState:
    """Ask for the share and the audience of an experiment."""
    shifted = replace(_shifted(target, step.weight, at), previews=False)
    return for_audience(shifted, step.audience.mark if step.audience else None)


def _promoted(target: TargetState, weight: Weight, at: datetime) -> TargetState:
    """Ask for a swap; or, where nothing is swapped, for the weight that is left beside those who are held back.

    An audience ends with that: everyone is sent the same way.
    """
    target = for_audience(target, None)
    if target.swaps:
        return replace(new_level(target, target.wanted, Side.CANDIDATE), swap_begun=True, previews=False)
    since = target.candidate_since if target.is_exposed and not target.previews else at
    promoted = new_level(target, weight, Side.CANDIDATE)
    return replace(promoted, side=Side.CANDIDATE, candidate_since=since, previews=False)
