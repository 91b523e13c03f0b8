"""The last look before an end: the level is sure when no begun call can land any more."""

from datetime import datetime, timedelta

from shared.domain.rollout import events as e
from shared.domain.rollout.calls import begin_after, begin_contracts
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.effects import LevelEffect
from shared.domain.rollout.plan import Compare, Promote, Shift, Step
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.readings import AudienceSeen, Readings, SwapSeen, Trouble
from shared.domain.rollout.spec import Place, Stage
from shared.domain.rollout.state import Application, Doing, Ending, Phase, Rollout, Side, TargetState
from shared.domain.rollout.timing import CALL_LIMIT, HELD_LOOK, PINNED, SETTLE_LOOK
from shared.domain.rollout.weight import NONE

NOTHING = timedelta(0)
NO_SWAP = SwapSeen(running=False)
NO_AUDIENCE = AudienceSeen(None)


def quiet_at(state: Application, live: Rollout) -> datetime | None:
    """Return when no call begun for this rollout can land any more, or None when that is so already by its rows."""
    begun = [
        row.begun + CALL_LIMIT
        for row in state.effects
        if isinstance(row.effect, LevelEffect) and row.effect.rollout == live.id and row.begun is not None
    ]
    return max((*begun, *((live.settle_at,) if live.settle_at else ())), default=None)


def end_promotion(draft: Draft) -> bool:
    """End with success when every target is as wanted, or wait until no begun call can land; return whether it did.

    What stopped beyond the point of no return waits for a person.
    """
    live = draft.state.live
    if live is None or live.phase is Phase.PAUSED or not all(target.is_settled for target in live.targets):
        return False
    quiet = quiet_at(draft.state, live)
    if quiet is not None and quiet > draft.now:
        draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=quiet))
        return True
    ending = Ending(phase=Phase.SUCCEEDED, reason=f"version {live.version} serves everyone")
    until, before = pinned_until(live, draft.now), draft.state.warm
    draft.record(e.RolloutEnded(at=draft.now, rollout=live.id, ending=ending, pinned_until=until))
    begin_after(draft, live, Stage.AFTER_PROMOTION)
    if before is not None and before.version != live.version:
        # The version before the one before is gone for good by now.
        begin_contracts(draft, before)
    return True


def let_everyone_go(draft: Draft, live: Rollout, because: str) -> None:
    """Hold nobody back any more."""
    for target in live.targets:
        if target.holds_back:
            let_go(draft, live, target, because)


def let_go(draft: Draft, live: Rollout, target: TargetState, because: str) -> None:
    """Send the users who were held back at a target to the promoted version too."""
    draft.record(e.HoldBackEnded(at=draft.now, rollout=live.id, target=target.name, because=because))


def decide_settled(draft: Draft, live: Rollout, readings: Readings) -> None:
    """End the rollback when every target was read and is back; put right what is not."""
    quiet = quiet_at(draft.state, live)
    if quiet is not None and quiet > draft.now:
        _look_again(draft, live, quiet, "waiting until a call begun by a lost worker can no longer land")
        return
    troubles = [trouble for target in live.targets if (trouble := _put_right(draft, live, target, readings))]
    if troubles:
        _look_again(draft, live, draft.now + _until_next_look(live), "; ".join(troubles))
    elif draft.state.live is not None and all(target.is_back for target in draft.state.live.targets):
        end(draft, live)
    elif draft.state.live is not None and draft.state.live.doing is Doing.SETTLING:
        _look_again(draft, live, draft.now + _until_next_look(live), "a target is not seen to be back")


def _until_next_look(live: Rollout) -> timedelta:
    """Return how soon to look again; where a person was called, nothing comes back within seconds."""
    return SETTLE_LOOK if live.stuck is None else HELD_LOOK


def end(draft: Draft, live: Rollout) -> None:
    """End where the rollback was to lead, saying what cannot be undone at once."""
    assert live.ending is not None
    draft.record(
        e.RolloutEnded(at=draft.now, rollout=live.id, ending=live.ending, pinned_until=pinned_until(live, draft.now))
    )
    if live.has_acted:
        begin_after(draft, live, Stage.ON_ROLLBACK)


def pinned_until(live: Rollout, now: datetime) -> datetime | None:
    """Return until when clients may stay with a place by a cookie or a cached answer, if any were sent there.

    After a rollback that place holds the candidate; after a promotion the old version, whose users were held back.
    """
    was_sent = any(_sends(step) for step in live.plan[: live.step + 1])
    longest = max((_pins(target) for target in live.targets), default=NOTHING)
    return now + longest if was_sent and longest > NOTHING else None


def _pins(target: TargetState) -> timedelta:
    if target.swaps:
        return PINNED
    return target.located.pins if target.located else NOTHING


def _sends(step: Step) -> bool:
    return isinstance(step, Shift | Compare) or (isinstance(step, Promote) and step.hold_back > NONE)


def _put_right(draft: Draft, live: Rollout, target: TargetState, readings: Readings) -> str | None:
    """Return what could not be read; record what was read and is not back."""
    share = readings.share(target.name)
    if isinstance(share, Trouble):
        return f"{target.name}: the traffic rules cannot be read: {share.why}"
    if share != NONE:
        found = target.seen(share)
        draft.record(e.DriftFound(at=draft.now, rollout=live.id, target=target.name, found=found, wanted=NONE))
        return None
    audience = readings.audience(target.name) if target.had_audience else NO_AUDIENCE
    if isinstance(audience, Trouble):
        return f"{target.name}: the audience cannot be read: {audience.why}"
    if audience.mark is not None:
        draft.record(
            e.AudienceMoved(at=draft.now, rollout=live.id, target=target.name, found=audience.mark, wanted=None)
        )
        return None
    preview = readings.preview(target.name) if target.was_prepared else Preview.NONE
    if isinstance(preview, Trouble):
        return f"{target.name}: swaps with preview cannot be read: {preview.why}"
    if preview is Preview.PENDING:
        draft.record(
            e.PreviewMoved(
                at=draft.now, rollout=live.id, target=target.name, found=Preview.PENDING, wanted=Preview.NONE
            )
        )
        return None
    if target.stable_version is None:
        return None
    swap = readings.swap(target.name, None) if target.swaps else NO_SWAP
    if isinstance(swap, Trouble) or swap.running:
        return f"{target.name}: {'swaps cannot be read' if isinstance(swap, Trouble) else 'a swap is running'}"
    serves = readings.version(target.name, Place.PRODUCTION)
    if serves == target.stable_version:
        return None
    if isinstance(serves, Trouble):
        return f"{target.name}: production cannot be read: {serves.why}"
    if not target.swaps:
        return f"{target.name}: production serves {serves} where {target.stable_version} should be"
    if serves == live.version:
        draft.record(
            e.SideVerified(at=draft.now, rollout=live.id, target=target.name, side=Side.CANDIDATE, version=live.version)
        )
    return None


def _look_again(draft: Draft, live: Rollout, at: datetime, why: str) -> None:
    reason = f"{live.ending.reason} ({why})" if live.ending else why
    draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=at, why=reason))
