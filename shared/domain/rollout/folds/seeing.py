"""What was seen at the targets: weights, sides, previews, measurements and judgements."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.analysis.sequence import AnalysisState, begin_step
from shared.domain.analysis.state import WEIGHTS_KEPT, WeightSince
from shared.domain.rollout import events as e
from shared.domain.rollout.folds.folding import on_target, on_targets
from shared.domain.rollout.folds.going_back import doing_in_doubt
from shared.domain.rollout.folds.levels import prepared
from shared.domain.rollout.plan import Promote, weight_after
from shared.domain.rollout.state import Application, Doing, Phase, Rollout, Side, TargetState
from shared.domain.rollout.timing import next_window
from shared.domain.rollout.weight import NONE, Weight, rest


def looked(rollout: Rollout, event: e.Looked) -> Rollout:
    """Keep what a look found that decided nothing, and when the next one is due."""
    reason = rollout.reason if event.why is None else event.why
    checked_at = event.at if event.checked else rollout.checked_at
    after = replace(rollout, look_at=event.look_at, reason=reason, is_ready=event.ready, checked_at=checked_at)
    seen, located, passes = dict(event.production), dict(event.located), dict(event.passes)

    def saw(target: TargetState) -> TargetState:
        at = located.get(target.name, target.located)
        production = seen.get(target.name, target.in_production)
        return replace(target, in_production=production, located=at, passes=passes.get(target.name, target.passes))

    return on_targets(after, saw)


def weight_observed(rollout: Rollout, event: e.WeightObserved) -> Rollout:
    """From when clients follow it, the share that the router shows is the one that is measured.

    On the way back it is also the most that is still wanted: nobody comes to the candidate anew.
    """

    def observed(target: TargetState) -> TargetState:
        weight = target.seen(event.share)
        wanted = min(target.wanted, weight) if rollout.phase is Phase.ROLLING_BACK else target.wanted
        follows = target.located.settles if target.located else timedelta(0)
        analysis = _weighing(target.analysis, weight, event.at + follows)
        return replace(target, wanted=wanted, observed=weight, reached=event.generation, analysis=analysis)

    return on_target(rollout, event.target, observed)


def drift_found(rollout: Rollout, event: e.DriftFound) -> Rollout:
    """Somebody moved the weight since the look before, about a window ago."""
    window = rollout.spec.measuring.window if rollout.spec else timedelta(0)

    def drifted(target: TargetState) -> TargetState:
        analysis = _weighing(target.analysis, event.found, event.at - window)
        return replace(target, observed=event.found, generation=target.generation + 1, analysis=analysis)

    return on_target(_put_right(rollout), event.target, drifted)


def candidate_replaced(rollout: Rollout, event: e.CandidateReplaced) -> Rollout:
    """Remember what is in the candidate's place: those who stay with that place meet it."""
    return on_target(rollout, event.target, lambda target: replace(target, replaced_by=event.found))


def audience_moved(rollout: Rollout, event: e.AudienceMoved) -> Rollout:
    """Ask for the audience once more."""
    return on_target(_put_right(rollout), event.target, lambda t: replace(t, audience_level=t.audience_level + 1))


def preview_observed(rollout: Rollout, event: e.PreviewObserved) -> Rollout:
    """The app restarts with the settings that it was given: it is looked at once it has had a while to begin to."""
    seen = on_target(rollout, event.target, lambda t: replace(t, preparing_reached=event.level, passes=0))
    if rollout.doing is not Doing.PREPARING or rollout.spec is None:
        return seen
    first = event.at + rollout.spec.target(event.target).health.every
    return replace(seen, look_at=first if rollout.look_at is None else min(first, rollout.look_at))


def preview_moved(rollout: Rollout, event: e.PreviewMoved) -> Rollout:
    """Ask for the preview, or for its end, once more."""

    def moved(target: TargetState) -> TargetState:
        return replace(target, preparing_level=target.preparing_level + 1, passes=0)

    return on_target(_put_right(rollout), event.target, moved)


def _put_right(rollout: Rollout) -> Rollout:
    """A way back that had come to its end goes on: somebody moved what it had set."""
    return replace(rollout, doing=Doing.ZEROING) if rollout.doing is Doing.SETTLING else rollout


def _weighing(analysis: AnalysisState, weight: Weight, at: datetime) -> AnalysisState:
    """Say which share the candidate has from then on: other requests than that are no sign that some were lost."""
    if analysis.since is None or analysis.weight == weight:
        return analysis
    since = max(at, analysis.weights[-1].at)
    return replace(analysis, weights=(*analysis.weights, WeightSince(since, weight))[-WEIGHTS_KEPT:])


def bake_started(rollout: Rollout, observed: datetime) -> Rollout:
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

    return on_targets(baking, begun)


def target_judged(rollout: Rollout, event: e.TargetJudged) -> Rollout:
    """Keep what the evidence came to, and when it last lacked nothing but requests."""
    judged = on_target(
        rollout,
        event.target,
        lambda t: replace(t, analysis=event.analysis, judgement=event.judgement, totals=event.totals or t.totals),
    )
    return replace(judged, lacked_at=event.at) if judged.lacks_traffic else judged


def changed_hands(state: Application, event: e.SideVerified) -> bool:
    """Return whether production serves another side than was known."""
    target = state.live.target(event.target) if state.live and state.live.id == event.rollout else None
    return target is not None and target.side is not event.side


def side_verified(rollout: Rollout, event: e.SideVerified) -> Rollout:
    """What production serves is known; once all serve what is wanted, a promotion clears its rules."""
    returned = event.side is Side.STABLE and rollout.phase is Phase.ROLLING_BACK
    promoted = rest(_hold_back(rollout))

    def verified(target: TargetState) -> TargetState:
        if target.side is event.side:
            return replace(target, swap_token=None, swap_begun=target.swap_begun and not returned)
        moved = replace(target, side=event.side, swap_token=None, observed=None, candidate_since=event.at)
        # The swap itself ended its preview; that none is left is read once more.
        moved = prepared(replace(moved, swap_begun=not returned), prepares=False)
        wanted = promoted if event.side is Side.CANDIDATE and target.wanted_side is Side.CANDIDATE else target.wanted
        return replace(moved, wanted=wanted, generation=target.generation + 1)

    seen = on_target(rollout, event.target, verified)
    if event.side is Side.CANDIDATE:
        seen = replace(seen, doing=doing_in_doubt(rollout))
    promotes = (rollout.paused_in or rollout.phase) is Phase.PROMOTING
    swapped = promotes and all(target.side is target.wanted_side for target in seen.targets)
    return replace(seen, doing=Doing.CLEARING) if swapped else seen


def _hold_back(rollout: Rollout) -> Weight:
    current = rollout.plan[rollout.step] if rollout.step >= 0 else None
    return current.hold_back if isinstance(current, Promote) else NONE
