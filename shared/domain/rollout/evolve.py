"""Facts applied to the state. Never refuses: refusing is the work of `decide`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from shared.domain.analysis.parts import Baseline
from shared.domain.analysis.sequence import AnalysisState, begin_step
from shared.domain.analysis.state import WEIGHTS_KEPT, WeightSince
from shared.domain.names import EffectId, RolloutId, TargetName, Version
from shared.domain.rollout import events as e
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.calendar import HORIZON
from shared.domain.rollout.effects import CallHook
from shared.domain.rollout.hooks import HookState
from shared.domain.rollout.membership import END, Member
from shared.domain.rollout.plan import (
    AwaitApproval,
    AwaitRelease,
    Compare,
    Prepare,
    Promote,
    RunHook,
    Shift,
    weight_after,
)
from shared.domain.rollout.spec import IN_PLAN, Canary, Descent, Promotes, Stage
from shared.domain.rollout.state import (
    REMEMBERED_VERSIONS,
    Aftercare,
    Application,
    Doing,
    Ended,
    Freeze,
    HookRun,
    Pause,
    Phase,
    Rollout,
    Serving,
    Side,
    TargetState,
    Tried,
    Warm,
)
from shared.domain.rollout.timing import (
    AFTERCARE_LIMIT,
    CALL_LIMIT,
    DECISION_LIMIT,
    SOURCE_SLACK,
    SWAP_LIMIT,
    next_window,
    window_ceiling,
)
from shared.domain.rollout.weight import ALL, NONE, Weight, rest

Change = Callable[[Rollout], Rollout]


def evolve(state: Application, event: e.Event) -> Application:
    """Apply one fact and return the state after it."""
    if isinstance(event, e.SILENT):
        return _apply(state, event)
    seen = replace(state, sequence=state.sequence + 1)
    after = _apply(seen, event)
    return _on_rollout(after, getattr(event, "rollout", None), lambda r: replace(r, last_sequence=seen.sequence))


def _apply(state: Application, event: e.Event) -> Application:
    match event:
        case e.SpecAccepted():
            return replace(state, spec=event.spec, spec_revision=state.spec_revision + 1)
        case e.DeploymentAccepted():
            return replace(state, pending=_pending(state, event))
        case e.RolloutEnded():
            return _ended(state, event)
        case e.ApplicationFrozen():
            frozen = Freeze(reason=event.reason, by=event.by, since=event.at, remind_at=event.remind_at)
            return _on_live(replace(state, frozen=frozen), lambda r: _hold(r, event.at))
        case e.FreezeReminded():
            return replace(state, frozen=replace(state.frozen, remind_at=event.remind_at)) if state.frozen else state
        case e.ApplicationUnfrozen():
            return _on_live(replace(state, frozen=None), lambda r: r if r.paused else _release(r, event.at))
        case e.RolloutStarted():
            return _started(state, event)
        case e.RolloutResumed():
            return _on_live(state, lambda r: _resumed(r, event.at, frozen=state.frozen is not None))
        case e.PinnedCounted():
            counted = tuple(
                replace(r, pinned_requests=event.requests) if r.id == event.rollout else r for r in state.over
            )
            return _told(replace(state, aftercare=None, over=counted), event.rollout)
        case e.PinnedPutOff():
            return replace(state, aftercare=state.aftercare and replace(state.aftercare, look_at=event.look_at))
        case e.HookBegun():
            return _told(_hook_begun(state, event), event.rollout)
        case e.HookHeard():
            return _on_call(state, event.call_id, lambda run: _heard(run, event))
        case e.HookEnded():
            return _without_duties(_told(_hook_ended(state, event), event.rollout))
        case e.NotTakenBack():
            return _told(state, event.rollout)
        case e.WarmthEnded():
            return replace(_told(state, event.rollout), warm=None)
        case e.EffectBegun():
            return _effect_begun(state, event)
        case e.EffectPutOff():
            return _effect_put_off(state, event)
        case e.EffectClosed():
            return replace(state, effects=tuple(o for o in state.effects if o.id != event.effect))
        case e.CommandRefused() | e.DeploymentRefused() | e.AlertReceived() | e.NotificationDropped():
            return state
        case e.PreflightPassed():
            return _on_rollout(_tried(state, event), event.rollout, lambda r: _moved(r, event))
        case e.SideVerified() if _changed_hands(state, event):
            return _on_live(replace(state, production_since=event.at), lambda r: _moved(r, event))
        case _:
            return _on_rollout(state, event.rollout, lambda r: _moved(r, event))


def _changed_hands(state: Application, event: e.SideVerified) -> bool:
    target = state.live.target(event.target) if state.live and state.live.id == event.rollout else None
    return target is not None and target.side is not event.side


def _moved(rollout: Rollout, event: "_Moving") -> Rollout:
    match event:
        case e.PreflightPassed():
            return _preflight_passed(rollout, event)
        case e.StepEntered():
            return _step_entered(rollout, event)
        case e.WeightObserved():
            return _weight_observed(rollout, event)
        case e.AudienceObserved():
            return _on_target(rollout, event.target, lambda t: replace(t, audience_reached=event.level))
        case e.AudienceMoved():
            return _audience_moved(rollout, event)
        case e.PreviewObserved():
            return _preview_observed(rollout, event)
        case e.PreviewMoved():
            return _preview_moved(rollout, event)
        case e.BakeStarted():
            return _bake_started(rollout, event.at)
        case e.TargetJudged():
            return _judged(rollout, event)
        case e.ExperimentEnded():
            return _experiment_ended(rollout, event)
        case e.StepPassed():
            return _step_passed(rollout, event)
        case e.BakeExtended():
            return replace(rollout, bake_until=event.until, extensions=rollout.extensions + 1, reason=event.why)
        case e.ConcernRaised():
            return _on_target(rollout, event.target, lambda t: replace(t, warned=(*t.warned, event.guard)))
        case e.BakeSkipped():
            skipped = replace(rollout, phase=Phase.PROMOTING, paused=None, paused_in=None, held_since=None)
            return _releasing(replace(skipped, reason=event.because), event.at)
        case e.HoldBackEnded():
            return _hold_back_ended(rollout, event)
        case e.ReleaseHeard():
            return _release_heard(rollout, event)
        case e.PromotionHeld():
            return _promotion_held(rollout, event)
        case e.GateApproved():
            deadline = _progress_deadline(rollout, event.at)
            return replace(rollout, gate_deadline=None, approved=True, deadline=deadline, look_at=event.at)
        case e.RolloutPaused():
            return _paused(rollout, event)
        case e.RolloutHeld():
            return _held_by(rollout, event)
        case e.PauseReminded():
            return (
                replace(rollout, paused=replace(rollout.paused, remind_at=event.remind_at))
                if rollout.paused
                else rollout
            )
        case e.SwapBegun():
            begun = _on_target(rollout, event.target, lambda t: replace(t, swap_begun=True, swap_token=event.token))
            return replace(begun, doing=_doing_in_doubt(rollout), look_at=event.at)
        case e.SwapFailed():
            return _on_target(rollout, event.target, lambda t: replace(t, swap_token=None))
        case e.SideVerified():
            return _side_verified(rollout, event)
        case e.RollbackBegun():
            return _rollback_begun(rollout, event)
        case e.Descended():
            return _descended(rollout, event)
        case e.ZeroReached():
            return replace(rollout, doing=Doing.SETTLING, look_at=event.at)
        case e.DriftFound():
            return _drift_found(rollout, event)
        case e.CandidateReplaced():
            return rollout
        case e.StuckFlagged():
            return replace(rollout, stuck=event.why, deadline=_after_stuck(rollout, event.at))
        case e.StuckCleared():
            return replace(rollout, stuck=None, deadline=_after_unstuck(rollout, event.at))
        case e.Looked():
            return _looked(rollout, event)
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


def _looked(rollout: Rollout, event: e.Looked) -> Rollout:
    reason = rollout.reason if event.why is None else event.why
    checked_at = event.at if event.checked else rollout.checked_at
    looked = replace(rollout, look_at=event.look_at, reason=reason, is_ready=event.ready, checked_at=checked_at)
    seen, located, passes = dict(event.production), dict(event.located), dict(event.passes)

    def saw(target: TargetState) -> TargetState:
        at = located.get(target.name, target.located)
        production = seen.get(target.name, target.in_production)
        return replace(target, in_production=production, located=at, passes=passes.get(target.name, target.passes))

    return _on_targets(looked, saw)


def _pending(state: Application, event: e.DeploymentAccepted) -> Rollout:
    return Rollout(
        id=event.rollout,
        application=state.name,
        version=event.version,
        requested=event.at,
        source=event.source,
        origin=event.origin,
        returns=event.returns,
        member=_member(event),
        first_sequence=state.sequence,
        last_sequence=state.sequence,
    )


def _member(event: e.DeploymentAccepted) -> Member | None:
    """Return its part in a release. What goes back waits for nobody."""
    if event.membership is None:
        return None
    begun = Member(membership=event.membership, silent_since=event.at)
    return replace(begun, opened=END) if event.returns else begun


def _release_heard(rollout: Rollout, event: e.ReleaseHeard) -> Rollout:
    """The way is never closed again; what it opens is looked at, at once and within the time for progress.

    Whoever goes back has a time of its own, and waits for nothing that could be opened.
    """
    if rollout.member is None or rollout.phase is Phase.ROLLING_BACK:
        return rollout
    member = replace(rollout.member, silent_since=event.at, opened=max(rollout.member.opened, event.opened))
    heard = replace(rollout, member=member)
    ends = member.waits_to_end and rollout.member.opened < END and member.opened >= END
    if not ends and (rollout.is_let_on or not heard.is_let_on):
        return heard
    return replace(heard, deadline=_progress_deadline(rollout, event.at), look_at=event.at)


def _promotion_held(rollout: Rollout, event: e.PromotionHeld) -> Rollout:
    member = rollout.member and replace(rollout.member, waits_to_end=True, silent_since=event.at)
    return replace(rollout, member=member, reason=f"judged healthy in production; waits for release {event.release}")


def _started(state: Application, event: e.RolloutStarted) -> Application:
    if state.pending is None:
        return state
    live = replace(
        state.pending,
        phase=Phase.PROGRESSING,
        doing=Doing.PREFLIGHT,
        spec=event.spec,
        plan=event.plan,
        targets=tuple(TargetState(name=target.name, swaps=target.kind.swaps) for target in event.spec.targets),
        started=event.at,
        held_by="",
        opens_at=None,
        look_at=event.at,
        deadline=event.at + event.spec.deadlines.preflight,
        held_since=event.at if state.frozen else None,
    )
    return replace(state, live=live, pending=None, aftercare=None)


def _ended(state: Application, event: e.RolloutEnded) -> Application:
    """The rollout itself goes to the archive with this commit; the application remembers what it needs of it."""
    rollout = state.rollout(event.rollout)
    if rollout is None:
        return state
    without = replace(
        state,
        live=None if state.live is rollout else state.live,
        pending=None if state.pending is rollout else state.pending,
    )
    if rollout.started is None:
        return without
    stable = next((t.stable_version for t in rollout.targets), None)
    busy = _without_duties(without)
    over = (*busy.over, ended(rollout, event)) if _leaves_duties(rollout, event) else busy.over
    without = replace(without, aftercare=_aftercare(ended(rollout, event)), over=over)
    last = Ended(rollout=rollout.id, version=rollout.version, phase=event.ending.phase, stable_version=stable)
    if event.ending.phase is Phase.SUCCEEDED:
        moved = rollout.step >= 0 and any(not target.swaps for target in rollout.targets)
        since = event.at if moved else without.production_since
        serving = Serving(version=rollout.version, rollout=rollout.id)
        warm = _warm(rollout, stable, event.at) if rollout.step >= 0 else _still_warm(without, rollout.version)
        return replace(without, last=last, serving=serving, production_since=since, warm=warm)
    return replace(without, last=last)


def _leaves_duties(rollout: Rollout, event: e.RolloutEnded) -> bool:
    """Whether something will still be told of a rollout after its end, other than who is pinned."""
    hooks = rollout.spec.hooks if rollout.spec else ()
    back = any(hook.at is Stage.ON_ROLLBACK for hook in hooks)
    return (event.ending.phase is Phase.SUCCEEDED and rollout.step >= 0) or back


def _without_duties(state: Application) -> Application:
    """Let go of rollouts of which nothing more is to be told."""
    busy = {run.rollout for run in state.duties} | ({state.warm.rollout} if state.warm else set())
    return replace(state, over=tuple(rollout for rollout in state.over if rollout.id in busy))


def _told(state: Application, rollout_id: RolloutId) -> Application:
    """Count a line of history as that of a rollout that is over."""
    over = tuple(replace(r, last_sequence=state.sequence) if r.id == rollout_id else r for r in state.over)
    return replace(state, over=over)


def _warm(rollout: Rollout, stable: Version | None, at: datetime) -> Warm | None:
    """Return what is kept of the version before."""
    if rollout.spec is None or stable is None:
        return None
    contracts = tuple(hook for hook in rollout.spec.hooks if hook.at is Stage.CONTRACT and not rollout.returns)
    return Warm(
        rollout=rollout.id,
        version=stable,
        serving=rollout.version,
        until=at + rollout.spec.keep_warm,
        contracts=contracts,
        steps=len(rollout.plan),
    )


def _still_warm(state: Application, serves: Version) -> Warm | None:
    """A version that was there already follows none: what was kept before stays kept, save that it serves now."""
    return None if state.warm is None or state.warm.version == serves else state.warm


def _aftercare(over: Rollout) -> Aftercare | None:
    """Count who is still pinned, in the first whole window after the end, if anybody can be."""
    if over.pinned_until is None or over.spec is None or over.ended is None:
        return None
    measuring = over.spec.measuring
    since = window_ceiling(over.ended, measuring.window)
    look_at = since + measuring.window + measuring.lag + SOURCE_SLACK
    return Aftercare(rollout=over, since=since, look_at=look_at, give_up_at=look_at + AFTERCARE_LIMIT)


def ended(rollout: Rollout, event: e.RolloutEnded) -> Rollout:
    """Return the rollout as the archive keeps it."""
    return replace(
        rollout,
        phase=event.ending.phase,
        doing=Doing.NOTHING,
        reason=event.ending.reason,
        ending=event.ending,
        ended=event.at,
        pinned_until=event.pinned_until,
        look_at=None,
        deadline=None,
        gate_deadline=None,
        paused=None,
        stuck=None,
    )


def _tried(state: Application, event: e.PreflightPassed) -> Application:
    """Remember the attempt. A return is none: it brings back a version that was proven."""
    live = state.live
    if live is None or live.id != event.rollout or live.returns:
        return state
    others = (tried for tried in state.tried if tried.version != live.version)
    tried = (*others, Tried(version=live.version, times=event.attempt))
    return replace(state, tried=tried[-REMEMBERED_VERSIONS:])


def _preflight_passed(rollout: Rollout, event: e.PreflightPassed) -> Rollout:
    plan, stable, learned = event.plan or rollout.plan, dict(event.stable), dict(event.learned)
    proven = weight_after(plan, -1)
    return _on_targets(
        replace(rollout, plan=plan, attempt=event.attempt),
        lambda t: replace(
            t,
            stable_version=stable.get(t.name),
            candidate_since=event.at,
            proven=proven,
            analysis=AnalysisState(baseline=learned.get(t.name, Baseline())),
        ),
    )


def _step_entered(rollout: Rollout, event: e.StepEntered) -> Rollout:
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
        paused=None,
        paused_in=None,
        held_since=None,
        reason=event.because,
        look_at=None,
        stuck=None,
        deadline=event.at + rollout.spec.deadlines.progress if rollout.spec else None,
    )
    entered = _on_targets(entered, lambda t: replace(t, concern_accepted=False))
    match rollout.plan[event.step]:
        case AwaitApproval():
            return replace(
                entered,
                phase=Phase.WAITING,
                doing=Doing.AWAITING_APPROVAL,
                gate_deadline=_gate_deadline(entered, event.at),
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
            preparing = replace(entered, phase=Phase.PROGRESSING, doing=Doing.PREPARING, look_at=look_at)
            return _on_targets(preparing, lambda t: _prepared(t, prepares=_asks_for_preview(rollout, t)))
        case Shift() as shift:
            look_at = next_window(rollout.spec.measuring, event.at) if rollout.spec and rollout.is_exposed else None
            shifting = replace(entered, phase=Phase.PROGRESSING, doing=Doing.SHIFTING, look_at=look_at)
            return _on_targets(shifting, lambda t: _shifted(t, shift.weight, event.at))
        case Compare() as compare:
            look_at = next_window(rollout.spec.measuring, event.at) if rollout.spec and rollout.is_exposed else None
            shifting = replace(entered, phase=Phase.PROGRESSING, doing=Doing.SHIFTING, look_at=look_at)
            return _on_targets(shifting, lambda t: _compared(t, compare, event.at))
        case Promote() as promote:
            doing = Doing.SWAPPING if any(target.swaps for target in rollout.targets) else Doing.SHIFTING
            promoting = replace(entered, phase=Phase.PROMOTING, doing=doing, look_at=event.at)
            return _on_targets(promoting, lambda t: _promoted(t, rest(promote.hold_back), event.at))


def _left_in_doubt(rollout: Rollout) -> str:
    """Return the hook that is left behind and may have passed the point of no return, though nobody heard that."""
    run = rollout.hook
    is_open = run is not None and run.hook.no_return and run.status.state is not HookState.FAILED
    return run.hook.name if run is not None and is_open else ""


def _shifted(target: TargetState, weight: Weight, at: datetime) -> TargetState:
    """What was measured before the first users came says nothing about the candidate."""
    since = target.candidate_since if target.is_exposed and not target.previews else at
    return replace(_new_level(target, weight, Side.STABLE), candidate_since=since, previews=weight == NONE)


def _asks_for_preview(rollout: Rollout, target: TargetState) -> bool:
    return rollout.spec is not None and rollout.spec.target(target.name).swap_with_preview


def _prepared(target: TargetState, *, prepares: bool) -> TargetState:
    """Ask for a swap with preview, or for its end; where neither is news, nothing is to be done."""
    if target.prepares is prepares:
        return target
    return replace(target, prepares=prepares, preparing_level=target.preparing_level + 1, passes=0)


def _compared(target: TargetState, step: Compare, at: datetime) -> TargetState:
    """Ask for the share and the audience of an experiment."""
    shifted = replace(_shifted(target, step.weight, at), previews=False)
    return _for_audience(shifted, step.audience.mark if step.audience else None)


def _for_audience(target: TargetState, mark: RequestMark | None) -> TargetState:
    """Ask for an audience; where there never was one and none is wanted, nothing is to be done."""
    if mark is None and not target.had_audience:
        return target
    return replace(target, audience=mark, audience_level=target.audience_level + 1)


def _promoted(target: TargetState, weight: Weight, at: datetime) -> TargetState:
    """Ask for a swap; or, where nothing is swapped, for the weight that is left beside those who are held back.

    An audience ends with that: everyone is sent the same way.
    """
    target = _for_audience(target, None)
    if target.swaps:
        return replace(_new_level(target, target.wanted, Side.CANDIDATE), swap_begun=True, previews=False)
    since = target.candidate_since if target.is_exposed and not target.previews else at
    promoted = _new_level(target, weight, Side.CANDIDATE)
    return replace(promoted, side=Side.CANDIDATE, candidate_since=since, previews=False)


def _new_level(target: TargetState, wanted: Weight, side: Side) -> TargetState:
    return replace(target, wanted=wanted, wanted_side=side, generation=target.generation + 1)


def _weight_observed(rollout: Rollout, event: e.WeightObserved) -> Rollout:
    def observed(target: TargetState) -> TargetState:
        weight = target.seen(event.share)
        follows = target.located.settles if target.located else timedelta(0)
        analysis = _weighing(target.analysis, weight, event.at + follows)
        return replace(target, observed=weight, reached=event.generation, analysis=analysis)

    return _on_target(rollout, event.target, observed)


def _drift_found(rollout: Rollout, event: e.DriftFound) -> Rollout:
    """Somebody moved the weight since the look before, about a window ago."""
    window = rollout.spec.measuring.window if rollout.spec else timedelta(0)

    def drifted(target: TargetState) -> TargetState:
        analysis = _weighing(target.analysis, event.found, event.at - window)
        return replace(target, observed=event.found, generation=target.generation + 1, analysis=analysis)

    back = replace(rollout, doing=Doing.ZEROING) if rollout.doing is Doing.SETTLING else rollout
    return _on_target(back, event.target, drifted)


def _audience_moved(rollout: Rollout, event: e.AudienceMoved) -> Rollout:
    back = replace(rollout, doing=Doing.ZEROING) if rollout.doing is Doing.SETTLING else rollout
    return _on_target(back, event.target, lambda t: replace(t, audience_level=t.audience_level + 1))


def _preview_observed(rollout: Rollout, event: e.PreviewObserved) -> Rollout:
    """The app restarts with the settings that it was given: it is looked at once it has had a while to begin to."""
    seen = _on_target(rollout, event.target, lambda t: replace(t, preparing_reached=event.level, passes=0))
    if rollout.doing is not Doing.PREPARING or rollout.spec is None:
        return seen
    first = event.at + rollout.spec.target(event.target).health.every
    return replace(seen, look_at=first if rollout.look_at is None else min(first, rollout.look_at))


def _preview_moved(rollout: Rollout, event: e.PreviewMoved) -> Rollout:
    back = replace(rollout, doing=Doing.ZEROING) if rollout.doing is Doing.SETTLING else rollout
    level = lambda t: replace(t, preparing_level=t.preparing_level + 1, passes=0)  # noqa: E731
    return _on_target(back, event.target, level)


def _weighing(analysis: AnalysisState, weight: Weight, at: datetime) -> AnalysisState:
    """Say which share the candidate has from then on: other requests than that are no sign that some were lost."""
    if analysis.since is None or analysis.weight == weight:
        return analysis
    since = max(at, analysis.weights[-1].at)
    return replace(analysis, weights=(*analysis.weights, WeightSince(since, weight))[-WEIGHTS_KEPT:])


def _bake_started(rollout: Rollout, observed: datetime) -> Rollout:
    """Begin a step's clocks once clients follow its weight: what they meet before is not measured at it."""
    current = rollout.plan[rollout.step]
    proven = isinstance(current, Promote) and current.proven
    at = observed + rollout.settles
    look_at = observed if proven or rollout.spec is None else next_window(rollout.spec.measuring, at)
    baking = replace(rollout, doing=Doing.BAKING, baking_since=at, look_at=look_at)
    next_weight = weight_after(rollout.plan, rollout.step)

    def begun(target: TargetState) -> TargetState:
        weight = target.wanted if target.observed is None else target.observed
        retired = isinstance(current, Promote) and not target.holds_back
        analysis = begin_step(target.analysis, at, weight=weight, next_weight=next_weight, stable_retired=retired)
        return replace(target, analysis=analysis, judgement=None)

    return _on_targets(baking, begun)


