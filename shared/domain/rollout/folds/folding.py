"""Which part of an application a fact changes."""

from collections.abc import Callable
from dataclasses import replace

from shared.domain.names import TargetName
from shared.domain.rollout.state import Application, Rollout, TargetState

Change = Callable[[Rollout], Rollout]
"""What a fact does to one rollout."""


def on_live(state: Application, change: Change) -> Application:
    """Change the rollout that is live, if one is."""
    return state if state.live is None else replace(state, live=change(state.live))


def on_rollout(state: Application, rollout_id: str | None, change: Change) -> Application:
    """Change the rollout with this id, live or pending; nothing where it is neither."""
    if state.live is not None and state.live.id == rollout_id:
        return replace(state, live=change(state.live))
    if state.pending is not None and state.pending.id == rollout_id:
        return replace(state, pending=change(state.pending))
    return state


def on_targets(rollout: Rollout, change: Callable[[TargetState], TargetState]) -> Rollout:
    """Change every target."""
    return replace(rollout, targets=tuple(change(target) for target in rollout.targets))


def on_target(rollout: Rollout, name: TargetName, change: Callable[[TargetState], TargetState]) -> Rollout:
    """Change the target of this name."""
    return on_targets(rollout, lambda target: change(target) if target.name == name else target)
