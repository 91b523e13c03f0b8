"""What binds a rollout to a release of several applications, and the words in which the two talk.

Both sides tell levels, never changes: how far the release has opened the way, and how a member stands. So a message
that comes twice, late or out of order does no harm.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from shared.domain.names import ApplicationName, ReleaseId, RolloutId

Stage = NewType("Stage", int)
"""How far a plan has come: each stage is entered by all members together. 1 is the first weight, 2 the second."""
CLOSED = Stage(-1)
"""Before every stage: nothing was opened yet."""
START = Stage(0)
"""Before anything is done."""
PROMOTION = Stage(1_000)
"""Plans have fewer weights than that."""
END = Stage(1_001)
"""After the candidate was judged healthy in production."""


def stage_in_words(stage: Stage) -> str:
    """Return a stage for people: `the start`, `weight 2`, `the promotion`, `the end`; `nothing` before every one."""
    named = {CLOSED: "nothing", START: "the start", PROMOTION: "the promotion", END: "the end"}
    return named.get(stage, f"weight {stage}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Which release a rollout is a part of."""

    release: ReleaseId
    rollout: RolloutId
    """The rollout as the release knows it: the one that brought the version, also for the one that takes it back."""
    patience: timedelta
    """How long either may hear nothing of the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A rollout's part in a release."""

    membership: Membership
    silent_since: datetime
    """Since when the release has said nothing of what is waited for."""
    opened: Stage = CLOSED
    """The highest stage that it may enter."""
    waits_to_end: bool = False
    """Whether the candidate was judged healthy in production, and only the release keeps the rollout from its end."""

    @property
    def silent_until(self) -> datetime:
        """When the release has said nothing for too long."""
        return self.silent_since + self.membership.patience


class Standing(StrEnum):
    """How a member stands, as far as its release has to know."""

    EXPECTED = "expected"
    """Not heard of yet."""
    PENDING = "pending"
    """Waits for its turn in its application."""
    MOVING = "moving"
    """On its way to the next stage."""
    WAITING = "waiting"
    """Before a stage, ready to enter it."""
    SUCCEEDED = "succeeded"
    GOING_BACK = "going back"
    BACK = "back"
    """No user is sent to the candidate, or it never began."""
    REMAINS = "remains"
    """The candidate serves and cannot be taken back by itself."""


class Hold(StrEnum):
    """Why a member does not go on though it could."""

    NOT = ""
    PAUSED = "paused"
    FROZEN = "frozen"
    WINDOW = "window"
    """A release window does not let it begin, or go on."""
    SHUT = "shut"
    """The same, and no time opens one: nobody waits for that for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a member stands."""

    application: ApplicationName
    rollout: RolloutId
    standing: Standing
    sequence: int
    """How much had happened to the application by then: an older report is late."""
    stage: Stage = CLOSED
    """The stage that it waits before."""
    hold: Hold = Hold.NOT
    reason: str = ""
    ends: str = ""
    """The phase in which it ends, or ended, when it goes back."""
