"""The one entry to the rules of a release: a command on a state, with the time, comes to a decision."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from shared.domain.names import EffectId
from shared.domain.releases import events as e
from shared.domain.releases.advance import go_on, see_who_is_silent, take_all_back
from shared.domain.releases.commands import (
    BeginRelease,
    CommandGiven,
    Lapse,
    MemberReported,
    ReleaseAction,
    ReleaseCommand,
    ReleaseOverride,
    RowDone,
)
from shared.domain.releases.draft import ReleaseDraft
from shared.domain.releases.state import ON_THE_WAY, OpenRow, Release, ReleaseEnding, ReleasePhase
from shared.domain.rollout.membership import Standing
from shared.domain.rollout.timing import REMINDER


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDecision:
    """What a command comes to: facts, the state after them, and what is to be written with it."""

    state: Release
    events: tuple[e.ReleaseEvent, ...] = ()
    opened: tuple[OpenRow, ...] = ()
    closed: tuple[EffectId, ...] = ()


def decide(state: Release, command: ReleaseCommand, *, now: datetime) -> ReleaseDecision:
    """Return what the command comes to. Pure: the same arguments give the same decision.

    Never raises for a command that makes no sense here: what was accepted and cannot be done becomes a fact, what is
    late becomes nothing.
    """
    draft = ReleaseDraft(state, now)
    match command:
        case BeginRelease():
            _begin(draft, command)
        case ReleaseOverride():
            _override(draft, command)
        case MemberReported():
            _hear(draft, command)
        case Lapse():
            _lapse(draft)
        case CommandGiven():
            _given(draft, command)
        case RowDone():
            _close(draft, command.row)
        case _:
            assert_never(command)
    go_on(draft)
    still_open = {row.id for row in draft.state.rows}
    return ReleaseDecision(
        state=draft.state,
        events=tuple(draft.events),
        opened=tuple(row for row in draft.opened if row.id in still_open),
        closed=tuple(row.id for row in state.rows if row.id not in still_open),
    )


def refusal(state: Release, action: ReleaseAction) -> str | None:
    """Say why a person's command cannot be done now, or None when it can: for the door, and for the turn."""
    if state.phase.is_terminal:
        return f"release {state.id} {state.phase}: steer each application by itself"
    if state.phase is ReleasePhase.ROLLING_BACK:
        return f"release {state.id} is being taken back and nothing stops that"
    match action:
        case ReleaseAction.PAUSE:
            return "it is paused already" if state.phase is ReleasePhase.PAUSED else None
        case ReleaseAction.RESUME:
            return None if state.phase is ReleasePhase.PAUSED else f"it is not paused but {state.phase}"
        case ReleaseAction.ABORT:
            return "promotion has begun: use rollback" if state.has_opened_promotion else None
        case ReleaseAction.ROLLBACK:
            return None


def next_look(state: Release) -> datetime | None:
    """Return when a lapse of time next has something to decide; None when only news can wake the release."""
    return None if state.phase.is_terminal else min(_times(state), default=None)


def _times(state: Release) -> list[datetime]:
    times = [at for at in (state.beat_at, state.remind_at) if at is not None]
    for member in state.members:
        if member.is_over:
            continue
        if state.phase in ON_THE_WAY and member.standing is not Standing.SUCCEEDED:
            since = min(member.heard, member.idle_since or member.heard)
            times.append(since + state.patience)
        if state.phase is ReleasePhase.ROLLING_BACK and member.asked_back is not None and not member.given_up:
            times.append(member.asked_back + state.patience)
    return times


def _begin(draft: ReleaseDraft, command: BeginRelease) -> None:
    if draft.state.phase is not ReleasePhase.PENDING:
        return
    draft.record(
        e.ReleaseBegun(at=draft.now, name=command.name, by=command.by, parts=command.parts, patience=command.patience)
    )


def _override(draft: ReleaseDraft, command: ReleaseOverride) -> None:
    why_not = refusal(draft.state, command.action)
    if why_not is not None:
        draft.record(e.OverrideRefused(at=draft.now, command=command.id, action=command.action, reason=why_not))
        return
    said = f" by {command.by}" + (f": {command.reason}" if command.reason else "")
    match command.action:
        case ReleaseAction.PAUSE:
            remind_at = draft.now + REMINDER
            draft.record(e.ReleasePaused(at=draft.now, by=command.by, reason=f"paused{said}", remind_at=remind_at))
        case ReleaseAction.RESUME:
            draft.record(e.ReleaseResumed(at=draft.now, by=command.by, reason=command.reason))
        case ReleaseAction.ABORT:
            take_all_back(draft, ReleaseEnding(phase=ReleasePhase.ABORTED, reason=f"aborted{said}"), command.by)
        case ReleaseAction.ROLLBACK:
            ending = ReleaseEnding(phase=ReleasePhase.ROLLED_BACK, reason=f"rolled back{said}")
            take_all_back(draft, ending, command.by)


def _hear(draft: ReleaseDraft, command: MemberReported) -> None:
    """Take in how a member stands. What is late, or of another rollout, changes nothing."""
    report = command.report
    member = draft.state.member(report.application)
    if member is None or member.rollout != report.rollout or draft.state.phase.is_terminal:
        return
    if report.sequence < member.sequence or member.is_over:
        return
    known = (member.standing, member.stage, member.hold)
    kind = e.MemberAnswered if known == (report.standing, report.stage, report.hold) else e.MemberMoved
    draft.record(kind(at=draft.now, report=report))


def _lapse(draft: ReleaseDraft) -> None:
    see_who_is_silent(draft)
    paused, remind_at = draft.state.phase is ReleasePhase.PAUSED, draft.state.remind_at
    if paused and (remind_at is None or remind_at <= draft.now):
        draft.record(e.PauseReminded(at=draft.now, remind_at=draft.now + REMINDER))
    beat_at = draft.state.beat_at
    if beat_at is not None and beat_at <= draft.now and not draft.state.phase.is_terminal:
        draft.record(e.MembersAsked(at=draft.now))


def _given(draft: ReleaseDraft, command: CommandGiven) -> None:
    if not _close(draft, command.command):
        return
    member = draft.state.member(command.never_began) if command.never_began is not None else None
    if member is not None and not member.is_over:
        draft.record(e.MemberNeverBegan(at=draft.now, application=member.application))


def _close(draft: ReleaseDraft, row: EffectId) -> bool:
    """Close an outbox row; return whether it was open. One that was done twice is closed once."""
    is_open = any(each.id == row for each in draft.state.rows)
    if is_open:
        draft.record(e.RowClosed(at=draft.now, row=row))
    return is_open
