"""A member of a release of several applications: it goes on when the release says so, and back too."""

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Action, Steer, TellOfRelease
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.membership import END, stage_in_words
from shared.domain.rollout.on_deployment import accept
from shared.domain.rollout.permissions import RETRYABLE, refusal, version_begun
from shared.domain.rollout.plan import AwaitRelease, Promote
from shared.domain.rollout.spec import Outcome
from shared.domain.rollout.state import Ending, Phase, Rollout
from shared.domain.rollout.steps import enter_step, pause_beyond_return, time_out
from shared.domain.rollout.windows import held_before, note_held


def decide_steer(draft: Draft, command: Steer) -> None:
    """Take in how far the way is open, or go back. Whoever is asked answers, also when nothing has changed."""
    rollout = _member(draft, command)
    if command.back and (rollout is None or not _is_on_its_way_back(rollout)):
        _take_back(draft, rollout, command)
    elif rollout is not None:
        draft.record(e.ReleaseHeard(at=draft.now, rollout=rollout.id, opened=command.opened))


def tell(draft: Draft, command: TellOfRelease) -> None:
    """Tell webhooks what became of the release. It changes nothing here."""
    draft.record(
        e.ReleaseTold(
            at=draft.now,
            member=command.rollout,
            topic=command.topic,
            text=command.text,
            notifications=command.notifications,
        )
    )


def waits_for_release(live: Rollout) -> bool:
    """Whether nothing but the release keeps it from going on."""
    at_stage = isinstance(live.plan[live.step], AwaitRelease) if live.step >= 0 else False
    return at_stage or (live.member is not None and live.member.waits_to_end)


def moved_on(draft: Draft, live: Rollout, *, verified: bool) -> bool:
    """Enter the stage that the release has opened; return whether the rollout is somewhere else now."""
    step = live.plan[live.step]
    if not live.is_let_on or not isinstance(step, AwaitRelease):
        return fell_silent(draft, live)
    if not verified:
        return False
    holder = held_before(draft, live, live.step + 1)
    if holder is not None:
        note_held(draft, live, holder)
        return False
    enter_step(draft, live, live.step + 1, f"the release opened {stage_in_words(step.stage)}")
    return True


def is_kept_from_end(live: Rollout) -> bool:
    """Whether the release has not opened the end of the promotion that this rollout bakes in."""
    promotes = isinstance(live.plan[live.step], Promote)
    return promotes and live.member is not None and live.member.opened < END


def keep_from_end(draft: Draft, live: Rollout) -> None:
    """Say once that it was judged healthy in production and waits for the others."""
    if live.member is not None and not live.member.waits_to_end:
        judgements = tuple((target.name, target.judgement) for target in live.targets if target.judgement)
        release = live.member.membership.release
        draft.record(e.PromotionHeld(at=draft.now, rollout=live.id, release=release, judgements=judgements))


def fell_silent(draft: Draft, live: Rollout) -> bool:
    """Go back when the release has said nothing for too long; return whether it does.

    One that may end, and cannot be verified, has its time for progress.
    """
    assert live.spec is not None
    if live.member is None:
        return False
    if live.member.opened >= END and live.deadline is not None and live.deadline <= draft.now:
        outcome = live.spec.deadlines.otherwise
        time_out(draft, live, outcome, "it could not be verified in production after the release had opened the end")
        return outcome is Outcome.ROLLBACK
    if live.member.silent_until > draft.now:
        return False
    membership = live.member.membership
    why = f"release {membership.release} has said nothing for {membership.patience}"
    time_out(draft, live, Outcome.ROLLBACK, why)
    return not live.no_return


def _member(draft: Draft, command: Steer) -> Rollout | None:
    """Return the rollout that brings the version, or takes it back, if either is live or waits its turn."""
    return next(
        (
            rollout
            for rollout in (draft.state.live, draft.state.pending)
            if rollout is not None
            and rollout.member is not None
            and rollout.member.membership.rollout == command.membership.rollout
        ),
        None,
    )


def _is_on_its_way_back(rollout: Rollout) -> bool:
    return rollout.returns or rollout.phase is Phase.ROLLING_BACK


def _take_back(draft: Draft, rollout: Rollout | None, command: Steer) -> None:
    if rollout is None:
        _return(draft, command)
        return
    reason = f"release {command.membership.release}: {command.back}"
    ending = Ending(phase=Phase(command.ends), reason=reason)
    if rollout.no_return:
        pause_beyond_return(draft, rollout, reason)
        _remain(draft, command, f"hook {rollout.no_return} has passed the point of no return")
    elif rollout.phase is Phase.PENDING:
        draft.record(e.RolloutEnded(at=draft.now, rollout=rollout.id, ending=ending))
    else:
        by = f"release {command.membership.release}"
        draft.record(e.RollbackBegun(at=draft.now, rollout=rollout.id, ending=ending, by=by))


def _return(draft: Draft, command: Steer) -> None:
    """Take back what has succeeded, while the version before is kept warm. What went back already has told so."""
    state, membership = draft.state, command.membership
    last = state.last
    if last is not None and last.rollout == membership.rollout and last.phase in RETRYABLE:
        return
    if last is not None and last.rollout == command.back_as:
        return
    if last is None or last.rollout != membership.rollout:
        _remain(draft, command, f"another rollout followed it: {last.rollout if last else 'none is known'}")
        return
    busy = state.live or state.pending
    why_not = f"rollout {busy.id} followed it" if busy is not None else refusal(state, Action.ROLLBACK)
    version = version_begun(state, Action.ROLLBACK)
    if why_not is not None or version is None:
        _remain(draft, command, why_not or "no version from before it is known")
        return
    source = f"release {membership.release}"
    accept(
        draft,
        command.back_as,
        version,
        source,
        membership.rollout,
        returns=True,
        despite_freeze=True,
        membership=membership,
    )


def _remain(draft: Draft, command: Steer, why: str) -> None:
    membership = command.membership
    draft.record(e.NotTakenBack(at=draft.now, rollout=membership.rollout, membership=membership, reason=why))
