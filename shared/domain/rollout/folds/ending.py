"""What an application keeps of a rollout that ended, and for how long."""

from dataclasses import replace
from datetime import datetime

from shared.domain.names import RolloutId, Version
from shared.domain.rollout import events as e
from shared.domain.rollout.spec import Stage
from shared.domain.rollout.state import Aftercare, Application, Doing, Ended, Phase, Rollout, Serving, Warm
from shared.domain.rollout.timing import AFTERCARE_LIMIT, SOURCE_SLACK, window_ceiling


def rollout_ended(state: Application, event: e.RolloutEnded) -> Application:
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
    stable = stable_version_of(rollout)
    busy = without_duties(without)
    over = (*busy.over, ended(rollout, event)) if _leaves_duties(rollout, event) else busy.over
    without = replace(without, aftercare=_aftercare(ended(rollout, event)), over=over)
    last = Ended(rollout=rollout.id, version=rollout.version, phase=event.ending.phase, stable_version=stable)
    if event.ending.phase is Phase.SUCCEEDED:
        moved = rollout.step >= 0 and any(not target.swaps for target in rollout.targets)
        since = event.at if moved else without.production_since
        serving = _serving(without, rollout, stable)
        warm = _warm(rollout, stable, event.at) if rollout.step >= 0 else _still_warm(without, rollout.version)
        return replace(without, last=last, serving=serving, production_since=since, warm=warm)
    return replace(without, last=last)


def stable_version_of(rollout: Rollout) -> Version | None:
    """Return the version before this one: as a target says whose places hold versions, else as the first says."""
    spec = rollout.spec
    own = (t for t in rollout.targets if spec is not None and spec.target(t.name).kind.holds_versions)
    return next((t.stable_version for t in (*own, *rollout.targets)), None)


def _leaves_duties(rollout: Rollout, event: e.RolloutEnded) -> bool:
    """Whether something will still be told of a rollout after its end, other than who is pinned."""
    hooks = rollout.spec.hooks if rollout.spec else ()
    back = any(hook.at is Stage.ON_ROLLBACK for hook in hooks)
    return (event.ending.phase is Phase.SUCCEEDED and rollout.step >= 0) or (back and rollout.has_acted)


def without_duties(state: Application) -> Application:
    """Let go of rollouts of which nothing more is to be told."""
    busy = {run.rollout for run in state.duties} | ({state.warm.rollout} if state.warm else set())
    return replace(state, over=tuple(rollout for rollout in state.over if rollout.id in busy))


def told(state: Application, rollout_id: RolloutId) -> Application:
    """Count a line of history as that of a rollout that is over."""
    over = tuple(replace(r, last_sequence=state.sequence) if r.id == rollout_id else r for r in state.over)
    return replace(state, over=over)


def _serving(state: Application, rollout: Rollout, stable: Version | None) -> Serving:
    """Return what serves now. Where it was there already, the version before is the one that was thought to serve."""
    served = state.serving.version if state.serving is not None and rollout.step < 0 else stable
    before = None if served == rollout.version else served
    return Serving(version=rollout.version, rollout=rollout.id, before=before, returned=rollout.returns)


def _warm(rollout: Rollout, stable: Version | None, at: datetime) -> Warm | None:
    """Return what is kept of the version before; nothing of one that was just taken away."""
    if rollout.spec is None or stable is None or rollout.returns:
        return None
    contracts = tuple(hook for hook in rollout.spec.hooks if hook.at is Stage.CONTRACT)
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
