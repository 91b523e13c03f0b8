"""What is asked of a release: by people, by its members, by time, and by commands that were handed over."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.domain.names import ApplicationName, CommandId, EffectId
from shared.domain.releases.state import Part
from shared.domain.rollout.membership import Report


class ReleaseAction(StrEnum):
    """What a person can ask of a release."""

    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginRelease:
    """Release these versions together."""

    id: CommandId
    name: str
    by: str
    parts: tuple[Part, ...]
    patience: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOverride:
    """Do what a person says."""

    id: CommandId
    action: ReleaseAction
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberReported:
    """A member said how it stands."""

    id: CommandId
    report: Report


@dataclass(frozen=True, slots=True)
class Lapse:
    """Time has passed: see who is silent, and ask how all stand when it is time."""


@dataclass(frozen=True, slots=True)
class CommandGiven:
    """The level was stored with the member."""

    command: EffectId
    never_began: ApplicationName | None = None
    """The member, where it was to be taken back and had never been asked to begin."""


@dataclass(frozen=True, slots=True)
class RowDone:
    """A tiding was handed over, or the line in the list was written."""

    row: EffectId


AcceptedByRelease = BeginRelease | ReleaseOverride | MemberReported
"""The facts that are kept in the inbox before anybody is told that they were accepted."""
ReleaseCommand = AcceptedByRelease | Lapse | CommandGiven | RowDone