def _judged(rollout: Rollout, event: e.TargetJudged) -> Rollout:
    judged = _on_target(
        rollout,
        event.target,
        lambda t: replace(t, analysis=event.analysis, judgement=event.judgement, totals=event.totals or t.totals),
    )
    return replace(judged, lacked_at=event.at) if judged.lacks_traffic else judged


def _experiment_ended(rollout: Rollout, event: e.ExperimentEnded) -> Rollout:
    """What follows has a deadline of its own: for a person to decide, or for a winner to be judged healthy."""
    over = replace(rollout, experiment_over=event.because, reason=event.says)
    step = rollout.plan[event.step]
    if isinstance(step, Compare) and step.promotes is Promotes.BY_HAND:
        return replace(over, phase=Phase.WAITING, doing=Doing.DECIDING, gate_deadline=event.at + DECISION_LIMIT)
    return replace(over, deadline=_progress_deadline(rollout, event.at))


def _step_passed(rollout: Rollout, event: e.StepPassed) -> Rollout:
    passed = _on_targets(rollout, lambda t: replace(t, proven=max(t.proven, event.proven)))
    return _releasing(passed, event.at) if isinstance(rollout.plan[event.step], Promote) else passed


def _releasing(rollout: Rollout, at: datetime) -> Rollout:
    """What is left of a promotion: everyone is let go to it, and no call may be under way any more."""
    look_at = next_window(rollout.spec.measuring, at) if rollout.spec else at
    return replace(rollout, doing=Doing.RELEASING, deadline=_progress_deadline(rollout, at), look_at=look_at)


