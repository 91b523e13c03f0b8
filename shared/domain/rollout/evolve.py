"""Facts applied to the state; `folds` say what each changes. Never refuses: refusing is the work of `decide`."""

from dataclasses import replace
from typing import assert_never

from shared.domain.rollout import events as e
from shared.domain.rollout.folds.beginning import pending_of, preflight_passed, rollout_started, tried
from shared.domain.rollout.folds.calling import hook_begun, hook_ended, hook_heard, on_call
from shared.domain.rollout.folds.clocks import (
    after_stuck,
    after_unstuck,
    hold,
    progress_deadline,
    release,
    rollout_held,
    rollout_paused,
    rollout_resumed,
    window_skipped,
)
from shared.domain.rollout.folds.ending import rollout_ended, told, without_duties
from shared.domain.rollout.folds.entering import step_entered
from shared.domain.rollout.folds.folding import on_live, on_rollout, on_target
from shared.domain.rollout.folds.going_back import descended, doing_in_doubt, rollback_begun
from shared.domain.rollout.folds.outbox import effect_begun, effect_put_off
from shared.domain.rollout.folds.passing import (
    experiment_ended,
    hold_back_ended,
    promotion_held,
    release_heard,
    releasing,
    step_passed,
)
from shared.domain.rollout.folds.seeing import (
    audience_moved,
    bake_started,
    candidate_replaced,
    changed_hands,
    drift_found,
    looked,
    preview_moved,
    preview_observed,
    side_verified,
    target_judged,
    weight_observed,
)
from shared.domain.rollout.state import Application, Doing, Freeze, Phase, Pinning, Rollout


def evolve(state: Application, event: e.Event) -> Application:
    """Apply one fact and return the state after it."""
    if isinstance(event, e.SILENT):
        return _apply(state, event)
    seen = replace(state, sequence=state.sequence + 1)
    after = _apply(seen, event)
    return on_rollout(after, getattr(event, "rollout", None), lambda r: replace(r, last_sequence=seen.sequence))


def _apply(state: Application, event: e.Event) -> Application:
    match event:
        case e.SpecAccepted():
            return replace(state, spec=event.spec, spec_revision=state.spec_revision + 1, pinning=())
        case e.TargetPinned():
            found = Pinning(target=event.target, pinned=event.pinned, says=event.says, at=event.at)
            others = (each for each in state.pinning if each.target != event.target)
            return replace(state, pinning=(*others, found))
        case e.DeploymentAccepted():
            return replace(state, pending=pending_of(state, event))
        case e.RolloutEnded():
            return rollout_ended(state, event)
        case e.ApplicationFrozen():
            frozen = Freeze(reason=event.reason, by=event.by, since=event.at, remind_at=event.remind_at)
            return on_live(replace(state, frozen=frozen), lambda r: r if r.despite_freeze else hold(r, event.at))
        case e.FreezeReminded():
            return replace(state, frozen=replace(state.frozen, remind_at=event.remind_at)) if state.frozen else state
        case e.ApplicationUnfrozen():
            return on_live(replace(state, frozen=None), lambda r: r if r.paused else release(r, event.at))
        case e.RolloutStarted():
            return rollout_started(state, event)
        case e.RolloutResumed():
            return on_live(state, lambda r: rollout_resumed(r, event.at, frozen=state.freezes(r)))
        case e.PinnedCounted():
            counted = tuple(
                replace(r, pinned_requests=event.requests) if r.id == event.rollout else r for r in state.over
            )
            return told(replace(state, aftercare=None, over=counted), event.rollout)
        case e.PinnedPutOff():
            return replace(state, aftercare=state.aftercare and replace(state.aftercare, look_at=event.look_at))
        case e.HookBegun():
            return told(hook_begun(state, event), event.rollout)
        case e.HookHeard():
            return on_call(state, event.call_id, lambda run: hook_heard(run, event))
        case e.HookEnded():
            return without_duties(told(hook_ended(state, event), event.rollout))
        case e.NotTakenBack():
            return told(state, event.rollout)
        case e.WarmthEnded():
            return replace(told(state, event.rollout), warm=None)
        case e.WarmOverwritten():
            return replace(state, warm=state.warm and replace(state.warm, overwritten=event.found))
        case e.EffectBegun():
            return effect_begun(state, event)
        case e.EffectPutOff():
            return effect_put_off(state, event)
        case e.EffectClosed():
            return replace(state, effects=tuple(o for o in state.effects if o.id != event.effect))
        case e.CommandRefused() | e.DeploymentRefused() | e.AlertReceived() | e.NotificationDropped() | e.ReleaseTold():
            return state
        case e.PreflightPassed():
            return on_rollout(tried(state, event), event.rollout, lambda r: _moved(r, event))
        case e.SideVerified() if changed_hands(state, event):
            return on_live(replace(state, production_since=event.at), lambda r: _moved(r, event))
        case _:
            return on_rollout(state, event.rollout, lambda r: _moved(r, event))


