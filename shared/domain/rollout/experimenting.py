"""Experiments in the rules: what both arms' users met is added up, and what it comes to decides what happens next."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.domain.analysis.guards import Guard, Metric
from shared.domain.analysis.measurement import Window
from shared.domain.analysis.state import AnalysisState
from shared.domain.experiments.experiment import Arm, ArmCounts, Counter, Ended, Ends, Experiment, Failures, Goal
from shared.domain.experiments.report import ExperimentReport, ended, report
from shared.domain.experiments.totals import Totals, together, with_window
from shared.domain.experiments.words import in_words
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.plan import Compare, Step, weight_after
from shared.domain.rollout.spec import Promotes, Spec, TargetKind
from shared.domain.rollout.state import Doing, Ending, Phase, Rollout
from shared.domain.rollout.steps import enter_step, fail, pause_beyond_return, time_out
from shared.domain.rollout.timing import DECISION_LIMIT, settled_until
from shared.domain.rollout.weight import ALL, ROUNDING, Weight
from shared.domain.rollout.windows import held_before, note_held


def compared(plan: tuple[Step, ...]) -> Compare | None:
    """Return the step of a plan in which both versions are compared; None where it is no experiment."""
    return next((step for step in plan if isinstance(step, Compare)), None)


def take_in(
    totals: Totals | None, window: Window, before: AnalysisState, after: AnalysisState, live: Rollout
) -> Totals | None:
    """Return what the experiment has counted, with a window that the analysis took in just now.

    It counts when the whole window lies in the experiment, at the share that was planned: so once, for the analysis
    counts a window once, and not while somebody else had moved the weight.
    """
    current = live.plan[live.step]
    is_on = isinstance(current, Compare) and live.experiment_over is None and live.baking_since is not None
    was_counted = after.counted(window) and not before.counted(window)
    if not isinstance(current, Compare) or not is_on or not was_counted:
        return totals
    weight = after.weight_during(window)
    is_later = after.good_since is not None and window.start >= after.good_since
    if weight is None or not is_later or abs(weight - current.weight) > ROUNDING:
        return totals
    return with_window(totals or Totals(), window, current.goal, planned_share(current, Weight(weight)) or 0.0)


def planned_share(step: Compare, weight: Weight) -> float | None:
    """Return which share of the requests is to be the candidate's; None where nobody knows how many bear the mark."""
    of_others = weight / ALL
    if step.audience is None:
        return of_others
    if step.audience.share is None:
        return None
    marked = step.audience.share / ALL
    return marked + (1.0 - marked) * of_others


def standing(live: Rollout, at: datetime | None = None) -> ExperimentReport | None:
    """Return how the rollout's experiment stands; None where it is none. `at`: it is known up to then at least."""
    step = compared(live.plan)
    if step is None:
        return None
    totals = together(target.totals for target in live.targets if target.totals is not None)
    planned = planned_share(step, step.weight)
    if planned is not None and totals.requests > 0:
        planned = totals.planned / totals.requests
    experiment = Experiment(goal=_rough(step.goal, live), share=planned)
    arms = (ArmCounts(Arm.CANDIDATE, totals.candidate), ArmCounts(Arm.STABLE, totals.stable))
    known = [each for each in (totals.until, at) if each is not None]
    return report(experiment, arms, max(known, default=live.baking_since or live.requested))


def is_over(live: Rollout, step: Compare, spec: Spec, now: datetime) -> bool:
    """Whether the experiment is over, or would be as soon as somebody looks."""
    return live.experiment_over is not None or _ending(live, step, spec, now) is not None


def moved_on(draft: Draft, live: Rollout, spec: Spec, step: Compare, *, may_promote: bool) -> bool:
    """End the experiment when its time has come, and do what follows; return whether it is somewhere else now.

    By the rule a candidate that won is promoted when it is well too (`may_promote`) and no release window holds it, and
    is taken back in every other case. By hand it waits for a person, and not for ever.
    """
    if live.experiment_over is None:
        ending = _ending(live, step, spec, draft.now)
        if ending is None:
            return False
        because, found = ending
        draft.record(
            e.ExperimentEnded(
                at=draft.now,
                rollout=live.id,
                step=live.step,
                because=because,
                winner=found.winner,
                says=in_words(found),
            )
        )
        assert draft.state.live is not None
        live = draft.state.live
    if step.promotes is Promotes.BY_HAND:
        return _waited_too_long(draft, live)
    result = standing(live)
    assert result is not None
    if result.winner is not Arm.CANDIDATE:
        return _taken_back(draft, live, in_words(result))
    if not may_promote:
        return _never_well(draft, live, spec)
    holder = held_before(draft, live, live.step + 1)
    if holder is not None:
        note_held(draft, live, holder)
        return False
    judgements = tuple((target.name, target.judgement) for target in live.targets if target.judgement)
    proven = weight_after(live.plan, live.step)
    draft.record(e.StepPassed(at=draft.now, rollout=live.id, step=live.step, proven=proven, judgements=judgements))
    enter_step(draft, live, live.step + 1, f"the experiment is over: {in_words(result)}")
    return True


