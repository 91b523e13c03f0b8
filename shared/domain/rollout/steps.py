"""Moving along the plan, and falling back from it."""

from datetime import datetime

from shared.domain.names import TargetName, Version
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import (
    BakeStarted,
    CandidateReplaced,
    Descended,
    Looked,
    RollbackBegun,
    RolloutPaused,
    SideVerified,
    StepEntered,
    StuckFlagged,
    ZeroReached,
)
from shared.domain.rollout.folds.going_back import next_below
from shared.domain.rollout.settle import end_promotion
from shared.domain.rollout.spec import Outcome
from shared.domain.rollout.state import Doing, Ending, Phase, Rollout, Side, TargetState
from shared.domain.rollout.timing import REMINDER, SETTLE_LOOK


def enter_step(draft: Draft, rollout: Rollout, index: int, because: str, *, by: str = "") -> None:
    """Enter the plan's entry `index`."""
    draft.record(StepEntered(at=draft.now, rollout=rollout.id, step=index, because=because, by=by))


def fail(draft: Draft, rollout: Rollout, reason: str, *, at_once: bool = False) -> None:
    """End without a verdict: back to weight 0, then `failed`. Beyond the point of no return: stop and call a person."""
    if rollout.no_return:
        pause_beyond_return(draft, rollout, reason)
        return
    ending = Ending(phase=Phase.FAILED, reason=reason)
    judgements = tuple((t.name, t.judgement) for t in rollout.targets if t.judgement)
    begun = RollbackBegun(at=draft.now, rollout=rollout.id, ending=ending, judgements=judgements, at_once=at_once)
    draft.record(begun)


def fail_replaced(draft: Draft, rollout: Rollout, target: TargetName, found: Version) -> None:
    """End because a place that should hold the candidate serves something else: nobody may be sent there any more."""
    draft.record(CandidateReplaced(at=draft.now, rollout=rollout.id, target=target, found=found))
    fail(draft, rollout, replaced_in_words(target, found, rollout.version), at_once=True)


def replaced_in_words(target: TargetName, found: Version, wanted: Version) -> str:
    """Say for people that a place which should hold the candidate serves something else."""
    return f"candidate replaced: {target} serves {found} where {wanted} should be"


def descend(draft: Draft, live: Rollout, due: datetime) -> None:
    """Ask for the next weight of a gradual way back, once it is due and the routers follow the one before."""
    if due > draft.now:
        draft.record(Looked(at=draft.now, rollout=live.id, look_at=due))
    elif not all(target.is_settled for target in live.targets):
        # A router that does not follow is retried by its effect; the way back waits for it.
        draft.record(Looked(at=draft.now, rollout=live.id, look_at=draft.now + SETTLE_LOOK))
    else:
        draft.record(Descended(at=draft.now, rollout=live.id, weight=next_below(live, live.weight)))


def pause_beyond_return(draft: Draft, rollout: Rollout, reason: str) -> None:
    """Stop where it is and call a person, once: the version before cannot serve any more.

    What a person takes back all the same goes on back: stopped half way it would never end.
    """
    if rollout.phase in (Phase.PAUSED, Phase.ROLLING_BACK):
        return
    why = f"{reason}; not taken back, for hook {rollout.no_return} has passed the point of no return"
    draft.record(
        RolloutPaused(at=draft.now, rollout=rollout.id, by="slipway", reason=why, remind_at=draft.now + REMINDER)
    )


def time_out(draft: Draft, rollout: Rollout, outcome: Outcome, reason: str) -> None:
    """Do what the spec says for a deadline that passed. Nothing here advances.

    What was judged healthy, or vouched for, is not taken back because a rule cannot be cleared: that calls a person.
    """
    passed = rollout.doing is Doing.RELEASING
    if outcome is Outcome.ROLLBACK and not passed:
        fail(draft, rollout, reason)
    elif passed or rollout.doing in (Doing.SWAPPING, Doing.CLEARING):
        draft.record(StuckFlagged(at=draft.now, rollout=rollout.id, why=reason))
    elif rollout.phase is not Phase.PAUSED:
        draft.record(
            RolloutPaused(
                at=draft.now,
                rollout=rollout.id,
                by="slipway",
                reason=reason,
                remind_at=draft.now + REMINDER,
                restarts=True,
            )
        )


def verify_side(draft: Draft, rollout: Rollout, target: TargetState) -> None:
    """Take in that production was read and serves the wanted version."""
    version = rollout.version if target.wanted_side is Side.CANDIDATE else target.stable_version
    if version is None:
        return
    draft.record(
        SideVerified(at=draft.now, rollout=rollout.id, target=target.name, side=target.wanted_side, version=version)
    )
    go_on(draft)


def go_on(draft: Draft) -> None:
    """Go on when every target is where it should be."""
    rollout = draft.state.live
    if rollout is None:
        return
    if rollout.phase is Phase.ROLLING_BACK:
        if rollout.doing is not Doing.SETTLING and all(target.is_back for target in rollout.targets):
            draft.record(ZeroReached(at=draft.now, rollout=rollout.id))
    elif rollout.doing in (Doing.SHIFTING, Doing.CLEARING) and all(target.is_settled for target in rollout.targets):
        draft.record(BakeStarted(at=draft.now, rollout=rollout.id, step=rollout.step))
    elif rollout.doing is Doing.RELEASING:
        end_promotion(draft)