def _moved(rollout: Rollout, event: "_Moving") -> Rollout:
    match event:
        case e.PreflightPassed():
            return preflight_passed(rollout, event)
        case e.StepEntered():
            return step_entered(rollout, event)
        case e.WeightObserved():
            return weight_observed(rollout, event)
        case e.AudienceObserved():
            return on_target(rollout, event.target, lambda t: replace(t, audience_reached=event.level))
        case e.AudienceMoved():
            return audience_moved(rollout, event)
        case e.PreviewObserved():
            return preview_observed(rollout, event)
        case e.PreviewMoved():
            return preview_moved(rollout, event)
        case e.BakeStarted():
            return bake_started(rollout, event.at)
        case e.TargetJudged():
            return target_judged(rollout, event)
        case e.ExperimentEnded():
            return experiment_ended(rollout, event)
        case e.StepPassed():
            return step_passed(rollout, event)
        case e.BakeExtended():
            return replace(rollout, bake_until=event.until, extensions=rollout.extensions + 1, reason=event.why)
        case e.ConcernRaised():
            return on_target(rollout, event.target, lambda t: replace(t, warned=(*t.warned, event.guard)))
        case e.BakeSkipped():
            skipped = replace(rollout, phase=Phase.PROMOTING, paused=None, paused_in=None, held_since=None)
            return releasing(replace(skipped, reason=event.because), event.at)
        case e.HoldBackEnded():
            return hold_back_ended(rollout, event)
        case e.ReleaseHeard():
            return release_heard(rollout, event)
        case e.PromotionHeld():
            return promotion_held(rollout, event)
        case e.GateApproved():
            deadline = progress_deadline(rollout, event.at)
            return replace(rollout, gate_deadline=None, approved=True, deadline=deadline, look_at=event.at)
        case e.RolloutPaused():
            return rollout_paused(rollout, event)
        case e.RolloutHeld():
            return rollout_held(rollout, event)
        case e.WindowSkipped():
            return window_skipped(rollout, event)
        case e.PauseReminded():
            return (
                replace(rollout, paused=replace(rollout.paused, remind_at=event.remind_at))
                if rollout.paused
                else rollout
            )
        case e.SwapBegun():
            begun = on_target(rollout, event.target, lambda t: replace(t, swap_begun=True, swap_token=event.token))
            return replace(begun, doing=doing_in_doubt(rollout), look_at=event.at)
        case e.SwapFailed():
            return on_target(rollout, event.target, lambda t: replace(t, swap_token=None))
        case e.SideVerified():
            return side_verified(rollout, event)
        case e.RollbackBegun():
            return rollback_begun(rollout, event)
        case e.Descended():
            return descended(rollout, event)
        case e.ZeroReached():
            return replace(rollout, doing=Doing.SETTLING, look_at=event.at)
        case e.DriftFound():
            return drift_found(rollout, event)
        case e.CandidateReplaced():
            return candidate_replaced(rollout, event)
        case e.StuckFlagged():
            return replace(rollout, stuck=event.why, deadline=after_stuck(rollout, event.at))
        case e.StuckCleared():
            return replace(rollout, stuck=None, deadline=after_unstuck(rollout, event.at))
        case e.Looked():
            return looked(rollout, event)
        case _:
            assert_never(event)


_Moving = (
    e.PreflightPassed
    | e.StepEntered
    | e.WeightObserved
    | e.AudienceObserved
    | e.AudienceMoved
    | e.PreviewObserved
    | e.PreviewMoved
    | e.BakeStarted
    | e.TargetJudged
    | e.ExperimentEnded
    | e.StepPassed
    | e.BakeExtended
    | e.ConcernRaised
    | e.BakeSkipped
    | e.HoldBackEnded
    | e.ReleaseHeard
    | e.PromotionHeld
    | e.GateApproved
    | e.RolloutPaused
    | e.RolloutHeld
    | e.WindowSkipped
    | e.PauseReminded
    | e.SwapBegun
    | e.SwapFailed
    | e.SideVerified
    | e.RollbackBegun
    | e.Descended
    | e.ZeroReached
    | e.DriftFound
    | e.CandidateReplaced
    | e.StuckFlagged
    | e.StuckCleared
    | e.Looked
)
