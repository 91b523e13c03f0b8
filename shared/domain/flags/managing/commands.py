"""What is asked of a flag: by people, by rollouts, by time, and by the publisher."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from shared.domain.flags.model import BY_KEY, Attribute, Flag
from shared.domain.names import EffectId, RolloutId, VariantName, Version


class Unread(Enum):
    """What a caller may say instead of the revision that they read."""

    ANY = "any"
    """Whatever stands there: I know that I overwrite it."""
    UNSAID = "unsaid"
    """Nothing: good for what is new only."""


NEW = 0
"""The revision of what is not there yet."""
Expected = int | Unread
"""The revision that a caller read, or one of the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveFlag:
    """Let the flag be this. Where the environment asks for approvals it becomes a proposal."""

    flag: Flag
    """Its kill switch is taken of a new flag only: after that it is moved by `Kill` and `Revive`."""
    by: str
    why: str
    expected: Expected
    id: str
    """Names the proposal, if it becomes one."""
    restored: int | None = None
    """The revision whose flag this is, when an earlier one is brought back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Serve the off variant to everybody. Never waits for anything, and works while a rollout drives the flag."""

    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revive:
    """Serve again what the flag says."""

    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleChange:
    """Let the flag be this from a later time on."""

    flag: Flag
    by: str
    why: str
    at: datetime
    expected: Expected
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelScheduled:
    """Forget a scheduled change."""

    id: str
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Want the proposed change too."""

    proposal: str
    """Which one was looked at: one that took its place meanwhile is not approved unseen."""
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Do away with the proposed change; its author may, too."""

    proposal: str
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Serve the flag to nobody any more, and keep it."""

    by: str
    why: str
    expected: Expected
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A rollout gives its candidate this weight, and the rest to what was stable."""

    rollout: RolloutId
    rule: str | None
    """The rule's id; None: a default."""
    region: str | None = None
    """Where it is the default of a region; None: the flag's own."""
    candidate: VariantName
    stable: VariantName
    version: Version | None = None
    """The version that the candidate is rolled out as; None: the variant's own name."""
    weight: int
    """In 1/100,000."""
    returns: bool = False
    """Whether it brings back what was before: a flag that is killed is no obstacle then."""
    bucketed_by: Attribute = BY_KEY
    """Counts where there never was a split: one that is, or was, there keeps its seed and way: nobody changes sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A rollout leaves all that it drives of the flag as it is now, or as it ended: others may write it again."""

    rollout: RolloutId
    share: int | None = None
    """The candidate's share that it ended at, in 1/100,000; None: as it is now."""


@dataclass(frozen=True, slots=True)
class Lapse:
    """Time has passed: do the scheduled changes whose time has come."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is served is as the state says that was loaded."""

    effects: tuple[EffectId, ...]


@dataclass(frozen=True, slots=True)
class Distribute:
    """Bring the flag once more to where its environment distributes flags to: what it asks for changed, or that did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributed:
    """It is there as the state says that was loaded."""

    notes: tuple[str, ...] = ()
    """What could not be carried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDistributed:
    """It could not be brought there."""

    why: str
    after_seconds: float | None = None
    """How long the other side asked to be left alone, where it did."""
    is_final: bool = False
    """Whether trying the same again is of no use: it waits until something changes, or somebody asks."""


@dataclass(frozen=True, slots=True)
class Undistributed:
    """The environment distributes its flags nowhere any more."""


AtTheDoor = (
    SaveFlag
    | Kill
    | Revive
    | ScheduleChange
    | CancelScheduled
    | Approve
    | Reject
    | Archive
    | Drive
    | Release
    | Distribute
)
"""What is decided while the caller waits."""
FlagCommand = AtTheDoor | Lapse | Published | Distributed | NotDistributed | Undistributed
