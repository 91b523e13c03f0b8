"""While users meet the candidate: verify it, keep its weight, judge it, and move on or back."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from shared.domain.analysis.guards import GuardConfig, SampleRatio, needs_stable
from shared.domain.analysis.judgement import Evidence, Judgement, Verdict
from shared.domain.analysis.limits import trouble_with
from shared.domain.analysis.measurement import Lack, Sample, Window
from shared.domain.analysis.sequence import AnalysisState, step
from shared.domain.experiments.totals import Totals
from shared.domain.names import Version
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.experimenting import is_over, take_in
from shared.domain.rollout.experimenting import moved_on as experiment_moved_on
from shared.domain.rollout.judging import config_for, for_audience, for_preview
from shared.domain.rollout.low_traffic import bake_ends, is_excused, wait_for_traffic
from shared.domain.rollout.membership import END
from shared.domain.rollout.needs import place_of_candidate, place_of_stable
from shared.domain.rollout.on_hook import moved_on as hook_moved_on
from shared.domain.rollout.on_release import fell_silent, is_kept_from_end, keep_from_end, waits_for_release
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
from shared.domain.rollout.preparing import keep_previews
from shared.domain.rollout.preparing import moved_on as preparation_moved_on
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.settle import end_promotion, let_everyone_go, let_go
from shared.domain.rollout.spec import Bake, Outcome, Spec
from shared.domain.rollout.state import Doing, Ending, Phase, Rollout, TargetState
from shared.domain.rollout.steps import enter_step, fail, pause_beyond_return, time_out
from shared.domain.rollout.timing import REMINDER, SILENT, fresh_after, next_window, settled_until
from shared.domain.rollout.weight import ALL
from shared.domain.rollout.windows import held_before, note_held

NO_TIME = timedelta(0)


CONCERNS_A_LOOK = 5
NO_TIME = timedelta(0)


def decide_watch(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """Decide on what was seen of a rollout that bakes or waits for approval."""
    if _is_replaced(draft, live, readings):
        return
    for target in live.targets:
        if target.is_exposed:
            _keep_weight(draft, live, target, readings)
            _keep_audience(draft, live, target, readings)
    keep_previews(draft, live, readings)
    _let_go_where_replaced(draft, live, readings)
    if live.doing is Doing.BAKING:
        _let_go_where_silent(draft, live, spec, readings)
    if stand_guard(draft, live, spec, readings):
        return
    judged = draft.state.live
    assert judged is not None
    if judged.held_since is None and _moved_on(draft, judged, spec, readings):
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
    at = draft.now if _may_move_on(draft, judged, spec) else _next_look(judged, spec, draft.now)
    draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=at))


def _may_move_on(draft: Draft, live: Rollout, spec: Spec) -> bool:
    """Whether all that a step lacks to be passed is that the candidate is verified."""
    current = live.plan[live.step]
    if isinstance(current, Compare) and live.held_since is None:
        return live.doing is Doing.BAKING and is_over(live, current, spec, draft.now)
    if not isinstance(current, Bakes) or live.held_since is not None:
        return False
    if live.member is not None and live.member.waits_to_end:
        return live.member.opened >= END and _is_healthy(draft, live, spec, NO_TIME)
    return _is_proven_before(live, current) or _is_healthy(draft, live, spec, current.bake.minimum)


def decide_shifting(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """While routers are being told a weight: nothing advances, but the users who are there are looked after.

    Where that weight is everyone, after a promotion was judged healthy, its arrival ends the rollout.
    """
    if _is_replaced(draft, live, readings):
        return
    _let_go_where_replaced(draft, live, readings)
    if stand_guard(draft, live, spec, readings):
        return
    if live.doing is Doing.RELEASING and end_promotion(draft):
        return
    if live.doing is Doing.PREPARING and preparation_moved_on(draft, live, readings):
        return
    _look_again(draft, live, spec)


def stand_guard(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> bool:
    """Judge what users met where the candidate is; take it back if that is bad, and return whether it was."""
    for target in draft.state.live.targets if draft.state.live else ():
        if target.is_exposed:
            _judge(draft, live, target, spec, readings)
    judged = draft.state.live
    return judged is not None and _taken_back(draft, judged)


def _is_replaced(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Whether it is taken back, because a place that should hold the candidate serves something else.

    Beyond the point of no return it is not: it stops, once, and its users are looked after.
    """
    for target in live.targets:
        found = readings.version(target.name, place_of_candidate(target))
        if isinstance(found, Trouble) or found == live.version or (live.no_return and live.phase is Phase.PAUSED):
            continue
        draft.record(e.CandidateReplaced(at=draft.now, rollout=live.id, target=target.name, found=Version(found)))
        fail(
            draft,
            live,
            f"candidate replaced: {target.name} serves {found} where {live.version} should be",
            at_once=True,
        )
        return not live.no_return
    return False


