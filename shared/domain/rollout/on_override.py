"""A person says what to do; it is done, or refused with the reason."""

from shared.domain.names import Version
from shared.domain.rollout.calendar import Held, ReleaseAction
from shared.domain.rollout.commands import Action, Override
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import (
    ApplicationFrozen,
    ApplicationUnfrozen,
    BakeSkipped,
    CommandRefused,
    DeploymentRefused,
    GateApproved,
    RollbackBegun,
    RolloutEnded,
    RolloutPaused,
    RolloutResumed,
    WindowSkipped,
)
from shared.domain.rollout.on_deployment import accept
from shared.domain.rollout.permissions import begins_rollout, changed_meaning, origin_begun, refusal, version_begun
from shared.domain.rollout.plan import AwaitApproval, Promote
from shared.domain.rollout.settle import end_promotion, let_everyone_go
from shared.domain.rollout.state import Doing, Ending, Phase, Rollout
from shared.domain.rollout.steps import enter_step
from shared.domain.rollout.timing import REMINDER
from shared.domain.rollout.windows import against_the_calendar, held_before, held_from


def decide_override(draft: Draft, command: Override) -> None:
    """Do what the person says, by the same table that the door used."""
    state = draft.state
    why_not = refusal(state, command.action, command.step) or changed_meaning(state, command)
    if why_not is not None:
        _refuse(draft, command, why_not)
    elif command.action in (Action.FREEZE, Action.UNFREEZE):
        _freeze(draft, command)
    elif begins_rollout(state, command):
        _begin_again(draft, command)
    elif state.live is None and command.action is Action.SKIP:
        _start_against(draft, command)
    elif state.live is None:
        _abort_pending(draft, command)
    else:
        _steer(draft, state.live, command)


def _refuse(draft: Draft, command: Override, why_not: str) -> None:
    """Say so in history, and of the rollout that was promised too: its id was given away and must stay readable."""
    live, version = draft.state.live, version_begun(draft.state, command.action)
    draft.record(
        CommandRefused(
            at=draft.now,
            rollout=live.id if live else None,
            command=command.id,
            action=command.action,
            reason=why_not,
        )
    )
    if command.begins:
        draft.record(
            DeploymentRefused(
                at=draft.now,
                rollout=command.rollout,
                version=version or Version(""),
                source=_source(command),
                reason=why_not,
            )
        )


def _freeze(draft: Draft, command: Override) -> None:
    now = draft.now
    if command.action is Action.FREEZE:
        remind_at = now + REMINDER
        draft.record(ApplicationFrozen(at=now, by=command.by, reason=command.reason, remind_at=remind_at))
    else:
        draft.record(ApplicationUnfrozen(at=now, by=command.by, reason=command.reason))


def _begin_again(draft: Draft, command: Override) -> None:
    version, origin = version_begun(draft.state, command.action), origin_begun(draft.state, command.action)
    if version is not None:
        back = draft.state.way_back
        returns = back is not None and back.version == version
        accept(draft, command.rollout, version, _source(command), origin, returns=returns, despite_freeze=returns)


def _abort_pending(draft: Draft, command: Override) -> None:
    if draft.state.pending is not None:
        ending = Ending(phase=Phase.ABORTED, reason=_reason("aborted", command))
        draft.record(RolloutEnded(at=draft.now, rollout=draft.state.pending.id, ending=ending))


def _start_against(draft: Draft, command: Override) -> None:
    """Let what waits begin in a closed window."""
    pending = draft.state.pending
    holder = held_from(draft, pending, draft.state.spec, ReleaseAction.START) if pending is not None else None
    if pending is not None:
        _pass_window(draft, pending, holder, command)


def _pass_window(draft: Draft, rollout: Rollout, holder: Held | None, command: Override) -> None:
    """One that has opened meanwhile lets it by itself: then nobody has gone against a window, and history says that."""
    if holder is None:
        _refuse(draft, command, "no release window holds it any more")
        return
    because = against_the_calendar(_reason("window skipped", command), holder)
    draft.record(WindowSkipped(at=draft.now, rollout=rollout.id, action=holder.action, because=because, by=command.by))


def _steer(draft: Draft, live: Rollout, command: Override) -> None:
    match command.action:
        case Action.PAUSE:
            _pause(draft, live, command)
        case Action.RESUME:
            draft.record(RolloutResumed(at=draft.now, rollout=live.id, by=command.by, reason=command.reason))
        case Action.PROMOTE:
            _enter_against(draft, live, _promotion(live), _reason("promoted", command), command.by)
        case Action.SKIP:
            _skip(draft, live, command)
        case Action.ABORT:
            _take_back(draft, live, Phase.ABORTED, _reason("aborted", command), command.by)
        case Action.ROLLBACK:
            _take_back(draft, live, Phase.ROLLED_BACK, _reason("rolled back", command), command.by)
        case Action.REJECT:
            _take_back(draft, live, Phase.ABORTED, _reason(f"gate {_gate(live)} rejected", command), command.by)
        case Action.APPROVE:
            gate = _gate(live)
            draft.record(GateApproved(at=draft.now, rollout=live.id, gate=gate, by=command.by, reason=command.reason))
        case _:
            return


def _pause(draft: Draft, live: Rollout, command: Override) -> None:
    remind_at = draft.now + REMINDER
    reason = _reason("paused", command)
    draft.record(RolloutPaused(at=draft.now, rollout=live.id, by=command.by, reason=reason, remind_at=remind_at))


def _skip(draft: Draft, live: Rollout, command: Override) -> None:
    """Go on to the next step; behind the last one the rollout ends, and nobody is held back any more."""
    if live.doing is Doing.PREFLIGHT:
        # Whatever else is in the way stays there: only the window is passed.
        _pass_window(draft, live, held_before(draft, live, 0), command)
        return
    because = _reason("step skipped", command)
    if live.step + 1 < len(live.plan):
        _enter_against(draft, live, live.step + 1, because, command.by)
        return
    draft.record(BakeSkipped(at=draft.now, rollout=live.id, step=live.step, because=because, by=command.by))
    let_everyone_go(draft, live, because)
    end_promotion(draft)


def _enter_against(draft: Draft, live: Rollout, index: int, because: str, by: str) -> None:
    """Go on because a person says so, also against a release window: then history says which."""
    enter_step(draft, live, index, against_the_calendar(because, held_before(draft, live, index)), by=by)


def _take_back(draft: Draft, live: Rollout, phase: Phase, reason: str, by: str) -> None:
    draft.record(RollbackBegun(at=draft.now, rollout=live.id, ending=Ending(phase=phase, reason=reason), by=by))


def _promotion(live: Rollout) -> int:
    return next(index for index, step in enumerate(live.plan) if isinstance(step, Promote))


def _gate(live: Rollout) -> str:
    step = live.plan[live.step]
    return step.gate.name if isinstance(step, AwaitApproval) else ""


def _source(command: Override) -> str:
    return f"{command.action} by {command.by}"


def _reason(what: str, command: Override) -> str:
    return f"{what} by {command.by}" + (f": {command.reason}" if command.reason else "")
