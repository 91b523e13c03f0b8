"""Saving, proposing, scheduling: what a person wants a flag to be, and when that comes true."""

from dataclasses import replace
from datetime import datetime

from shared.domain.errors import InvalidError, Problem, RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import (
    NEW,
    Approve,
    Archive,
    CancelScheduled,
    Expected,
    Reject,
    SaveFlag,
    ScheduleChange,
    Unread,
)
from shared.domain.flags.managing.draft import FlagDraft
from shared.domain.flags.managing.driving import refusal_of_others, refusal_to_archive
from shared.domain.flags.managing.fields import SAVED, changed_fields, conflict, foreseen_flag, with_fields
from shared.domain.flags.managing.refusals import RevisionError, RevisionUnsaidError
from shared.domain.flags.managing.state import SCHEDULED_AT_MOST, FlagState, Proposal, ScheduledChange
from shared.domain.flags.model import Flag


def save(draft: FlagDraft, command: SaveFlag) -> None:
    """Save, or propose. A flag that is so already is nothing new, whatever the caller had read."""
    flag = _with_kill_switch(draft.state, command.flag)
    fields = changed_fields(draft.state.live, flag)
    if not fields:
        return
    check_expected(draft.state, command.expected)
    _check(draft, flag)
    if draft.approvals:
        _propose(draft, _proposal(draft, command.id, command.by, command.why, fields, flag, restored=command.restored))
        return
    _save(draft, flag, fields, command.by, command.why, restored=command.restored)
    _void(draft, f"{command.by} saved the flag in revision {draft.state.revision}")


def archive(draft: FlagDraft, command: Archive) -> None:
    """Archive, or propose that."""
    if draft.state.archived:
        return
    draft.existing()
    check_expected(draft.state, command.expected)
    why_not = refusal_to_archive(draft.state) or draft.refuse(None)
    if why_not is not None:
        raise RejectedError(why_not)
    if draft.approvals:
        _propose(draft, _proposal(draft, command.id, command.by, command.why, (), None))
        return
    _archive(draft, command.by, command.why)
    _void(draft, f"{command.by} archived the flag")


def is_proposed(state: FlagState, command: SaveFlag | Archive | ScheduleChange) -> bool:
    """Whether what waits for approval is what this command asks for, rather than what was asked for beside it."""
    waits = state.proposal
    if waits is None or waits.id == command.id:
        return waits is not None
    asked = None if isinstance(command, Archive) else _with_kill_switch(state, command.flag)
    effective = command.at if isinstance(command, ScheduleChange) else None
    return (waits.by, waits.effective, repr(waits.flag)) == (command.by, effective, repr(asked))


def approve(draft: FlagDraft, command: Approve) -> None:
    """Count one person's approval once. With the last that is asked for, the change is made, or said why it cannot be.

    Raises `RejectedError` for the author, and for a proposal that is not the one that waits.
    """
    proposal = _waiting(draft.state, command.proposal)
    if command.by == proposal.by:
        raise RejectedError(f"{command.by} proposed this change: somebody else must approve it")
    if command.by not in (approval.by for approval in proposal.approvals):
        draft.record(e.ProposalApproved(at=draft.now, by=command.by, proposal=proposal.id))
    approved = _waiting(draft.state, command.proposal)
    if len(approved.approvals) >= draft.approvals:
        _carry_out(draft, approved)


def reject(draft: FlagDraft, command: Reject) -> None:
    """Do away with the proposal."""
    proposal = _waiting(draft.state, command.proposal)
    draft.record(e.ProposalRejected(at=draft.now, by=command.by, why=command.why, proposal=proposal.id))


def schedule(draft: FlagDraft, command: ScheduleChange) -> None:
    """Keep a change for its time, or propose to. The same one again is nothing new.

    It is made on top of what already waits for an earlier time: the flag is to be as it says then, so what differs from
    the flag of now counts, and what differs from the flag that the earlier ones will have made.
    """
    waits = draft.state.proposal is not None and draft.state.proposal.id == command.id
    if draft.state.change(command.id) is not None or waits:
        return
    flag = _with_kill_switch(draft.state, command.flag)
    fields = _fields_then(draft, flag, command.at)
    check_expected(draft.state, command.expected)
    if command.at <= draft.now:
        raise InvalidError(Problem("at", "is in the past; allowed is a time that is to come"))
    if not fields:
        raise RejectedError("the flag is so already: there is nothing to change then")
    if len(draft.state.scheduled) >= SCHEDULED_AT_MOST:
        raise RejectedError(f"{SCHEDULED_AT_MOST} changes of this flag wait for their time already: cancel one first")
    _check(draft, flag)
    if draft.approvals:
        proposal = _proposal(draft, command.id, command.by, command.why, fields, flag)
        _propose(draft, replace(proposal, effective=command.at))
        return
    _schedule(draft, command.id, command.by, command.why, command.at, draft.state.revision, fields, flag)