def _let_go_where_replaced(draft: Draft, live: Rollout, readings: Readings) -> None:
    """Send nobody any more to a place that was to hold the stable version beside a promoted one, and does not."""
    for target in live.targets:
        found = readings.version(target.name, place_of_stable(target)) if target.holds_back else target.stable_version
        if isinstance(found, Trouble) or found == target.stable_version:
            continue
        let_go(draft, live, target, f"their place serves {found} where {target.stable_version} should be")


def _let_go_where_silent(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """Hold nobody back for a comparison that does not come about: what was learnt of stable before stands in."""
    settled = settled_until(spec.measuring, draft.now)
    patience = max(SILENT, 5 * spec.measuring.window)
    since = max(settled - patience, live.baking_since or settled)
    for target in draft.state.live.targets if draft.state.live else ():
        windows = readings.windows(target.name)
        if not target.holds_back or isinstance(windows, Trouble):
            continue
        waited_for = [window for window in windows if window.start >= since and window.end <= settled]
        span = len(waited_for) * spec.measuring.window
        if span + spec.measuring.window >= patience and all(map(_has_only_candidate, waited_for)):
            let_go(draft, live, target, f"nothing was measured of them for {patience}")


def _has_only_candidate(window: Window) -> bool:
    stable = window.stable
    silent = stable.requests == 0 if isinstance(stable, Sample) else stable.lack is Lack.NO_DATA
    return silent and isinstance(window.candidate, Sample) and window.candidate.requests > 0


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


def _judge(draft: Draft, live: Rollout, target: TargetState, spec: Spec, readings: Readings) -> None:
    """Take every whole window into the evidence that has not counted yet, in whatever order they come."""
    windows = readings.windows(target.name)
    if isinstance(windows, Trouble):
        evidence = Evidence(guard="metrics", verdict=Verdict.ERROR, says=f"metrics cannot be read: {windows.why}")
        blind = Judgement(verdict=Verdict.ERROR, evidence=(evidence,))
        _record(draft, live, target, target.analysis, blind, target.totals)
        return
    current = live.plan[live.step]
    bake = current.bake if isinstance(current, Bakes) else None
    config = config_for(spec, live.attempt, bake)
    if target.previews:
        config = for_preview(config)
    if target.audience is not None:
        config = for_audience(config)
    analysis, totals, judgement = target.analysis, target.totals, None
    for window in _to_judge(windows, target.analysis, config, settled_until(spec.measuring, draft.now)):
        before = analysis
        analysis, said, _ = step(before, window, config)
        totals = take_in(totals, window, before, analysis, live)
        judgement = said or judgement
        if judgement is not None and judgement.verdict is Verdict.DEGRADED:
            break
    if judgement is not None:
        _record(draft, live, target, analysis, judgement, totals)


def _to_judge(
    windows: tuple[Window, ...], analysis: AnalysisState, config: GuardConfig, settled: datetime
) -> Iterator[Window]:
    """Yield the whole windows, and then what is lacking of the newest ones.

    A window that lacks something may still come whole, so it is judged as it is only when it was waited for long
    enough, and while no later one is whole: what is missing between whole ones holds nothing up.
    """
    newest = analysis.newest
    lacking: list[Window] = []
    for window in windows:
        lack = _lack_of(window, analysis, config)
        if lack is None:
            yield window
            newest = max(window.end, newest or window.end)
        elif lack is Lack.ERROR or window.end <= settled:
            lacking.append(window)
    yield from (window for window in lacking if newest is None or window.end > newest)


def _lack_of(window: Window, analysis: AnalysisState, config: GuardConfig) -> Lack | None:
    compares = needs_stable(config) and not analysis.stable_retired
    awaited = (window.candidate, window.stable) if compares else (window.candidate,)
    found = [trouble.lack for side in awaited if (trouble := trouble_with(side)) is not None]
    return Lack.ERROR if Lack.ERROR in found else next(iter(found), None)


def _record(
    draft: Draft,
    live: Rollout,
    target: TargetState,
    analysis: AnalysisState,
    judgement: Judgement,
    totals: Totals | None,
) -> None:
    draft.record(
        e.TargetJudged(
            at=draft.now, rollout=live.id, target=target.name, analysis=analysis, judgement=judgement, totals=totals
        )
    )
    for evidence in judgement.evidence:
        if draft.recorded(e.ConcernRaised) >= CONCERNS_A_LOOK:
            # Each is told to every webhook, and one transaction has no room for more: the next look raises the rest.
            return
        if evidence.verdict is Verdict.DEGRADED and not evidence.decides and evidence.guard not in target.warned:
            draft.record(
                e.ConcernRaised(
                    at=draft.now, rollout=live.id, target=target.name, guard=evidence.guard, says=evidence.says
                )
            )


def _taken_back(draft: Draft, live: Rollout) -> bool:
    for target in live.targets:
        judgement = target.judgement
        if judgement is None:
            continue
        if judgement.verdict is Verdict.DEGRADED and live.no_return:
            pause_beyond_return(draft, live, f"degraded: {judgement.because()}")
            return False
        if judgement.verdict is Verdict.DEGRADED:
            ending = Ending(phase=Phase.ROLLED_BACK, reason=f"degraded: {judgement.because()}")
            draft.record(
                e.RollbackBegun(at=draft.now, rollout=live.id, ending=ending, judgements=((target.name, judgement),))
            )
            return True
    _pause_for_concern(draft, live)
    return False


def _pause_for_concern(draft: Draft, live: Rollout) -> None:
    """Stop where a person should look first, unless one did: whoever resumes accepts the concern for this step."""
    worried = [t for t in live.targets if t.has_concern and not t.concern_accepted]
    may_pause = live.phase is Phase.PROGRESSING or (live.phase is Phase.PROMOTING and live.doing is Doing.BAKING)
    if not worried or not may_pause or live.held_since is not None:
        return
    reason = "; ".join(f"{t.name}: {t.judgement.concern}" for t in worried if t.judgement)
    draft.record(
        e.RolloutPaused(
            at=draft.now,
            rollout=live.id,
            by="slipway",
            reason=reason,
            remind_at=draft.now + REMINDER,
            concern=True,
        )
    )


def _moved_on(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> bool:
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
            if verified and _may_move_on(draft, live, spec):
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
    return _timed_out(draft, live, gate.otherwise, f"gate {gate.name} was not approved within {gate.timeout}")


def _bake_timed_out(draft: Draft, live: Rollout, spec: Spec, bake: Bake) -> bool:
    if live.baking_since is None or bake_ends(live, bake) > draft.now:
        return False
    if is_excused(live, bake, draft.now):
        wait_for_traffic(draft, live, spec, bake)
        return False
    verdicts = ", ".join(f"{t.name} {t.judgement.verdict if t.judgement else 'not judged'}" for t in live.targets)
    because = "; ".join(t.judgement.because() for t in live.targets if t.judgement)
    reason = f"deadline: not judged healthy within {bake.maximum} ({verdicts}{': ' + because if because else ''})"
    return _timed_out(draft, live, bake.otherwise, reason)


def _timed_out(draft: Draft, live: Rollout, outcome: Outcome, reason: str) -> bool:
    time_out(draft, live, outcome, reason)
    return outcome is Outcome.ROLLBACK


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
        times.append(live.opens_at)
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
