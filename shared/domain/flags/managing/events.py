"""What happened to a flag. Every event says when; the recorded ones make up the history that people read."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.flags.managing.state import Driver, Proposal, ScheduledChange
from shared.domain.flags.model import Flag, Serve
from shared.domain.names import EffectId, RolloutId


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSaved:
    """The flag is this now. An archived one is served again."""

    at: datetime
    by: str
    why: str
    revision: int
    fields: tuple[str, ...]
    flag: Flag
    restored: int | None = None
    approved_by: tuple[str, ...] = ()
    change: str = ""
    """The proposal or the scheduled change that it was, if it was one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagKilled:
    at: datetime
    by: str
    why: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRevived:
    at: datetime
    by: str
    why: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagArchived:
    at: datetime
    by: str
    why: str
    revision: int
    approved_by: tuple[str, ...] = ()
    change: str = ""
    """The proposal that it was, if it was one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProposed:
    at: datetime
    proposal: Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalApproved:
    at: datetime
    by: str
    proposal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRejected:
    at: datetime
    by: str
    why: str
    proposal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalVoided:
    """A proposal is worth nothing any more, with the approvals that it had."""

    at: datetime
    proposal: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeScheduled:
    at: datetime
    change: ScheduledChange
    approved_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCancelled:
    at: datetime
    by: str
    why: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRefused:
    """The time of a scheduled change came, or will, and it cannot be done."""

    at: datetime
    change: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveBegun:
    """From now on only this rollout writes what it drives."""

    at: datetime
    driver: Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagDriven:
    """A rollout moved the weight."""

    at: datetime
    rollout: RolloutId
    revision: int
    weight: int
    serve: Serve
    rule: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagReleased:
    """A rollout does not drive this split any more."""

    at: datetime
    rollout: RolloutId
    revision: int
    serve: Serve
    rule: str | None = None
    region: str | None = None
    inherits: bool = False
    """Whether the region has no default of its own any more: what it serves is the flag's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverBarred:
    """A rollout is over that drove nothing here: a late write of it is not to begin that."""

    at: datetime
    rollout: RolloutId


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishClosed:
    at: datetime
    effects: tuple[EffectId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionAsked:
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagDistributed:
    """The product outside has the flag as this revision has it, save what the notes say."""

    at: datetime
    revision: int
    effects: tuple[EffectId, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionFailed:
    at: datetime
    why: str
    again: datetime | None
    """When it is tried again; None: it is not, before something changes."""
    effects: tuple[EffectId, ...] = ()
    """The outbox rows that nothing is to be done for any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionEnded:
    at: datetime


SilentInFlag = (
    DriverBarred | PublishClosed | DistributionAsked | FlagDistributed | DistributionFailed | DistributionEnded
)
"""Events that move the state and leave no line in the history."""
RecordedInFlag = (
    FlagSaved
    | FlagKilled
    | FlagRevived
    | FlagArchived
    | ChangeProposed
    | ProposalApproved
    | ProposalRejected
    | ProposalVoided
    | ChangeScheduled
    | ScheduledCancelled
    | ScheduledRefused
    | DriveBegun
    | FlagDriven
    | FlagReleased
)
FlagEvent = RecordedInFlag | SilentInFlag
SERVED_OTHERWISE = (FlagSaved, FlagKilled, FlagRevived, FlagArchived, FlagDriven, FlagReleased)
"""After these, what is served is to be brought up to date."""
LOOKED_AT = (FlagSaved, FlagRevived, FlagArchived)
"""What is looked at among the other flags and segments before it is committed."""