def cancel(draft: FlagDraft, command: CancelScheduled) -> None:
    """Forget a scheduled change. Raises `RejectedError` when none of this id waits."""
    if draft.state.change(command.id) is None:
        raise RejectedError(f"no change {command.id} of this flag waits: it happened, was refused, or was cancelled")
    draft.record(e.ScheduledCancelled(at=draft.now, by=command.by, why=command.why, change=command.id))


def do_due(draft: FlagDraft) -> None:
    """Do the changes whose time has come, each on the flag as the one before left it, or say why one cannot be."""
    while due := draft.state.changes_until(draft.now):
        _do(draft, due[0])


def check_expected(state: FlagState, expected: Expected) -> None:
    """Raise `RevisionError` when a caller read another revision than stands there, or did not say what they read."""
    is_there = state.live is not None
    match expected:
        case Unread.ANY:
            if not is_there:
                raise RevisionError(f"there is no flag {state.key}")
        case Unread.UNSAID:
            if is_there:
                raise RevisionUnsaidError(
                    f"flag {state.key} is there, in revision {state.revision}: say with If-Match which one you read"
                )
        case int():
            stands = state.revision if is_there else NEW
            if expected != stands:
                what = f"in revision {stands}" if is_there else "not there"
                read = f"revision {expected}" if expected else "that it is not there"
                raise RevisionError(f"flag {state.key} is {what}, and the request expects {read}: read it again")


def _with_kill_switch(state: FlagState, wanted: Flag) -> Flag:
    """Return the flag with the kill switch as it stands. Raises `InvalidError` when the document would throw it."""
    if state.flag is None:
        return wanted
    if wanted.killed and not state.flag.killed:
        raise InvalidError(Problem("killed", "is moved by the action kill; a document cannot do it"))
    return replace(wanted, killed=state.flag.killed)


def _check(draft: FlagDraft, flag: Flag) -> None:
    problems = tuple(draft.check(flag))
    if problems:
        raise InvalidError(*problems)
    why_not = refusal_of_others(draft.state, flag) or draft.refuse(flag)
    if why_not is not None:
        raise RejectedError(why_not)


def _fields_then(draft: FlagDraft, flag: Flag, at: datetime) -> tuple[str, ...]:
    """Return the fields that differ from the flag of now, or from what it will be by then."""
    differ = {*changed_fields(draft.existing(), flag), *changed_fields(foreseen_flag(draft.state, at), flag)}
    return tuple(name for name in SAVED if name in differ)


def _proposal(
    draft: FlagDraft,
    proposal_id: str,
    by: str,
    why: str,
    fields: tuple[str, ...],
    flag: Flag | None,
    *,
    restored: int | None = None,
) -> Proposal:
    return Proposal(
        id=proposal_id,
        by=by,
        why=why,
        at=draft.now,
        revision=draft.state.revision,
        fields=fields,
        flag=flag,
        restored=restored,
    )


def _propose(draft: FlagDraft, proposal: Proposal) -> None:
    before = draft.state.proposal
    if before is not None:
        if before.id == proposal.id or _is_same(before, proposal):
            return
        _void(draft, f"{proposal.by} proposed another change")
    draft.record(e.ChangeProposed(at=draft.now, proposal=proposal))


def _is_same(before: Proposal, proposal: Proposal) -> bool:
    asked = [(each.by, each.revision, each.effective, repr(each.flag)) for each in (before, proposal)]
    return asked[0] == asked[1]


def _waiting(state: FlagState, proposal: str) -> Proposal:
    if state.proposal is None:
        raise RejectedError(f"no change of flag {state.key} waits for approval")
    if state.proposal.id != proposal:
        raise RejectedError(f"proposal {proposal} is not the one that waits: that is {state.proposal.id}")
    return state.proposal