def _hold_back_ended(rollout: Rollout, event: e.HoldBackEnded) -> Rollout:
    """Stable has no traffic from now on: what was learnt of it stands in, and a bake asks for fresh windows."""
    passed = rollout.doing is Doing.RELEASING

    def released(target: TargetState) -> TargetState:
        analysis = begin_step(target.analysis, event.at, weight=ALL, next_weight=ALL, stable_retired=True)
        judgement = target.judgement if passed else None
        return replace(_new_level(target, ALL, Side.CANDIDATE), analysis=analysis, judgement=judgement)

    return _on_target(rollout, event.target, released)


def _paused(rollout: Rollout, event: e.RolloutPaused) -> Rollout:
    pause = Pause(
        reason=event.reason,
        by=event.by,
        since=event.at,
        remind_at=event.remind_at,
        restarts=event.restarts,
        concern=event.concern,
    )
    held = _hold(rollout, event.at)
    return replace(held, phase=Phase.PAUSED, paused=pause, paused_in=rollout.phase, reason=event.reason)


def _held_by(rollout: Rollout, event: e.RolloutHeld) -> Rollout:
    """What waits for a window has its whole time for progress when that opens."""
    opens = event.until or event.at + HORIZON
    deadline = rollout.deadline and _progress_deadline(replace(rollout, held_since=None), opens)
    return replace(rollout, held_by=event.why, opens_at=opens, reason=event.why, deadline=deadline)


