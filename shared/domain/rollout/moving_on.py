"""Passing a step once every target was judged healthy, or doing what the spec says where that does not come about."""

from datetime import datetime, timedelta

from shared.domain.analysis.guards import SampleRatio
from shared.domain.analysis.judgement import Verdict
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.experimenting import is_over
from shared.domain.rollout.experimenting import moved_on as experiment_moved_on
from shared.domain.rollout.low_traffic import bake_ends, is_excused, wait_for_traffic
from shared.domain.rollout.membership import END
from shared.domain.rollout.needs import place_of_candidate
from shared.domain.rollout.on_hook import moved_on as hook_moved_on
from shared.domain.rollout.on_release import fell_silent, is_kept_from_end, keep_from_end
from shared.domain.rollout.on_release import moved_on as release_moved_on
from shared.domain.rollout.plan import (
    AwaitApproval,
    AwaitRelease,
    Bakes,
    Compare,
    Prepare,
    Promote,
    RunHook,
    Shift,
    weight_after,
)
from shared.domain.rollout.readings import Readings
from shared.domain.rollout.settle import end_promotion, let_everyone_go
from shared.domain.rollout.spec import Bake, Outcome, Spec
from shared.domain.rollout.state import Doing, Rollout, TargetState
from shared.domain.rollout.steps import enter_step, time_out
from shared.domain.rollout.timing import fresh_after
from shared.domain.rollout.weight import ALL
from shared.domain.rollout.windows import held_before, note_held
from shared.domain.spans import span_in_words

NO_TIME = timedelta(0)


def may_move_on(draft: Draft, live: Rollout, spec: Spec) -> bool:
    """Return whether all that a step lacks to be passed is that the candidate is verified."""
    current = live.plan[live.step]
    if isinstance(current, Compare) and live.held_since is None:
        return live.doing is Doing.BAKING and is_over(live, current, spec, draft.now)
    if not isinstance(current, Bakes) or live.held_since is not None:
        return False
    if live.member is not None and live.member.waits_to_end:
        return live.member.opened >= END and _is_healthy(draft, live, spec, NO_TIME)
    return _is_proven_before(live, current) or _is_healthy(draft, live, spec, current.bake.minimum)


def moved_on(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> bool:
    """Advance if everything allows it, or act on a deadline; return whether the rollout is somewhere else now."""
    verified = all(readings.version(target.name, place_of_candidate(target)) == live.version for target in live.targets)
    current = live.plan[live.step]
    match current:
        case AwaitApproval():
            if live.approved and verified:
                if _waits_for_window(draft, live):
                    return False
                enter_step(draft, live, live.step + 1, f"gate {current.gate.name} approved")
                return True
            return _gate_timed_out(draft, live, current)
        case RunHook():
            return hook_moved_on(draft, live)
        case AwaitRelease():
            return release_moved_on(draft, live, verified=verified)
        case Prepare():
            return False
        case Compare():
            is_well = verified and _is_healthy(draft, live, spec, NO_TIME)
            return experiment_moved_on(draft, live, spec, current, may_promote=is_well)
        case Shift() | Promote():
            if verified and may_move_on(draft, live, spec):
                if is_kept_from_end(live):
                    keep_from_end(draft, live)
                    return False
                if _waits_for_window(draft, live):
                    return False
                _pass_step(draft, live, current)
                return True
            if live.member is not None and live.member.waits_to_end:
                return fell_silent(draft, live)
            return _bake_timed_out(draft, live, spec, current.bake)


def _waits_for_window(draft: Draft, live: Rollout) -> bool:
    """Whether a release window holds what comes next. The step's clocks do not count against it meanwhile."""
    holder = held_before(draft, live, live.step + 1)
    if holder is not None:
        note_held(draft, live, holder)
    return holder is not None


def _is_proven_before(live: Rollout, current: Shift | Promote) -> bool:
    settled = live.doing is Doing.BAKING and all(target.is_settled for target in live.targets)
    return isinstance(current, Promote) and current.proven and settled


def _is_healthy(draft: Draft, live: Rollout, spec: Spec, least: timedelta) -> bool:
    now, since = draft.now, live.baking_since
    if live.doing is not Doing.BAKING or since is None or now - since < least:
        return False
    fresh = fresh_after(spec.measuring, now)
    return all(_is_fresh(target, since, fresh) and _is_well(target, spec) for target in live.targets)


def _is_fresh(target: TargetState, since: datetime, fresh: datetime) -> bool:
    newest = target.analysis.newest
    return target.is_settled and newest is not None and newest > since and newest >= fresh


def _is_well(target: TargetState, spec: Spec) -> bool:
    """Whether the judgement is healthy, or would be but for a concern that a person has accepted."""
    judgement = target.judgement
    if judgement is None:
        return False
    if not target.concern_accepted or judgement.concern is None:
        return judgement.verdict is Verdict.HEALTHY and judgement.concern is None
    accepted = {guard.name for guard in spec.guards if isinstance(guard.test, SampleRatio)}
    others = [each.verdict for each in judgement.evidence if each.decides and each.guard not in accepted]
    is_alone = bool(others) and all(verdict is Verdict.HEALTHY for verdict in others)
    return judgement.verdict is Verdict.HEALTHY or (is_alone and not judgement.holds)


def _pass_step(draft: Draft, live: Rollout, current: Shift | Promote) -> None:
    proven = weight_after(live.plan, live.step) if isinstance(current, Shift) else ALL
    judgements = tuple((target.name, target.judgement) for target in live.targets if target.judgement)
    draft.record(e.StepPassed(at=draft.now, rollout=live.id, step=live.step, proven=proven, judgements=judgements))
    if live.step + 1 < len(live.plan):
        enter_step(draft, live, live.step + 1, "every target was judged healthy")
        return
    let_everyone_go(draft, live, "every target was judged healthy in production")
    end_promotion(draft)


def _gate_timed_out(draft: Draft, live: Rollout, current: AwaitApproval) -> bool:
    if live.gate_deadline is None or live.gate_deadline > draft.now:
        return False
    gate = current.gate
    return _timed_out(
        draft, live, gate.otherwise, f"gate {gate.name} was not approved within {span_in_words(gate.timeout)}"
    )


def _bake_timed_out(draft: Draft, live: Rollout, spec: Spec, bake: Bake) -> bool:
    if live.baking_since is None or bake_ends(live, bake) > draft.now:
        return False
    if is_excused(live, bake, draft.now):
        wait_for_traffic(draft, live, spec, bake)
        return False
    verdicts = ", ".join(f"{t.name} {t.judgement.verdict if t.judgement else 'not judged'}" for t in live.targets)
    because = "; ".join(t.judgement.because() for t in live.targets if t.judgement)
    within = span_in_words(bake.maximum)
    reason = f"deadline: not judged healthy within {within} ({verdicts}{': ' + because if because else ''})"
    return _timed_out(draft, live, bake.otherwise, reason)


def _timed_out(draft: Draft, live: Rollout, outcome: Outcome, reason: str) -> bool:
    time_out(draft, live, outcome, reason)
    return outcome is Outcome.ROLLBACK
