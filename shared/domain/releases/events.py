"""What happened to a release. Every event says when; the recorded ones make up the history that people read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.names import ApplicationName, CommandId, EffectId
from shared.domain.releases.state import Part, ReleaseEnding
from shared.domain.rollout.membership import Report, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseBegun:
    at: datetime
    name: str
    by: str
    parts: tuple[Part, ...]
    patience: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberMoved:
    """A member stands elsewhere."""

    at: datetime
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberNeverBegan:
    """A member that was to be taken back had not been asked to begin, and never will be."""

    at: datetime
    application: ApplicationName


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOpened:
    """All members had passed what comes before, or have none of it: they may enter this stage."""

    at: datetime
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePaused:
    at: datetime
    by: str
    reason: str
    remind_at: datetime | None = None
    """None: it was paused before releases reminded, and is reminded of with the next look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseReminded:
    """It is still paused: people are told again, and nothing else happens."""

    at: datetime
    remind_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResumed:
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingBackBegun:
    """Everything is taken back, from the last member to the first."""

    at: datetime
    ending: ReleaseEnding
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAskedBack:
    at: datetime
    application: ApplicationName


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberGivenUp:
    """A member is not known to be back in time: those before it go back meanwhile. It is asked on; look there."""

    at: datetime
    application: ApplicationName
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseEnded:
    at: datetime
    ending: ReleaseEnding


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRefused:
    """A person's command that had been accepted could not be done when its turn came."""

    at: datetime
    command: CommandId
    action: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAnswered:
    """A member is there, and stands where it stood."""

    at: datetime
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersAsked:
    """Each member is asked how it stands, and told again how far the way is open."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RowClosed:
    at: datetime
    row: EffectId


SilentInRelease = MemberAnswered | MembersAsked | RowClosed
"""Events that move the state and leave no line in the history."""
SILENT_IN_RELEASE: tuple[type, ...] = (MemberAnswered, MembersAsked, RowClosed)

RecordedInRelease = (
    ReleaseBegun
    | MemberMoved
    | MemberNeverBegan
    | StageOpened
    | ReleasePaused
    | PauseReminded
    | ReleaseResumed
    | TakingBackBegun
    | MemberAskedBack
    | MemberGivenUp
    | ReleaseEnded
    | OverrideRefused
)
ReleaseEvent = RecordedInRelease | SilentInRelease