def _resumed(rollout: Rollout, at: datetime, *, frozen: bool) -> Rollout:
    back = replace(rollout, phase=rollout.paused_in or Phase.PROGRESSING, paused=None, paused_in=None, reason="")
    if rollout.paused and rollout.paused.restarts:
        back = _restarted(back, at)
    if rollout.paused and rollout.paused.concern:
        back = _on_targets(back, lambda t: replace(t, concern_accepted=t.has_concern))
    return back if frozen else _release(back, at)


def _restarted(rollout: Rollout, at: datetime) -> Rollout:
    """Begin the clocks of the step anew: they had run out before the pause."""
    return replace(
        rollout,
        held_since=at,
        baking_since=at if rollout.baking_since else None,
        bake_until=None,
        extensions=0,
        deadline=at + rollout.spec.deadlines.progress if rollout.spec else None,
        gate_deadline=_gate_deadline(rollout, at),
        hook=None,
        look_at=at,
    )


def _gate_deadline(rollout: Rollout, at: datetime) -> datetime | None:
    step = rollout.plan[rollout.step] if rollout.step >= 0 else None
    if isinstance(step, RunHook):
        return at + step.hook.timeout
    if isinstance(step, Compare) and rollout.experiment_over is not None and step.promotes is Promotes.BY_HAND:
        return at + DECISION_LIMIT
    return at + step.gate.timeout if isinstance(step, AwaitApproval) and not rollout.approved else None


