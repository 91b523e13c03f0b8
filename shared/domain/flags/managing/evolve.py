"""Facts applied to a flag. Never refuses: refusing is the work of `decide`."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.serves import serve_of, serving
from shared.domain.flags.managing.state import (
    LET_GO_AT_MOST,
    Approval,
    Distribution,
    DividedBy,
    Driver,
    FlagState,
    RolledOut,
    ScheduledChange,
)
from shared.domain.flags.model import Flag, Split
from shared.domain.names import RolloutId


def evolve(state: FlagState, event: e.FlagEvent) -> FlagState:
    """Apply one fact and return the state after it."""
    after = _apply(state, event)
    return after if isinstance(event, e.SilentInFlag) else replace(after, sequence=state.sequence + 1)


def _apply(state: FlagState, event: e.FlagEvent) -> FlagState:
    match event:
        case e.FlagSaved():
            saved = _changed(state, event.flag, event.fields, event.revision, event.at, event.by)
            scheduled = tuple(_foreseen(change, event) for change in saved.scheduled if change.id != event.change)
            return replace(_carried_out(saved, event.change), archived=False, scheduled=scheduled)
        case e.FlagKilled() | e.FlagRevived():
            assert state.flag is not None
            is_killed = isinstance(event, e.FlagKilled)
            by, why = (event.by, event.why) if is_killed else ("", "")
            flag = replace(state.flag, killed=is_killed)
            switched = replace(state, killed_by=by, killed_because=why)
            return _changed(switched, flag, ("killed",), event.revision, event.at, event.by)
        case e.FlagArchived():
            archived = _changed(state, state.flag, (), event.revision, event.at, event.by)
            return replace(_carried_out(archived, event.change), archived=True)
        case e.ChangeProposed():
            return replace(state, proposal=event.proposal)
        case e.ProposalApproved():
            assert state.proposal is not None
            approvals = (*state.proposal.approvals, Approval(event.by, event.at))
            return replace(state, proposal=replace(state.proposal, approvals=approvals))
        case e.ProposalRejected() | e.ProposalVoided():
            return replace(state, proposal=None)
        case e.ChangeScheduled():
            scheduled = tuple(sorted((*state.scheduled, event.change), key=lambda change: change.at))
            return replace(_carried_out(state, event.change.id), scheduled=scheduled)
        case e.ScheduledCancelled() | e.ScheduledRefused():
            left = tuple(change for change in state.scheduled if change.id != event.change)
            return replace(state, scheduled=left)
        case e.DriveBegun():
            return replace(state, drivers=(*state.drivers, event.driver))
        case e.FlagDriven():
            return _driven(state, event)
        case e.FlagReleased():
            return _released(_driven(_with_division(state, event), event), event)
        case e.DriverBarred():
            return replace(state, let_go=_let_go(state, event.rollout))
        case e.PublishClosed():
            return replace(state, effects=tuple(row for row in state.effects if row not in event.effects))
        case e.DistributionAsked():
            return _tried_at_once(state)
        case e.FlagDistributed():
            still_open = tuple(row for row in state.distributing if row not in event.effects)
            done = Distribution(revision=event.revision, at=event.at, notes=event.notes)
            return replace(state, distributing=still_open, distribution=done)
        case e.DistributionFailed():
            waiting = tuple(row for row in state.distributing if row not in event.effects)
            failed = _failed(state.distribution or Distribution(), event)
            return replace(state, distributing=waiting, distribution=failed)
        case e.DistributionEnded():
            return replace(state, distributing=(), distribution=None)
        case _:
            assert_never(event)


def _foreseen(change: ScheduledChange, event: e.FlagSaved) -> ScheduledChange:
    """Let what an earlier change came to be nothing new to one that was made on top of it."""
    if event.change not in change.follows:
        return change
    return replace(change, foreseen=(*change.foreseen, event.revision))


def _failed(before: Distribution, event: e.DistributionFailed) -> Distribution:
    since = before.since or event.at
    return replace(before, attempts=before.attempts + 1, error=event.why, since=since, again=event.again)


def _tried_at_once(state: FlagState) -> FlagState:
    """Let news not wait for the end of a pause that an earlier failure asked for: it may be the kill switch."""
    if state.distribution is None or state.distribution.again is None:
        return state
    return replace(state, distribution=replace(state.distribution, again=None))


def _carried_out(state: FlagState, change: str) -> FlagState:
    """Let a proposal go that came to what it wanted."""
    is_it = state.proposal is not None and state.proposal.id == change
    return replace(state, proposal=None) if is_it else state


def _driven(state: FlagState, event: e.FlagDriven | e.FlagReleased) -> FlagState:
    """Put the split where the driver has it; where that is as it was, no revision was made."""
    if state.flag is None or event.revision == state.revision:
        return state
    field = "rules" if event.rule is not None else "default" if event.region is None else "regions"
    inherits = isinstance(event, e.FlagReleased) and event.inherits
    flag = serving(state.flag, event.rule, None if inherits else event.serve, event.region)
    return _changed(state, flag, (field,), event.revision, event.at, f"rollout {event.rollout}")


def _released(state: FlagState, event: e.FlagReleased) -> FlagState:
    """Let others write the split; remember who has it now, where a rollout gave it to somebody else."""
    driver = state.driver_of(event.rule, event.region)
    others = tuple(each for each in state.drivers if each is not driver)
    released = replace(state, drivers=others, let_go=_let_go(state, event.rollout))
    return _remembered(released, driver) if driver is not None and event.serve == driver.candidate else released


def _let_go(state: FlagState, rollout: RolloutId) -> tuple[RolloutId, ...]:
    return (*(each for each in state.let_go if each != rollout), rollout)[-LET_GO_AT_MOST:]


def _with_division(state: FlagState, event: e.FlagReleased) -> FlagState:
    """Remember how the split divided users, where one variant takes its place: a later ramp meets the same ones."""
    split = serve_of(state.flag, event.rule, event.region) if state.flag is not None else None
    if not isinstance(split, Split) or isinstance(event.serve, Split):
        return state
    division = DividedBy(
        rule=event.rule,
        region=event.region,
        seed=split.seed,
        by=split.by,
        hashing=split.hashing,
        first=split.shares[0].variant if split.shares else None,
    )
    before = state.divided_by_in(event.rule, event.region)
    return replace(state, divided_by=(*(each for each in state.divided_by if each is not before), division))


def _remembered(state: FlagState, driver: Driver) -> FlagState:
    rolled_out = RolledOut(
        rule=driver.rule,
        region=driver.region,
        variant=driver.candidate,
        version=driver.version,
        replaced=driver.stable,
    )
    before = state.rolled_out_in(driver.rule, driver.region)
    return replace(state, rolled_out=(*(each for each in state.rolled_out if each is not before), rolled_out))


def _changed(
    state: FlagState, flag: Flag | None, fields: tuple[str, ...], revision: int, at: datetime, by: str
) -> FlagState:
    touched = {**dict(state.touched), **dict.fromkeys(fields, revision)}
    changed = replace(state, flag=flag, revision=revision, touched=tuple(touched.items()), changed=at, changed_by=by)
    return _tried_at_once(changed)
