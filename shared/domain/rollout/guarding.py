"""Judging what users meet where the candidate is, and taking it back or calling a person for what is bad."""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.analysis.guards import GuardConfig, needs_stable
from shared.domain.analysis.judgement import Evidence, Judgement, Verdict
from shared.domain.analysis.limits import trouble_with
from shared.domain.analysis.measurement import Lack, Window
from shared.domain.analysis.sequence import AnalysisState, step
from shared.domain.experiments.totals import Totals
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.experimenting import take_in
from shared.domain.rollout.judging import config_for, for_audience, for_preview
from shared.domain.rollout.plan import Bakes
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Doing, Ending, Phase, Rollout, TargetState
from shared.domain.rollout.steps import pause_beyond_return
from shared.domain.rollout.timing import REMINDER, settled_until

CONCERNS_A_LOOK = 5
"""Each is told to every webhook, and one transaction has no room for more: the next look raises the rest."""


def stand_guard(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> bool:
    """Judge what users met where the candidate is; take it back if that is bad, and return whether it was."""
    for target in draft.state.live.targets if draft.state.live else ():
        if target.is_exposed:
            _judge(draft, live, target, spec, readings)
    judged = draft.state.live
    return judged is not None and _taken_back(draft, judged)


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
