"""A version is to be released: start it, let it wait, or say why not."""

from shared.domain.names import RolloutId, Version
from shared.domain.rollout.calendar import ReleaseAction
from shared.domain.rollout.commands import Deploy
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import (
    DeploymentAccepted,
    DeploymentRefused,
    Looked,
    RollbackBegun,
    RolloutEnded,
    RolloutStarted,
)
from shared.domain.rollout.membership import Membership
from shared.domain.rollout.permissions import deployment_refusal, may_be_superseded
from shared.domain.rollout.plan import Step, compile_plan, compile_return
from shared.domain.rollout.spec import Spec, WhenBusy
from shared.domain.rollout.state import Ending, Phase, Rollout
from shared.domain.rollout.windows import held_from, look_at_calendar, note_held


def decide_deployment(draft: Draft, command: Deploy) -> None:
    """Make the rollout pending; what it displaces is told so."""
    refusal = deployment_refusal(draft.state, command.version)
    if refusal is not None:
        draft.record(
            DeploymentRefused(
                at=draft.now,
                rollout=command.rollout,
                version=command.version,
                source=command.source,
                reason=refusal,
                membership=command.membership,
            )
        )
        return
    back = draft.state.way_back
    is_warm = back is not None and back.version == command.version and back.until > draft.now
    if back is not None and is_warm and draft.state.live is None and command.membership is None:
        # It served everyone until lately and is still there: it was proven, and need not be again.
        accept(draft, command.rollout, command.version, command.source, back.rollout, returns=True)
        return
    accept(draft, command.rollout, command.version, command.source, membership=command.membership)
    _supersede_live(draft, command.rollout)
    _look_at_held_back(draft)


def accept(
    draft: Draft,
    rollout: RolloutId,
    version: Version,
    source: str,
    origin: RolloutId | None = None,
    *,
    returns: bool = False,
    despite_freeze: bool = False,
    membership: Membership | None = None,
) -> None:
    """Put a rollout in the waiting place; the one that waited there before gives way to the newer one."""
    if draft.state.pending is not None:
        ending = Ending(phase=Phase.ABORTED, reason=f"superseded by {rollout}")
        draft.record(RolloutEnded(at=draft.now, rollout=draft.state.pending.id, ending=ending))
    draft.record(
        DeploymentAccepted(
            at=draft.now,
            rollout=rollout,
            version=version,
            source=source,
            origin=origin,
            returns=returns,
            despite_freeze=despite_freeze,
            membership=membership,
        )
    )


def start_pending(draft: Draft) -> None:
    """Start the rollout that waits, if its turn has come."""
    pending, spec = draft.state.pending, draft.state.spec
    if pending is None or spec is None or draft.state.live is not None or draft.state.freezes(pending):
        return
    holder = held_from(draft, pending, spec, ReleaseAction.START)
    if holder is not None:
        note_held(draft, pending, holder)
        look_at = look_at_calendar(holder.until, draft.now)
        if pending.look_at is None or pending.look_at <= draft.now or pending.look_at > look_at:
            draft.record(Looked(at=draft.now, rollout=pending.id, look_at=look_at))
        return
    plan = _plan(spec, pending)
    draft.record(RolloutStarted(at=draft.now, rollout=pending.id, spec=spec, plan=plan))


def _look_at_held_back(draft: Draft) -> None:
    """Look at once whether CI has overwritten the place where users are held back."""
    live = draft.state.live
    if live is not None and live.holds_back and live.phase is not Phase.ROLLING_BACK:
        draft.record(Looked(at=draft.now, rollout=live.id, look_at=draft.now))


def _plan(spec: Spec, pending: Rollout) -> tuple[Step, ...]:
    if pending.returns:
        return compile_return(spec.strategy)
    return compile_plan(spec, staged=pending.member is not None)


def _supersede_live(draft: Draft, newer: RolloutId) -> None:
    live, spec = draft.state.live, draft.state.spec
    if live is None or spec is None or spec.when_busy is not WhenBusy.SUPERSEDE:
        return
    if may_be_superseded(live):
        ending = Ending(phase=Phase.ABORTED, reason=f"superseded by {newer}")
        draft.record(RollbackBegun(at=draft.now, rollout=live.id, ending=ending))
