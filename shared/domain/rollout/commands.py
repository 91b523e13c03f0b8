"""What is asked of an application: by CI, by people, by alerts, by time, and by effects that answer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.names import CommandId, EffectId, RolloutId, Version
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.hooks import HookStatus
from shared.domain.rollout.membership import Membership, Stage
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Notification, Spec, Topic
from shared.domain.rollout.weight import Weight


class Action(StrEnum):
    """What a person can ask for."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    SKIP = "skip"
    ABORT = "abort"
    ROLLBACK = "rollback"
    APPROVE = "approve"
    REJECT = "reject"
    RETRY = "retry"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptSpec:
    """Take this release spec from the next rollout on."""

    spec: Spec
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """Release this version."""

    id: CommandId
    rollout: RolloutId
    version: Version
    source: str
    membership: Membership | None = None
    """The release of several applications that asks for it; None: it is released alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """A release of several applications says how far its member may go, or that it is to go back."""

    id: CommandId
    membership: Membership
    opened: Stage
    """The highest stage that is open."""
    back: str = ""
    """Why it is to go back; empty while it is not."""
    ends: str = ""
    """The phase in which it ends then."""
    back_as: RolloutId
    """The id of the rollout that takes it back, should it have succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOfRelease:
    """Tell these webhooks, which the application's spec names, what became of the release that it is a member of."""

    id: CommandId
    rollout: RolloutId
    """The member's rollout, as the release knows it."""
    topic: Topic
    text: str
    notifications: tuple[Notification, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Do what a person says."""

    id: CommandId
    action: Action
    reason: str
    by: str
    rollout: RolloutId
    """The id of the new rollout, for the actions that begin one (retry; rollback after success)."""
    step: int | None = None
    """The step that the person saw; the command is refused when the rollout is elsewhere by now."""
    begins: bool = False
    """Whether the person was told that it begins `rollout`; then it does that or is refused, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert about one of the application's resources fired or was resolved."""

    id: CommandId
    fired: bool
    rule: str
    severity: str
    resource: str
    description: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HookReport:
    """The other side of a hook called back."""

    id: CommandId
    call_id: str
    status: HookStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """What this rollout drives was taken from it, such as by a flag's kill switch: go back, if it is still going on."""

    id: CommandId
    rollout: RolloutId
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: look."""

    news: bool = False
    """Whether new windows came by themselves: then a rollout that is measured is looked at before its time."""


@dataclass(frozen=True, slots=True)
class ClaimEffect:
    """A worker is about to perform an effect that it did not open itself."""

    effect: EffectId


@dataclass(frozen=True, slots=True)
class WeightWasSet:
    """The router has the share that was wanted at `generation`; `share` is what it says now."""

    effect: EffectId
    generation: int
    share: Weight


@dataclass(frozen=True, slots=True)
class AudienceWasSet:
    """The router sends the marked requests that were wanted at `level`; `mark` is what it says now."""

    effect: EffectId
    level: int
    mark: RequestMark | None


@dataclass(frozen=True, slots=True)
class PreviewWasSet:
    """The site has, or no longer has, the swap with preview that was wanted at `level`; `preview` is what it says."""

    effect: EffectId
    level: int
    preview: Preview


@dataclass(frozen=True, slots=True)
class SwapWasBegun:
    """The platform is swapping; `token` watches it."""

    effect: EffectId
    generation: int
    token: str


@dataclass(frozen=True, slots=True)
class SwapNotNeeded:
    """Production was seen to serve the wanted version already."""

    effect: EffectId
    generation: int


@dataclass(frozen=True, slots=True)
class HookAnswered:
    """The other side of a hook took the call, or it is known that nobody can tell."""

    effect: EffectId
    token: str
    status: HookStatus


@dataclass(frozen=True, slots=True)
class TrafficWasPinned:
    """The target holds new versions back."""

    effect: EffectId
    says: str
    """What was changed for that; empty: nothing."""


@dataclass(frozen=True, slots=True)
class EffectDone:
    """The effect is done, or its purpose is gone, and there is nothing to learn from it."""

    effect: EffectId


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """The effect could not be done now."""

    effect: EffectId
    why: str
    retry_after: float | None = None
    """Seconds that the other side asked to be left alone."""
    for_good: bool = False
    """Whether the other side said that it will never do it."""
    in_doubt: bool = False
    """Whether no answer came, so that it may still be done later."""


@dataclass(frozen=True, slots=True)
class EffectWaits:
    """Nothing is wrong, but it cannot be done yet."""

    effect: EffectId
    why: str
    seconds: float
    """When to look again."""


EffectOutcome = (
    WeightWasSet
    | AudienceWasSet
    | PreviewWasSet
    | SwapWasBegun
    | SwapNotNeeded
    | HookAnswered
    | TrafficWasPinned
    | EffectDone
    | EffectFailed
    | EffectWaits
)
Accepted = Deploy | Steer | TellOfRelease | Override | Alert | HookReport | TakeBack
"""The facts that are kept in the inbox before anybody is told that they were accepted."""
Command = AcceptSpec | Accepted | Tick | ClaimEffect | EffectOutcome