def _after_stuck(rollout: Rollout, at: datetime) -> datetime | None:
    """A rollback has no further deadline: it never gives up. Anything else is looked at again."""
    return None if rollout.phase is Phase.ROLLING_BACK else _progress_deadline(rollout, at)


def _after_unstuck(rollout: Rollout, at: datetime) -> datetime | None:
    """A rollback that goes on again is to end in time again, or a person is called once more."""
    return at + SWAP_LIMIT if rollout.phase is Phase.ROLLING_BACK else rollout.deadline


def _progress_deadline(rollout: Rollout, at: datetime) -> datetime | None:
    """Return by when there must be progress from now on; clocks that stand still go on from where they stopped."""
    return (rollout.held_since or at) + rollout.spec.deadlines.progress if rollout.spec else None


def _hold(rollout: Rollout, at: datetime) -> Rollout:
    """Stop the step clocks. A rollback has none: whatever holds, it goes on and calls for help in time."""
    held = rollout.held_since is not None or rollout.phase is Phase.ROLLING_BACK
    return rollout if held else replace(rollout, held_since=at)


def _release(rollout: Rollout, at: datetime) -> Rollout:
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


def _side_verified(rollout: Rollout, event: e.SideVerified) -> Rollout:
    returned = event.side is Side.STABLE and rollout.phase is Phase.ROLLING_BACK
    promoted = rest(_hold_back(rollout))

    def verified(target: TargetState) -> TargetState:
        if target.side is event.side:
            return replace(target, swap_token=None, swap_begun=target.swap_begun and not returned)
        moved = replace(target, side=event.side, swap_token=None, observed=None, candidate_since=event.at)
        # The swap itself ended its preview; that none is left is read once more.
        moved = _prepared(replace(moved, swap_begun=not returned), prepares=False)
        wanted = promoted if event.side is Side.CANDIDATE and target.wanted_side is Side.CANDIDATE else target.wanted
        return replace(moved, wanted=wanted, generation=target.generation + 1)

    seen = _on_target(rollout, event.target, verified)
    if event.side is Side.CANDIDATE:
        seen = replace(seen, doing=_doing_in_doubt(rollout))
    promotes = (rollout.paused_in or rollout.phase) is Phase.PROMOTING
    swapped = promotes and all(target.side is target.wanted_side for target in seen.targets)
    return replace(seen, doing=Doing.CLEARING) if swapped else seen


