"""The aggregate of one release: its members in their order, how each stands, and how far the way is open."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.names import ApplicationName, EffectId, ReleaseId, RolloutId, Version
from shared.domain.rollout.membership import CLOSED, PROMOTION, Hold, Membership, Stage, Standing
from shared.domain.rollout.spec import Topic


class ReleasePhase(StrEnum):
    """Where a release is in its life."""

    PENDING = "pending"
    """Accepted, and not begun."""
    PROGRESSING = "progressing"
    PAUSED = "paused"
    """Nothing is opened; guards, deadlines and the way back go on."""
    ROLLING_BACK = "rolling-back"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    ABORTED = "aborted"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will ever happen in this phase."""
        return self in (self.SUCCEEDED, self.ROLLED_BACK, self.ABORTED, self.FAILED)


ON_THE_WAY = frozenset({ReleasePhase.PROGRESSING, ReleasePhase.PAUSED})
OVER_WITH = frozenset({Standing.BACK, Standing.REMAINS})
"""A member that stands so is asked for nothing more."""
MEMBERS_AT_MOST = 10
"""A view reads each member, and one decision may command them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a release is asked to bring to one application."""

    application: ApplicationName
    version: Version
    rollout: RolloutId


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberState:
    """One application of a release, as far as was heard."""

    application: ApplicationName
    version: Version
    rollout: RolloutId
    heard: datetime
    """When it last answered; the beginning, while it never did."""
    standing: Standing = Standing.EXPECTED
    stage: Stage = CLOSED
    """The stage that it waits before."""
    hold: Hold = Hold.NOT
    reason: str = ""
    ends: str = ""
    """The phase in which it ends, or ended, when it goes back."""
    sequence: int = 0
    """How much had happened to the application when it last answered: what is older is late."""
    idle_since: datetime | None = None
    """Since when it answers that it cannot go on, and nothing that somebody set will end that: another rollout of its
    application has the turn, or its release windows never open."""
    asked_back: datetime | None = None
    """When it was asked to go back."""
    given_up: bool = False
    """Whether the others do not wait any more for it to be back. It is asked on."""

    @property
    def is_over(self) -> bool:
        """Whether the release has nothing more to ask of it."""
        return self.standing in OVER_WITH


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseEnding:
    """Where taking back leads, and why."""

    phase: ReleasePhase
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCommand:
    """An outbox row: the member is to be told the level."""

    id: EffectId
    application: ApplicationName


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTiding:
    """An outbox row: those whom the members' specs name for this topic are to be told."""

    id: EffectId
    topic: Topic
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenListing:
    """An outbox row: the release's line in the list of releases is to be written."""

    id: EffectId


OpenRow = OpenCommand | OpenTiding | OpenListing


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """All that is decided about one release, loaded and committed as one."""

    id: ReleaseId
    name: str = ""
    by: str = ""
    phase: ReleasePhase = ReleasePhase.PENDING
    members: tuple[MemberState, ...] = ()
    """In their order: what is taken back goes from the last to the first."""
    patience: timedelta = timedelta(0)
    """How long a member may say nothing, or wait its turn behind another rollout."""
    requested: datetime | None = None
    ended: datetime | None = None
    opened: Stage = CLOSED
    """The highest stage that all members may enter."""
    reason: str = ""
    ending: ReleaseEnding | None = None
    beat_at: datetime | None = None
    """When the members are asked next how they stand."""
    remind_at: datetime | None = None
    """When people are told next that it is still paused."""
    sequence: int = 0
    rows_made: int = 0
    commands: tuple[OpenCommand, ...] = ()
    tidings: tuple[OpenTiding, ...] = ()
    listings: tuple[OpenListing, ...] = ()
    """One at most: whoever writes the line writes the newest."""

    @property
    def rows(self) -> tuple[OpenRow, ...]:
        """What is to be done outside, in the order in which it is done: members go before what is told of them."""
        return (*self.commands, *self.tidings, *self.listings)

    @property
    def beat(self) -> timedelta:
        """How often members are asked: often enough that one lost answer is no silence."""
        return self.patience / 3

    @property
    def stuck(self) -> str | None:
        """Say which members are not known to be back in time, or None."""
        late = ", ".join(member.application for member in self.members if member.given_up and not member.is_over)
        return f"not known to be back: {late}" if late else None

    @property
    def has_opened_promotion(self) -> bool:
        """Whether members may have been promoted."""
        return self.opened >= PROMOTION

    def member(self, application: ApplicationName) -> MemberState | None:
        """Return the member, or None."""
        return next((member for member in self.members if member.application == application), None)

    def membership(self, member: MemberState) -> Membership:
        """Return what binds the member's rollout to this release."""
        return Membership(release=self.id, rollout=member.rollout, patience=self.patience)
