"""The way back to the version before: begun, taken in steps where the spec says so."""

from dataclasses import replace
from datetime import datetime

from shared.domain.rollout import events as e
from shared.domain.rollout.folds.folding import on_targets
from shared.domain.rollout.folds.levels import for_audience, new_level, prepared
from shared.domain.rollout.spec import Canary, Descent
from shared.domain.rollout.state import Doing, Phase, Rollout, Side, TargetState
from shared.domain.rollout.timing import SWAP_LIMIT
from shared.domain.rollout.weight import NONE, Weight


def rollback_begun(rollout: Rollout, event: e.RollbackBegun) -> Rollout:
    """Whatever it was busy with or waited for is over: every target is asked to go back.

    Where a swap is to be undone nobody goes back little by little: that takes everyone at that target at once, and the
    others with them.
    """
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

    is_at_once = event.at_once or rollout.has_begun_swap
    first = NONE if is_at_once else next_below(rollout, rollout.weight)

    def taken_back(target: TargetState) -> TargetState:
        side = target.side if target.swaps else Side.STABLE
        weight = NONE if side is Side.CANDIDATE or target.swap_begun else min(first, target.wanted)
        back = replace(new_level(target, weight, Side.STABLE), observed=None, side=side, previews=False)
        return for_audience(prepared(back, prepares=False), None)

    return _descending(on_targets(back, taken_back), event.at)


def descended(rollout: Rollout, event: e.Descended) -> Rollout:
    """No target is asked to take more than it was asked for already."""

    def lower(target: TargetState) -> TargetState:
        return replace(new_level(target, min(event.weight, target.wanted), Side.STABLE), observed=None)

    return _descending(on_targets(rollout, lower), event.at)


def _descending(rollout: Rollout, at: datetime) -> Rollout:
    """Say when the next weight of the way back is due, and give it the time that is left of it."""
    descent = _descent_of(rollout)
    if descent is None or all(target.wanted == NONE for target in rollout.targets):
        return replace(rollout, descend_at=None)
    due = at + descent.every
    return replace(rollout, descend_at=due, look_at=due, deadline=due + SWAP_LIMIT)


def next_below(rollout: Rollout, weight: Weight) -> Weight:
    """Return the next weight of the way back from a weight."""
    descent = _descent_of(rollout)
    return max((each for each in descent.weights if each < weight), default=NONE) if descent else NONE


def _descent_of(rollout: Rollout) -> Descent | None:
    """Return how the rollout's spec takes users back, or None where it does so at once."""
    strategy = rollout.spec.strategy if rollout.spec else None
    return strategy.descent if isinstance(strategy, Canary) else None


def doing_in_doubt(rollout: Rollout) -> Doing:
    """A swap that lands while a rollback is under way has to be watched, and taken back."""
    return Doing.SWAPPING_BACK if rollout.phase is Phase.ROLLING_BACK else rollout.doing