def _hold_back(rollout: Rollout) -> Weight:
    current = rollout.plan[rollout.step] if rollout.step >= 0 else None
    return current.hold_back if isinstance(current, Promote) else NONE


def _doing_in_doubt(rollout: Rollout) -> Doing:
    """A swap that lands while a rollback is under way has to be watched, and taken back."""
    return Doing.SWAPPING_BACK if rollout.phase is Phase.ROLLING_BACK else rollout.doing


def _rollback_begun(rollout: Rollout, event: e.RollbackBegun) -> Rollout:
    back = replace(
        rollout,
        phase=Phase.ROLLING_BACK,
        doing=Doing.SWAPPING_BACK if rollout.has_begun_swap else Doing.ZEROING,
        ending=event.ending,
        reason=event.ending.reason,
        paused=None,
        paused_in=None,
        held_since=None,
        gate_deadline=None,
        hook=None,
        deadline=event.at + SWAP_LIMIT,
        stuck=None,
        look_at=event.at,
    )

    first = NONE if event.at_once else _next_below(rollout, rollout.weight)

    def taken_back(target: TargetState) -> TargetState:
        side = target.side if target.swaps else Side.STABLE
        weight = NONE if side is Side.CANDIDATE or target.swap_begun else min(first, target.wanted)
        back = replace(_new_level(target, weight, Side.STABLE), observed=None, side=side, previews=False)
        return _for_audience(_prepared(back, prepares=False), None)

    return _descending(_on_targets(back, taken_back), event.at)


