"""What an application remembers of its rollouts, and what is still to be done after them."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.names import RolloutId, TargetName, Version
from shared.domain.rollout.phases import Phase
from shared.domain.rollout.rollout_state import Rollout
from shared.domain.rollout.spec import Hook


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Nothing starts and nothing advances."""

    reason: str
    by: str
    since: datetime
    remind_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is remembered of the newest rollout that ended."""

    rollout: RolloutId
    version: Version
    phase: Phase
    stable_version: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftercare:
    """What is still to be seen of a rollout that ended: how many users are pinned to the place that it used."""

    rollout: Rollout
    since: datetime
    """Start of the window that is counted."""
    look_at: datetime
    give_up_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinning:
    """Whether a target holds a new version back before it is announced, as was found when the spec was accepted."""

    target: TargetName
    pinned: bool
    says: str
    """What was changed for that, or why it is not so and what to do."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What the history says that production serves."""

    version: Version
    rollout: RolloutId
    before: Version | None = None
    """The version whose place it took, where that is known."""
    returned: bool = False
    """Whether it was brought back, so that `before` is what was taken away: that is never returned to in one hop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """A version that served before, kept for a while to take everyone back in one hop."""

    rollout: RolloutId
    """The rollout that succeeded it."""
    version: Version
    serving: Version
    until: datetime
    contracts: tuple[Hook, ...] = ()
    """What is called when it is gone: what only it needed is taken away."""
    steps: int = 0
    overwritten: Version | None = None
    """What was seen in its place since; None while nothing else was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How many rollouts of a version have passed their preflight."""

    version: Version
    times: int


REMEMBERED_VERSIONS = 20
