"""What happened. Every event says when; the recorded ones make up the history that people read."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from shared.domain.analysis.judgement import Judgement
from shared.domain.analysis.measurement import Sample
from shared.domain.analysis.parts import Baseline
from shared.domain.analysis.sequence import AnalysisState
from shared.domain.experiments.experiment import Arm
from shared.domain.experiments.experiment import Ended as ExperimentOver
from shared.domain.experiments.totals import Totals
from shared.domain.names import CommandId, EffectId, ReleaseId, RolloutId, TargetName, Version
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.calendar import ReleaseAction
from shared.domain.rollout.hooks import HookStatus
from shared.domain.rollout.membership import Membership
from shared.domain.rollout.membership import Stage as ReleaseStage
from shared.domain.rollout.plan import Step
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Located, Notification, Spec, Stage, Topic
from shared.domain.rollout.state import Ending, HookRun, Side
from shared.domain.rollout.weight import Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecAccepted:
    at: datetime
    spec: Spec
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPinned:
    """Whether a target holds a new version back before it is announced."""

    at: datetime
    target: TargetName
    pinned: bool
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentAccepted:
    """A rollout exists and waits its turn."""

    at: datetime
    rollout: RolloutId
    version: Version
    source: str
    origin: RolloutId | None = None
    returns: bool = False
    despite_freeze: bool = False
    membership: Membership | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused:
    """A command that had been accepted could not be done when its turn came."""

    at: datetime
    rollout: RolloutId | None
    command: CommandId
    action: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRefused:
    """A deployment that had been accepted could not be queued or begun when its turn came."""

    at: datetime
    rollout: RolloutId
    version: Version
    source: str
    reason: str
    membership: Membership | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStarted:
    at: datetime
    rollout: RolloutId
    spec: Spec
    plan: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightPassed:
    """The candidate's places serve the candidate, healthy; what production serves is the stable version."""

    at: datetime
    rollout: RolloutId
    stable: tuple[tuple[TargetName, Version], ...]
    baselines: tuple[tuple[TargetName, Sample], ...] = ()
    """What histories from before `learned` was kept say of the stable version's users shortly before."""
    learned: tuple[tuple[TargetName, Baseline], ...] = ()
    """What the time before says of the stable version, and how many minutes of it there were."""
    plan: tuple[Step, ...] = ()
    """The plan in force from here on, where that time, or the smallest regression to see, changed it."""
    attempt: int = 1
    """The how manieth rollout of this version it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntered:
    at: datetime
    rollout: RolloutId
    step: int
    because: str
    by: str = ""
    """Who asked for it, where a person did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightObserved:
    """The router was seen to do what was wanted."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    share: Weight
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceObserved:
    """The router was seen to send the marked requests that were wanted; None: none any more."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    mark: RequestMark | None
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewObserved:
    """The site was seen to have the swap with preview that was wanted, or none any more."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    preview: Preview
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewMoved:
    """Somebody else began or ended a swap with preview; it is being put right."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    found: Preview
    wanted: Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceMoved:
    """Somebody else changed which marked requests go to the candidate; it is being put right."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    found: RequestMark | None
    wanted: RequestMark | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeStarted:
    at: datetime
    rollout: RolloutId
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetJudged:
    """A window entered the evidence. Kept in the state; history gets what is decided on it."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    analysis: AnalysisState
    judgement: Judgement
    totals: Totals | None = None
    """What an experiment has counted here by now; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentEnded:
    """An experiment is over: nothing is counted any more, and its report stands."""

    at: datetime
    rollout: RolloutId
    step: int
    because: ExperimentOver
    winner: Arm | None
    says: str
    """The report in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPassed:
    """Every target was judged healthy: the next weight is proven."""

    at: datetime
    rollout: RolloutId
    step: int
    proven: Weight
    judgements: tuple[tuple[TargetName, Judgement], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeExtended:
    """The longest bake was over and there were too few requests for a verdict: it goes on at this weight."""

    at: datetime
    rollout: RolloutId
    step: int
    until: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernRaised:
    """A guard that only notifies found the candidate degraded; told once for each target and guard."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    guard: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeSkipped:
    """A person vouches for the promoted version: its bake is over without a verdict."""

    at: datetime
    rollout: RolloutId
    step: int
    because: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldBackEnded:
    """The users who were kept on the stable version beside the promoted one are let go."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookBegun:
    """A hook is to be called, under this id, however often it takes."""

    at: datetime
    rollout: RolloutId
    run: HookRun


@dataclass(frozen=True, slots=True, kw_only=True)
class HookEnded:
    """What a hook came to."""

    at: datetime
    rollout: RolloutId
    call_id: str
    hook: str
    stage: Stage
    status: HookStatus
    by: str = ""
    """Who said so, where a person did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookHeard:
    """Something was learnt of a call that goes on: the other side has it, is so far, or may have it."""

    at: datetime
    call_id: str
    status: HookStatus
    token: str | None = None
    in_doubt_since: datetime | None = None
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmthEnded:
    """The version before the last rollout is not kept to take everyone back any more."""

    at: datetime
    rollout: RolloutId
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmOverwritten:
    """The place of the version that was kept to take everyone back was seen to serve another one."""

    at: datetime
    rollout: RolloutId
    """The one that looked."""
    target: TargetName
    version: Version
    """The one that was kept."""
    found: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHeard:
    """The release of several applications said how far the way is open."""

    at: datetime
    rollout: RolloutId
    opened: ReleaseStage


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTold:
    """These webhooks are told what became of the release."""

    at: datetime
    member: RolloutId
    topic: Topic
    text: str
    notifications: tuple[Notification, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionHeld:
    """The candidate was judged healthy in production; the release keeps the rollout from its end."""

    at: datetime
    rollout: RolloutId
    release: ReleaseId
    judgements: tuple[tuple[TargetName, Judgement], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTakenBack:
    """The release asked to take the version back, and that cannot be done by itself: a person should look."""

    at: datetime
    rollout: RolloutId
    membership: Membership
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateApproved:
    at: datetime
    rollout: RolloutId
    gate: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPaused:
    at: datetime
    rollout: RolloutId
    by: str
    reason: str
    remind_at: datetime
    restarts: bool = False
    concern: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutHeld:
    """It could go on, and waits for a release window."""

    at: datetime
    rollout: RolloutId
    why: str
    until: datetime | None
    """When it is allowed again; None: at no time within a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSkipped:
    """A person has it do what a release window holds, once."""

    at: datetime
    rollout: RolloutId
    action: ReleaseAction
    because: str
    """Who said so and why, and against which window."""
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseReminded:
    at: datetime
    rollout: RolloutId
    remind_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutResumed:
    at: datetime
    rollout: RolloutId
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapBegun:
    at: datetime
    rollout: RolloutId
    target: TargetName
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapFailed:
    at: datetime
    rollout: RolloutId
    target: TargetName
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SideVerified:
    """Production was read, as a user could, and serves this side's version."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    side: Side
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackBegun:
    at: datetime
    rollout: RolloutId
    ending: Ending
    by: str = ""
    judgements: tuple[tuple[TargetName, Judgement], ...] = ()
    at_once: bool = False
    """Whether nobody may be sent to the candidate's place any more, however the spec takes users back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descended:
    """The next weight of a gradual way back is asked for."""

    at: datetime
    rollout: RolloutId
    weight: Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroReached:
    """No router sends users to the candidate and production serves the stable version: what is left is to be sure."""

    at: datetime
    rollout: RolloutId


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEnded:
    at: datetime
    rollout: RolloutId
    ending: Ending
    pinned_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedCounted:
    """How many requests users pinned by a routing cookie still sent to the candidate's place after the end."""

    at: datetime
    rollout: RolloutId
    requests: float | None
    """In the first whole window after the end, all targets together; None when it could not be read."""
    window_seconds: float
    pinned_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedPutOff:
    """The window to count has not been seen yet."""

    at: datetime
    look_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFound:
    """Somebody else moved the weight, the candidate's share of users; it is being put right."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    found: Weight
    wanted: Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateReplaced:
    """The place that held the candidate serves something else."""

    at: datetime
    rollout: RolloutId
    target: TargetName
    found: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReceived:
    at: datetime
    rollout: RolloutId | None
    rule: str
    severity: str
    resource: str
    fired: bool
    description: str
    effect: str
    """What was done about it, in words."""
    occurred: datetime | None = None
    """When it fired or was resolved, by its source's clock; None in histories from before this was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFrozen:
    at: datetime
    by: str
    reason: str
    remind_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeReminded:
    at: datetime
    remind_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationUnfrozen:
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckFlagged:
    """It does not go on by itself, though it keeps trying: a person should look."""

    at: datetime
    rollout: RolloutId
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckCleared:
    at: datetime
    rollout: RolloutId


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationDropped:
    """A webhook did not take the message, often enough."""

    at: datetime
    rollout: RolloutId | None
    notification: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """There was nothing to decide; look again then. `why` says what is being waited for."""

    at: datetime
    rollout: RolloutId
    look_at: datetime
    why: str | None = None
    production: tuple[tuple[TargetName, Version], ...] = ()
    """Which versions preflight saw in production."""
    ready: bool = False
    """Whether preflight found nothing in the way, and goes on to what was measured before."""
    checked: bool = False
    """Whether versions and shares were looked at, and not only windows that came by themselves."""
    located: tuple[tuple[TargetName, Located], ...] = ()
    """Where preflight found the versions."""
    passes: tuple[tuple[TargetName, int], ...] = ()
    """How many looks of preflight in a row found nothing in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectBegun:
    at: datetime
    effect: EffectId


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectPutOff:
    at: datetime
    effect: EffectId
    due: datetime
    why: str
    failed: bool = True
    """Whether this was an attempt that failed, and not one that could not be made yet."""
    in_doubt: bool = False
    """Whether the call that was made may still land."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectClosed:
    at: datetime
    effect: EffectId


Silent = (
    TargetJudged
    | Looked
    | HookHeard
    | ReleaseHeard
    | ReleaseTold
    | PinnedPutOff
    | EffectBegun
    | EffectPutOff
    | EffectClosed
)
"""Events that move the state and leave no line in the history."""
SILENT: tuple[type, ...] = get_args(Silent)

Recorded = (
    SpecAccepted
    | TargetPinned
    | DeploymentAccepted
    | CommandRefused
    | DeploymentRefused
    | RolloutStarted
    | PreflightPassed
    | StepEntered
    | WeightObserved
    | AudienceObserved
    | AudienceMoved
    | PreviewObserved
    | PreviewMoved
    | BakeStarted
    | ExperimentEnded
    | StepPassed
    | BakeExtended
    | ConcernRaised
    | BakeSkipped
    | HoldBackEnded
    | HookBegun
    | HookEnded
    | WarmthEnded
    | WarmOverwritten
    | PromotionHeld
    | NotTakenBack
    | GateApproved
    | RolloutPaused
    | RolloutHeld
    | WindowSkipped
    | PauseReminded
    | RolloutResumed
    | SwapBegun
    | SwapFailed
    | SideVerified
    | RollbackBegun
    | Descended
    | ZeroReached
    | RolloutEnded
    | PinnedCounted
    | DriftFound
    | CandidateReplaced
    | AlertReceived
    | ApplicationFrozen
    | FreezeReminded
    | ApplicationUnfrozen
    | StuckFlagged
    | StuckCleared
    | NotificationDropped
)
Event = Recorded | Silent