def assumed(plan: tuple[Step, ...], spec: Spec) -> tuple[str, ...]:
    """Return what an experiment's report takes for granted and the targets do not promise, for people."""
    step = compared(plan)
    if step is None:
        return ()
    kinds = dict.fromkeys(target.kind for target in spec.targets)
    told = tuple(_UNSTEADY[kind] for kind in kinds if kind in _UNSTEADY and step.weight > 0)
    if step.audience is not None and step.audience.share is None:
        told = (*told, _UNDIVIDED)
    return told


def _ending(live: Rollout, step: Compare, spec: Spec, now: datetime) -> tuple[Ended, ExperimentReport] | None:
    """Return why the experiment is over now, and its report; None while it goes on.

    Time is over when the windows up to the end have counted, or can count no more.
    """
    if live.baking_since is None or live.doing is not Doing.BAKING:
        return None
    ends = Ends(
        at=live.baking_since + step.ends.after, requests=step.ends.requests, when_decided=step.ends.when_decided
    )
    found = standing(live, settled_until(spec.measuring, now))
    assert found is not None
    because = ended(found, ends)
    return None if because is None else (because, found)


def _taken_back(draft: Draft, live: Rollout, says: str) -> bool:
    why = f"the experiment ended ({live.experiment_over}): {says}"
    if live.no_return:
        pause_beyond_return(draft, live, why)
        return False
    ending = Ending(phase=Phase.ROLLED_BACK, reason=why)
    draft.record(e.RollbackBegun(at=draft.now, rollout=live.id, ending=ending))
    return True


def _waited_too_long(draft: Draft, live: Rollout) -> bool:
    if live.gate_deadline is None or live.gate_deadline > draft.now:
        return False
    fail(draft, live, f"nobody promoted the candidate within {DECISION_LIMIT.days} days after its experiment was over")
    return live.no_return == ""


def _never_well(draft: Draft, live: Rollout, spec: Spec) -> bool:
    """Act on the deadline of a winner that is not judged healthy."""
    if live.deadline is None or live.deadline > draft.now:
        return False
    because = "; ".join(target.judgement.because() for target in live.targets if target.judgement)
    reason = f"the candidate won its experiment and was not judged healthy in time{': ' + because if because else ''}"
    before = draft.state
    time_out(draft, live, spec.deadlines.otherwise, reason)
    after = draft.state.live
    return after is None or before.live is None or after.phase is Phase.ROLLING_BACK


def _rough(goal: Goal, live: Rollout) -> Goal:
    """Return the goal with the dispersion that was learnt of it before the rollout, where a guard counts the same."""
    names = [guard.name for guard in (live.spec.guards if live.spec else ()) if _counts(guard, goal)]
    parts = [target.analysis.baseline.rate(name) for target in live.targets for name in names]
    rough = max((part.dispersion.phi for part in parts if part is not None), default=goal.dispersion)
    return replace(goal, dispersion=max(goal.dispersion, rough))


def _counts(guard: Guard, goal: Goal) -> bool:
    match goal.measure:
        case Failures():
            return guard.metric is Metric.ERROR_RATE
        case Counter(name):
            return guard.metric is Metric.COUNTER and guard.of == name
        case _:
            return False


_UNSTEADY: Final = {
    TargetKind.CONTAINER_APP: "a Container App with several revisions keeps no user at one of them: users may change "
    "sides, and the report assumes that they do not",
    TargetKind.TRAFFIC_MANAGER: "Traffic Manager keeps users at an endpoint for as long as they keep its DNS answer: "
    "they may change sides, and the report assumes that they do not",
    TargetKind.HTTP_ROUTE: "the weights of an HTTPRoute divide requests, not users: users may change sides, and the "
    "report assumes that they do not; an audience does not change sides",
}
_UNDIVIDED: Final = (
    "who bears the mark was not said to be chance (audience.share): the two groups may differ in more than the "
    "version, and how requests were divided is not checked"
)
