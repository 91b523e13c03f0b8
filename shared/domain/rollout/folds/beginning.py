"""Facts of how a rollout begins: asked for, started, and let past the checks before the first step."""

from dataclasses import replace

from shared.domain.analysis.parts import Baseline
from shared.domain.analysis.sequence import AnalysisState
from shared.domain.rollout import events as e
from shared.domain.rollout.folds.folding import on_targets
from shared.domain.rollout.membership import END, Member
from shared.domain.rollout.plan import weight_after
from shared.domain.rollout.state import REMEMBERED_VERSIONS, Application, Doing, Phase, Rollout, TargetState, Tried


def pending_of(state: Application, event: e.DeploymentAccepted) -> Rollout:
    """Return the rollout that waits its turn from now on."""
    return Rollout(
        id=event.rollout,
        application=state.name,
        version=event.version,
        requested=event.at,
        source=event.source,
        origin=event.origin,
        returns=event.returns,
        despite_freeze=event.despite_freeze,
        member=_member(event),
        first_sequence=state.sequence,
        last_sequence=state.sequence,
    )


def _member(event: e.DeploymentAccepted) -> Member | None:
    """Return its part in a release. What goes back waits for nobody."""
    if event.membership is None:
        return None
    begun = Member(membership=event.membership, silent_since=event.at)
    return replace(begun, opened=END) if event.returns else begun


def rollout_started(state: Application, event: e.RolloutStarted) -> Application:
    """Its turn has come: it takes the spec that is in force now, and goes into preflight."""
    if state.pending is None:
        return state
    live = replace(
        state.pending,
        phase=Phase.PROGRESSING,
        doing=Doing.PREFLIGHT,
        spec=event.spec,
        plan=event.plan,
        targets=tuple(TargetState(name=target.name, swaps=target.kind.swaps) for target in event.spec.targets),
        started=event.at,
        held_by="",
        opens_at=None,
        is_shut=False,
        despite_window=None,
        look_at=event.at,
        deadline=event.at + event.spec.deadlines.preflight,
        held_since=event.at if state.freezes(state.pending) else None,
    )
    return replace(state, live=live, pending=None, aftercare=None)


def tried(state: Application, event: e.PreflightPassed) -> Application:
    """Remember the attempt. A return is none: it brings back a version that was proven."""
    live = state.live
    if live is None or live.id != event.rollout or live.returns:
        return state
    others = (tried for tried in state.tried if tried.version != live.version)
    tried = (*others, Tried(version=live.version, times=event.attempt))
    return replace(state, tried=tried[-REMEMBERED_VERSIONS:])


def preflight_passed(rollout: Rollout, event: e.PreflightPassed) -> Rollout:
    """The plan as it was learnt holds from here on, and each target knows the version it goes back to."""
    plan, stable, learned = event.plan or rollout.plan, dict(event.stable), dict(event.learned)
    proven = weight_after(plan, -1)
    return on_targets(
        replace(rollout, plan=plan, attempt=event.attempt),
        lambda t: replace(
            t,
            stable_version=stable.get(t.name),
            candidate_since=event.at,
            proven=proven,
            analysis=AnalysisState(baseline=learned.get(t.name, Baseline())),
        ),
    )