def _descended(rollout: Rollout, event: e.Descended) -> Rollout:
    def lower(target: TargetState) -> TargetState:
        return replace(_new_level(target, min(event.weight, target.wanted), Side.STABLE), observed=None)

    return _descending(_on_targets(rollout, lower), event.at)


def _descending(rollout: Rollout, at: datetime) -> Rollout:
    """Say when the next weight of the way back is due, and give it the time that is left of it."""
    descent = descent_of(rollout)
    if descent is None or all(target.wanted == NONE for target in rollout.targets):
        return replace(rollout, descend_at=None)
    due = at + descent.every
    return replace(rollout, descend_at=due, look_at=due, deadline=due + SWAP_LIMIT)


def _next_below(rollout: Rollout, weight: Weight) -> Weight:
    """Return the next weight of the way back from a weight."""
    descent = descent_of(rollout)
    return max((each for each in descent.weights if each < weight), default=NONE) if descent else NONE


def descent_of(rollout: Rollout) -> Descent | None:
    """Return how the rollout's spec takes users back, or None where it does so at once."""
    strategy = rollout.spec.strategy if rollout.spec else None
    return strategy.descent if isinstance(strategy, Canary) else None


def _hook_begun(state: Application, event: e.HookBegun) -> Application:
    if event.run.hook.at in IN_PLAN:
        # From here on it may have happened: nothing goes back past it unless the other side says that it failed.
        passing = event.run.hook.name if event.run.hook.no_return else ""
        return _on_rollout(state, event.rollout, lambda r: replace(r, hook=event.run, no_return=r.no_return or passing))
    return replace(state, duties=(*state.duties, event.run))


