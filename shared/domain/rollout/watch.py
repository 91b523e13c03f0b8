"""While users meet the candidate: verify it, keep its weight, judge it, and move on or back."""

from datetime import datetime

from shared.domain.analysis.guards import GuardConfig, needs_stable
from shared.domain.analysis.judgement import Evidence, Judgement, Verdict
from shared.domain.analysis.measurement import Lack, Missing, Sample
from shared.domain.analysis.sequence import AnalysisState, step
from shared.domain.names import Version
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.needs import place_of_candidate
from shared.domain.rollout.plan import AwaitApproval, Promote, Shift, weight_after
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.settle import pinned_until, quiet_at
from shared.domain.rollout.spec import Bake, Outcome, Spec
from shared.domain.rollout.state import Doing, Ending, Phase, Rollout, TargetState
from shared.domain.rollout.steps import enter_step, fail, time_out
from shared.domain.rollout.timing import REMINDER, next_window, settled_until
from shared.domain.rollout.weight import ALL


def decide_watch(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """Decide on what was seen of a rollout that bakes or waits for approval."""
    if _is_replaced(draft, live, readings):
        return
    for target in live.targets:
        if target.is_exposed:
            _keep_weight(draft, live, target, readings)
    if stand_guard(draft, live, spec, readings):
        return
    judged = draft.state.live
    assert judged is not None
    if judged.held_since is None and _moved_on(draft, judged, spec, readings):
        return
    look_at = _next_look(judged, spec, draft.now)
    draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=look_at))


def decide_shifting(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """While routers are being told a weight: nothing advances, but the users who are there are looked after."""
    if _is_replaced(draft, live, readings) or stand_guard(draft, live, spec, readings):
        return
    draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=next_window(spec.measuring, draft.now)))


