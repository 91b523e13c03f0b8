"""The one entry to the rules of changing a flag: a command on a state, with the time, comes to a decision."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from shared.domain.errors import RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.changing import approve, archive, cancel, do_due, reject, save, schedule
from shared.domain.flags.managing.commands import (
    Approve,
    Archive,
    CancelScheduled,
    Distribute,
    Distributed,
    Drive,
    FlagCommand,
    Kill,
    Lapse,
    NotDistributed,
    Published,
    Reject,
    Release,
    Revive,
    SaveFlag,
    ScheduleChange,
    Undistributed,
)
from shared.domain.flags.managing.distributing import ask, distributed, end, failed
from shared.domain.flags.managing.draft import Check, FlagDraft, Refuse
from shared.domain.flags.managing.driving import drive, refusal_to_revive, release
from shared.domain.flags.managing.state import FlagState
from shared.domain.names import EffectId


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagDecision:
    """What a command comes to: facts, the state after them, and what is to be written with it."""

    state: FlagState
    events: tuple[e.FlagEvent, ...] = ()
    opened: tuple[EffectId, ...] = ()
    """Rows of either kind; which of the two, the state says."""
    closed: tuple[EffectId, ...] = ()


def decide(
    state: FlagState,
    command: FlagCommand,
    *,
    now: datetime,
    approvals: int = 0,
    check: Check = lambda _flag: (),
    refuse: Refuse = lambda _flag: None,
    distributes: bool = False,
) -> FlagDecision:
    """Return what the command comes to. Pure: the same arguments give the same decision.

    `approvals` is how many people beside the author the environment asks for; `distributes`, whether it brings its
    flags to a product outside too. Raises what the door tells the caller: `InvalidError`, `RejectedError` and the
    refusals of this room. What is no command of the door never raises: a scheduled change that cannot be made becomes
    a fact.
    """
    draft = FlagDraft(state, now, approvals, check, refuse, distributes=distributes)
    match command:
        case SaveFlag():
            save(draft, command)
        case Kill():
            _kill(draft, command)
        case Revive():
            _revive(draft, command)
        case Approve():
            approve(draft, command)
        case Reject():
            reject(draft, command)
        case ScheduleChange():
            schedule(draft, command)
        case CancelScheduled():
            cancel(draft, command)
        case Archive():
            archive(draft, command)
        case Drive():
            drive(draft, command)
        case Release():
            release(draft, command)
        case Lapse():
            do_due(draft)
        case Published():
            _published(draft, command)
        case Distribute():
            ask(draft)
        case Distributed():
            distributed(draft, command)
        case NotDistributed():
            failed(draft, command)
        case Undistributed():
            end(draft)
        case _:
            assert_never(command)
    before, after = (*state.effects, *state.distributing), (*draft.state.effects, *draft.state.distributing)
    return FlagDecision(
        state=draft.state,
        events=tuple(draft.events),
        opened=tuple(row for row in draft.opened if row in after),
        closed=tuple(row for row in before if row not in after),
    )


def next_change(state: FlagState) -> datetime | None:
    """Return when a lapse of time next has something to decide; None when no change waits for its time."""
    return min((change.at for change in state.scheduled), default=None)


def next_look(state: FlagState) -> datetime | None:
    """Return when time alone next has something to do here; None when only news can wake the flag."""
    distribution = state.distribution if state.distributing else None
    again = distribution.again if distribution is not None else None
    return min((at for at in (next_change(state), again) if at is not None), default=None)


def _kill(draft: FlagDraft, command: Kill) -> None:
    if not draft.existing().killed:
        revision = draft.state.revision + 1
        draft.record(e.FlagKilled(at=draft.now, by=command.by, why=command.why, revision=revision))


def _revive(draft: FlagDraft, command: Revive) -> None:
    flag = draft.existing()
    if flag.killed:
        why_not = refusal_to_revive(draft.state) or draft.refuse(replace(flag, killed=False))
        if why_not is not None:
            raise RejectedError(why_not)
        revision = draft.state.revision + 1
        draft.record(e.FlagRevived(at=draft.now, by=command.by, why=command.why, revision=revision))


def _published(draft: FlagDraft, command: Published) -> None:
    closed = tuple(row for row in command.effects if row in draft.state.effects)
    if closed:
        draft.record(e.PublishClosed(at=draft.now, effects=closed))
