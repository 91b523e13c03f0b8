"""Facts that let a rollout on: a step that passed, an experiment or a hold-back that ended, a word of its release."""

from dataclasses import replace
from datetime import datetime

from shared.domain.analysis.sequence import begin_step
from shared.domain.rollout import events as e
from shared.domain.rollout.folds.clocks import progress_deadline
from shared.domain.rollout.folds.folding import on_target, on_targets
from shared.domain.rollout.folds.levels import new_level
from shared.domain.rollout.membership import END
from shared.domain.rollout.plan import Compare, Promote
from shared.domain.rollout.spec import Promotes
from shared.domain.rollout.state import Doing, Phase, Rollout, Side, TargetState
from shared.domain.rollout.timing import DECISION_LIMIT, next_window
from shared.domain.rollout.weight import ALL


def experiment_ended(rollout: Rollout, event: e.ExperimentEnded) -> Rollout:
    """What follows has a deadline of its own: for a person to decide, or for a winner to be judged healthy."""
    over = replace(rollout, experiment_over=event.because, reason=event.says)
    step = rollout.plan[event.step]
    if isinstance(step, Compare) and step.promotes is Promotes.BY_HAND:
        return replace(over, phase=Phase.WAITING, doing=Doing.DECIDING, gate_deadline=event.at + DECISION_LIMIT)
    return replace(over, deadline=progress_deadline(rollout, event.at))


def step_passed(rollout: Rollout, event: e.StepPassed) -> Rollout:
    """What was judged healthy is proven, and stays so."""
    passed = on_targets(rollout, lambda t: replace(t, proven=max(t.proven, event.proven)))
    return releasing(passed, event.at) if isinstance(rollout.plan[event.step], Promote) else passed


def releasing(rollout: Rollout, at: datetime) -> Rollout:
    """What is left of a promotion: everyone is let go to it, and no call may be under way any more."""
    look_at = next_window(rollout.spec.measuring, at) if rollout.spec else at
    return replace(rollout, doing=Doing.RELEASING, deadline=progress_deadline(rollout, at), look_at=look_at)


def hold_back_ended(rollout: Rollout, event: e.HoldBackEnded) -> Rollout:
    """Stable has no traffic from now on: what was learnt of it stands in, and a bake asks for fresh windows."""
    passed = rollout.doing is Doing.RELEASING

    def released(target: TargetState) -> TargetState:
        analysis = begin_step(target.analysis, event.at, weight=ALL, next_weight=ALL, stable_retired=True)
        judgement = target.judgement if passed else None
        return replace(new_level(target, ALL, Side.CANDIDATE), analysis=analysis, judgement=judgement)

    return on_target(rollout, event.target, released)


def release_heard(rollout: Rollout, event: e.ReleaseHeard) -> Rollout:
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
    return replace(heard, deadline=progress_deadline(rollout, event.at), look_at=event.at)


def promotion_held(rollout: Rollout, event: e.PromotionHeld) -> Rollout:
    """The candidate has done its own part, and waits for those that are released with it."""
    member = rollout.member and replace(rollout.member, waits_to_end=True, silent_since=event.at)
    return replace(rollout, member=member, reason=f"judged healthy in production; waits for release {event.release}")