def _heard(run: HookRun, event: e.HookHeard) -> HookRun:
    """Only what there is a token for can be asked for: anything else calls back, or has not answered yet."""
    token = run.token if event.token is None else event.token
    return replace(
        run,
        status=event.status,
        token=token,
        in_doubt_since=run.in_doubt_since or event.in_doubt_since,
        look_at=event.look_at if token else None,
    )


def _hook_ended(state: Application, event: e.HookEnded) -> Application:
    """A hook of the plan stays with its step, which goes on or back by it; one after the end is done with."""
    without = replace(state, duties=tuple(run for run in state.duties if run.call_id != event.call_id))

    def over(rollout: Rollout) -> Rollout:
        if rollout.hook is None or rollout.hook.call_id != event.call_id:
            return rollout
        run = replace(rollout.hook, status=event.status, look_at=None)
        failed = event.status.state is HookState.FAILED and rollout.no_return == run.hook.name
        return replace(rollout, hook=run, no_return="" if failed else rollout.no_return, look_at=event.at)

    return _on_live(without, over)


def _on_call(state: Application, call_id: str, change: Callable[[HookRun], HookRun]) -> Application:
    duties = tuple(change(run) if run.call_id == call_id else run for run in state.duties)

    def changed(rollout: Rollout) -> Rollout:
        run = rollout.hook
        return replace(rollout, hook=change(run)) if run is not None and run.call_id == call_id else rollout

    return _on_live(replace(state, duties=duties), changed)


def _effect_begun(state: Application, event: e.EffectBegun) -> Application:
    """An effect changes hands: what the worker before may still do is waited for before the rollout ends."""
    before = state.open_effect(event.effect)
    effects = tuple(replace(o, begun=event.at) if o.id == event.effect else o for o in state.effects)
    claimed = replace(state, effects=effects)
    if before is None or before.begun is None:
        return claimed
    if isinstance(before.effect, CallHook):
        return _doubted(claimed, before.effect, before.begun)
    return _in_doubt(claimed, before.begun, event.at)


def _effect_put_off(state: Application, event: e.EffectPutOff) -> Application:
    before = state.open_effect(event.effect)
    put_off = replace(
        state,
        effects=tuple(
            replace(o, begun=None, due=event.due, attempt=o.attempt + event.failed) if o.id == event.effect else o
            for o in state.effects
        ),
    )
    if not event.in_doubt or before is None or before.begun is None:
        return put_off
    if isinstance(before.effect, CallHook):
        return _doubted(put_off, before.effect, before.begun)
    return _in_doubt(put_off, before.begun, event.at)


def _doubted(state: Application, effect: CallHook, begun: datetime) -> Application:
    """Remember since when a hook's call may have been made without an answer that was heard."""
    return _on_call(state, effect.call_id, lambda run: replace(run, in_doubt_since=run.in_doubt_since or begun))


def _in_doubt(state: Application, begun: datetime, at: datetime) -> Application:
    """Remember until when a call that was begun then, and of which nothing more was heard, may still land."""
    may_land = begun + CALL_LIMIT
    if may_land <= at:
        return state
    return _on_live(
        state, lambda r: replace(r, settle_at=may_land if r.settle_at is None else max(r.settle_at, may_land))
    )


def _on_live(state: Application, change: Change) -> Application:
    return state if state.live is None else replace(state, live=change(state.live))


def _on_rollout(state: Application, rollout_id: str | None, change: Change) -> Application:
    if state.live is not None and state.live.id == rollout_id:
        return replace(state, live=change(state.live))
    if state.pending is not None and state.pending.id == rollout_id:
        return replace(state, pending=change(state.pending))
    return state


def _on_targets(rollout: Rollout, change: Callable[[TargetState], TargetState]) -> Rollout:
    return replace(rollout, targets=tuple(change(target) for target in rollout.targets))


def _on_target(rollout: Rollout, name: TargetName, change: Callable[[TargetState], TargetState]) -> Rollout:
    return _on_targets(rollout, lambda target: change(target) if target.name == name else target)


def next_effect_id(made: int) -> EffectId:
    """Return the id of the effect made after `made` others; ids sort in that order."""
    return EffectId(f"{made + 1:010d}")
