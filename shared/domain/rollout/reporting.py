"""What a rollout tells the release that it is a part of, and when."""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.names import ReleaseId
from shared.domain.rollout import events as e
from shared.domain.rollout.folds.ending import ended
from shared.domain.rollout.membership import CLOSED, END, Hold, Report, Stage, Standing
from shared.domain.rollout.plan import AwaitRelease
from shared.domain.rollout.state import Application, Doing, Phase, Rollout

TOLD = (
    e.DeploymentAccepted,
    e.RolloutStarted,
    e.StepEntered,
    e.PromotionHeld,
    e.RolloutPaused,
    e.RolloutHeld,
    e.WindowSkipped,
    e.RolloutResumed,
    e.RollbackBegun,
    e.ReleaseHeard,
)
"""After these a member of a release stands elsewhere, or was asked how it stands."""


def reports(before: Application, after: Application, event: e.Event) -> Iterator[tuple[ReleaseId, Report]]:
    """Yield what each release is to hear after an event."""
    match event:
        case e.RolloutEnded():
            over = before.rollout(event.rollout)
            if over is not None:
                yield from _told(after, ended(over, event), event.at)
        case e.DeploymentRefused() if event.membership is not None:
            yield (
                event.membership.release,
                Report(
                    application=after.name,
                    rollout=event.membership.rollout,
                    standing=Standing.BACK,
                    sequence=after.sequence,
                    reason=event.reason,
                    ends=Phase.FAILED,
                ),
            )
        case e.NotTakenBack():
            yield (
                event.membership.release,
                Report(
                    application=after.name,
                    rollout=event.membership.rollout,
                    standing=Standing.REMAINS,
                    sequence=after.sequence,
                    reason=event.reason,
                ),
            )
        case e.ApplicationFrozen() | e.ApplicationUnfrozen():
            for rollout in (after.live, after.pending):
                if rollout is not None:
                    yield from _told(after, rollout, event.at)
        case _ if isinstance(event, TOLD):
            about = after.rollout(event.rollout)
            if about is not None:
                yield from _told(after, about, event.at)
        case _:
            return


def _told(state: Application, rollout: Rollout, now: datetime) -> Iterator[tuple[ReleaseId, Report]]:
    if rollout.member is None:
        return
    membership = rollout.member.membership
    standing, stage = _standing(rollout)
    going_back = standing in (Standing.GOING_BACK, Standing.BACK) and rollout.ending is not None and not rollout.returns
    yield (
        membership.release,
        Report(
            application=rollout.application,
            rollout=membership.rollout,
            standing=standing,
            sequence=state.sequence,
            stage=stage,
            hold=_hold(state, rollout, now),
            reason=rollout.reason,
            ends=rollout.ending.phase if going_back and rollout.ending is not None else "",
        ),
    )


def _standing(rollout: Rollout) -> tuple[Standing, Stage]:
    """Return how a rollout stands, and the stage that it waits before. One that takes a version back goes back."""
    if rollout.returns:
        ends = {Phase.SUCCEEDED: Standing.BACK}
        return (ends.get(rollout.phase, Standing.REMAINS) if rollout.phase.is_terminal else Standing.GOING_BACK), CLOSED
    if rollout.phase is Phase.SUCCEEDED:
        return Standing.SUCCEEDED, CLOSED
    if rollout.phase.is_terminal:
        return Standing.BACK, CLOSED
    if rollout.phase is Phase.ROLLING_BACK:
        return Standing.GOING_BACK, CLOSED
    if rollout.phase is Phase.PENDING:
        return Standing.PENDING, CLOSED
    step = rollout.plan[rollout.step] if rollout.step >= 0 else None
    if isinstance(step, AwaitRelease):
        return Standing.WAITING, step.stage
    if rollout.member is not None and rollout.member.waits_to_end and rollout.doing is Doing.BAKING:
        return Standing.WAITING, END
    return Standing.MOVING, CLOSED


def _hold(state: Application, rollout: Rollout, now: datetime) -> Hold:
    if rollout.phase.is_terminal or rollout.phase is Phase.ROLLING_BACK:
        return Hold.NOT
    if state.freezes(rollout):
        return Hold.FROZEN
    if rollout.paused is not None:
        return Hold.PAUSED
    if rollout.opens_at is None or rollout.opens_at <= now:
        return Hold.NOT
    return Hold.SHUT if rollout.is_shut else Hold.WINDOW