def _carry_out(draft: FlagDraft, proposal: Proposal) -> None:
    approved_by = tuple(approval.by for approval in proposal.approvals)
    if proposal.flag is None:
        why_not = refusal_to_archive(draft.state) or ("it is archived" if draft.state.archived else draft.refuse(None))
    else:
        why_not = _cannot(draft, proposal.flag, proposal.fields, proposal.revision)
    if why_not is not None:
        _void(draft, why_not)
    elif proposal.flag is None:
        _archive(draft, proposal.by, proposal.why, approved_by, proposal.id)
    elif proposal.effective is not None:
        _schedule(
            draft,
            proposal.id,
            proposal.by,
            proposal.why,
            proposal.effective,
            proposal.revision,
            proposal.fields,
            proposal.flag,
            approved_by,
        )
    else:
        flag = _merged(draft.state, proposal.flag, proposal.fields)
        _save(
            draft,
            flag,
            proposal.fields,
            proposal.by,
            proposal.why,
            restored=proposal.restored,
            change=proposal.id,
            approved_by=approved_by,
        )


def _do(draft: FlagDraft, change: ScheduledChange) -> None:
    why_not = _cannot(draft, change.flag, change.fields, change.revision, change.foreseen)
    flag = _merged(draft.state, change.flag, change.fields)
    fields = changed_fields(draft.state.live, flag)
    if why_not is None and not fields:
        why_not = "the flag is so already"
    if why_not is not None:
        draft.record(e.ScheduledRefused(at=draft.now, change=change.id, why=why_not))
        return
    _save(draft, flag, fields, change.by, change.why, change=change.id)
    _void(draft, f"the change that {change.by} had scheduled was made in revision {draft.state.revision}")


def _cannot(
    draft: FlagDraft, wanted: Flag, fields: tuple[str, ...], revision: int, foreseen: tuple[int, ...] = ()
) -> str | None:
    """Say why a change that was made against an earlier revision cannot be made now, or None."""
    why_not = conflict(draft.state, wanted, fields, revision, foreseen)
    if why_not is not None:
        return why_not
    flag = _merged(draft.state, wanted, fields)
    why_not = refusal_of_others(draft.state, flag)
    if why_not is not None:
        return why_not
    problems = tuple(draft.check(flag))
    return "; ".join(str(problem) for problem in problems[:3]) if problems else draft.refuse(flag)


def _merged(state: FlagState, wanted: Flag, fields: tuple[str, ...]) -> Flag:
    return wanted if state.live is None else with_fields(state.live, wanted, fields)


def _save(
    draft: FlagDraft,
    flag: Flag,
    fields: tuple[str, ...],
    by: str,
    why: str,
    *,
    restored: int | None = None,
    change: str = "",
    approved_by: tuple[str, ...] = (),
) -> None:
    draft.record(
        e.FlagSaved(
            at=draft.now,
            by=by,
            why=why,
            revision=draft.state.revision + 1,
            fields=fields,
            flag=flag,
            restored=restored,
            change=change,
            approved_by=approved_by,
        )
    )


def _schedule(
    draft: FlagDraft,
    change_id: str,
    by: str,
    why: str,
    at: datetime,
    revision: int,
    fields: tuple[str, ...],
    flag: Flag,
    approved_by: tuple[str, ...] = (),
) -> None:
    change = ScheduledChange(
        id=change_id,
        by=by,
        why=why,
        made=draft.now,
        at=at,
        revision=revision,
        fields=fields,
        flag=flag,
        follows=tuple(earlier.id for earlier in draft.state.changes_until(at)),
    )
    draft.record(e.ChangeScheduled(at=draft.now, change=change, approved_by=approved_by))


def _archive(draft: FlagDraft, by: str, why: str, approved_by: tuple[str, ...] = (), change: str = "") -> None:
    revision = draft.state.revision + 1
    draft.record(
        e.FlagArchived(at=draft.now, by=by, why=why, revision=revision, approved_by=approved_by, change=change)
    )
    for waits in draft.state.scheduled:
        draft.record(e.ScheduledRefused(at=draft.now, change=waits.id, why="the flag is archived"))


def _void(draft: FlagDraft, why: str) -> None:
    if draft.state.proposal is not None:
        draft.record(e.ProposalVoided(at=draft.now, proposal=draft.state.proposal.id, why=why))
