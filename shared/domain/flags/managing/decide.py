"""The one entry to the rules of changing a flag: a command on a state, with the time, comes to a decision."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.changing import approve, archive, cancel, do_due, reject, save, schedule
from shared.domain.flags.managing.commands import (
    Approve,
    Archive,
    CancelScheduled,
    Drive,
    FlagCommand,
    Kill,
    Lapse,
    Published,
    Reject,
    Release,
    Revive,
    SaveFlag,
    ScheduleChange,
)
from shared.domain.flags.managing.draft import Check, FlagDraft
from shared.domain.flags.managing.driving import drive, release
from shared.domain.flags.managing.state import FlagState
from shared.domain.names import EffectId


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagDecision:
    """What a command comes to: facts, the state after them, and what is to be written with it."""

    state: FlagState
    events: tuple[e.FlagEvent, ...] = ()
    opened: tuple[EffectId, ...] = ()
    closed: tuple[EffectId, ...] = ()


def decide(
    state: FlagState, command: FlagCommand, *, now: datetime, approvals: int = 0, check: Check = lambda _flag: ()
) -> FlagDecision:
    """Return what the command comes to. Pure: the same arguments give the same decision.

    `approvals` is how many people beside the author the environment asks for. Raises what the door tells the caller:
    `InvalidError`, `RejectedError` and the refusals of this room. `Lapse` and `Published` never raise: a scheduled
    change that cannot be made becomes a fact.
    """
    draft = FlagDraft(state, now, approvals, check)
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
        case _:
            assert_never(command)
    return FlagDecision(
        state=draft.state,
        events=tuple(draft.events),
        opened=tuple(row for row in draft.opened if row in draft.state.effects),
        closed=tuple(row for row in state.effects if row not in draft.state.effects),
    )


def next_look(state: FlagState) -> datetime | None:
    """Return when a lapse of time next has something to decide; None when only news can wake the flag."""
    return min((change.at for change in state.scheduled), default=None)


def _kill(draft: FlagDraft, command: Kill) -> None:
    if not draft.existing().killed:
        revision = draft.state.revision + 1
        draft.record(e.FlagKilled(at=draft.now, by=command.by, why=command.why, revision=revision))


def _revive(draft: FlagDraft, command: Revive) -> None:
    if draft.existing().killed:
        revision = draft.state.revision + 1
        draft.record(e.FlagRevived(at=draft.now, by=command.by, why=command.why, revision=revision))


def _published(draft: FlagDraft, command: Published) -> None:
    closed = tuple(row for row in command.effects if row in draft.state.effects)
    if closed:
        draft.record(e.PublishClosed(at=draft.now, effects=closed))