def stand_guard(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> bool:
    """Judge what users met where the candidate is; take it back if that is bad, and return whether it was."""
    for target in live.targets:
        if target.is_exposed:
            _judge(draft, live, target, spec, readings)
    judged = draft.state.live
    return judged is not None and _taken_back(draft, judged)


def _is_replaced(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Whether a place that should hold the candidate serves something else: nobody may be sent there."""
    for target in live.targets:
        found = readings.version(target.name, place_of_candidate(target))
        if isinstance(found, Trouble) or found == live.version:
            continue
        draft.record(e.CandidateReplaced(at=draft.now, rollout=live.id, target=target.name, found=Version(found)))
        fail(draft, live, f"candidate replaced: {target.name} serves {found} where {live.version} should be")
        return True
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


def _judge(draft: Draft, live: Rollout, target: TargetState, spec: Spec, readings: Readings) -> None:
    """Take the new windows into the evidence, each once, in order."""
    windows = readings.windows(target.name)
    if isinstance(windows, Trouble):
        evidence = Evidence(guard="metrics", verdict=Verdict.ERROR, says=f"metrics cannot be read: {windows.why}")
        _record(draft, live, target, target.analysis, Judgement(verdict=Verdict.ERROR, evidence=(evidence,)))
        return
    config = GuardConfig(window=spec.measuring.window, guards=spec.guards)
    analysis, judgement = target.analysis, None
    compares = needs_stable(config) and not analysis.stable_retired
    for window in windows:
        awaited = (window.candidate, window.stable) if compares else (window.candidate,)
        if window.end > settled_until(spec.measuring, draft.now) and any(map(_may_still_come, awaited)):
            break
        analysis, said, _ = step(analysis, window, config)
        judgement = said or judgement
        if judgement is not None and judgement.verdict is Verdict.DEGRADED:
            break
    if judgement is not None:
        _record(draft, live, target, analysis, judgement)


def _record(draft: Draft, live: Rollout, target: TargetState, analysis: AnalysisState, judgement: Judgement) -> None:
    draft.record(
        e.TargetJudged(at=draft.now, rollout=live.id, target=target.name, analysis=analysis, judgement=judgement)
    )


def _may_still_come(side: Sample | Missing) -> bool:
    return isinstance(side, Missing) and side.lack is Lack.NO_DATA


def _taken_back(draft: Draft, live: Rollout) -> bool:
    for target in live.targets:
        judgement = target.judgement
        if judgement is None:
            continue
        if judgement.verdict is Verdict.DEGRADED:
            ending = Ending(phase=Phase.ROLLED_BACK, reason=f"degraded: {judgement.because()}")
            draft.record(
                e.RollbackBegun(at=draft.now, rollout=live.id, ending=ending, judgements=((target.name, judgement),))
            )
            return True
        if judgement.concern is not None and live.phase is Phase.PROGRESSING and live.held_since is None:
            remind_at = draft.now + REMINDER
            draft.record(
                e.RolloutPaused(
                    at=draft.now, rollout=live.id, by="slipway", reason=judgement.concern, remind_at=remind_at
                )
            )
    return False


def _moved_on(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> bool:
    """Advance if everything allows it, or act on a deadline; return whether the rollout is somewhere else now."""
    verified = all(readings.version(target.name, place_of_candidate(target)) == live.version for target in live.targets)
    current = live.plan[live.step]
    match current:
        case AwaitApproval():
            if live.approved and verified:
                enter_step(draft, live, live.step + 1, f"gate {current.gate.name} approved")
                return True
            return _gate_timed_out(draft, live, current)
        case Shift() | Promote():
            if verified and (_is_proven_before(live, current) or _is_healthy(draft, live, spec, current.bake)):
                _pass_step(draft, live, current)
                return True
            return _bake_timed_out(draft, live, current.bake)


def _is_proven_before(live: Rollout, current: Shift | Promote) -> bool:
    settled = live.doing is Doing.BAKING and all(target.is_settled for target in live.targets)
    return isinstance(current, Promote) and current.proven and settled


def _is_healthy(draft: Draft, live: Rollout, spec: Spec, bake: Bake) -> bool:
    now, since = draft.now, live.baking_since
    if live.doing is not Doing.BAKING or since is None or now - since < bake.minimum:
        return False
    return all(_is_proven(target, since, settled_until(spec.measuring, now)) for target in live.targets)


def _is_proven(target: TargetState, since: datetime, fresh_after: datetime) -> bool:
    seen_until, judgement = target.analysis.seen_until, target.judgement
    return (
        target.is_settled
        and judgement is not None
        and judgement.verdict is Verdict.HEALTHY
        and judgement.concern is None
        and seen_until is not None
        and seen_until > since
        and seen_until >= fresh_after
    )


def _pass_step(draft: Draft, live: Rollout, current: Shift | Promote) -> None:
    if isinstance(current, Promote):
        quiet = quiet_at(draft.state, live)
        if quiet is not None and quiet > draft.now:
            draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=quiet))
            return
    proven = weight_after(live.plan, live.step) if isinstance(current, Shift) else ALL
    judgements = tuple((target.name, target.judgement) for target in live.targets if target.judgement)
    draft.record(e.StepPassed(at=draft.now, rollout=live.id, step=live.step, proven=proven, judgements=judgements))
    if live.step + 1 < len(live.plan):
        enter_step(draft, live, live.step + 1, "every target was judged healthy")
        return
    ending = Ending(phase=Phase.SUCCEEDED, reason=f"version {live.version} serves everyone")
    until = pinned_until(live, draft.now)
    draft.record(e.RolloutEnded(at=draft.now, rollout=live.id, ending=ending, pinned_until=until))


def _gate_timed_out(draft: Draft, live: Rollout, current: AwaitApproval) -> bool:
    if live.gate_deadline is None or live.gate_deadline > draft.now:
        return False
    gate = current.gate
    return _timed_out(draft, live, gate.otherwise, f"gate {gate.name} was not approved within {gate.timeout}")


def _bake_timed_out(draft: Draft, live: Rollout, bake: Bake) -> bool:
    if live.baking_since is None or live.baking_since + bake.maximum > draft.now:
        return False
    verdicts = ", ".join(f"{t.name} {t.judgement.verdict if t.judgement else 'not judged'}" for t in live.targets)
    because = "; ".join(t.judgement.because() for t in live.targets if t.judgement)
    reason = f"deadline: not judged healthy within {bake.maximum} ({verdicts}{': ' + because if because else ''})"
    return _timed_out(draft, live, bake.otherwise, reason)


def _timed_out(draft: Draft, live: Rollout, outcome: Outcome, reason: str) -> bool:
    time_out(draft, live, outcome, reason)
    return outcome is Outcome.ROLLBACK


def _next_look(live: Rollout, spec: Spec, now: datetime) -> datetime:
    """Return when there is something new: a window, the end of the least bake, or a deadline."""
    times = [now + REMINDER]
    if live.is_exposed or live.approved:
        times.append(next_window(spec.measuring, now))
    if live.held_since is None:
        current = live.plan[live.step]
        if live.gate_deadline is not None:
            times.append(live.gate_deadline)
        if live.baking_since is not None and not isinstance(current, AwaitApproval):
            times.append(live.baking_since + current.bake.minimum)
            times.append(live.baking_since + current.bake.maximum)
    return min(at for at in times if at > now)
