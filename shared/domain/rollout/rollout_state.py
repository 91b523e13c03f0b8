"""The release of one candidate: what was decided, what it waits for, and until when."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.analysis.judgement import Verdict
from shared.domain.experiments.experiment import Ended as ExperimentOver
from shared.domain.names import ApplicationName, RolloutId, TargetName, Version
from shared.domain.rollout.calendar import ReleaseAction
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.membership import Member
from shared.domain.rollout.phases import Doing, Phase, Side
from shared.domain.rollout.plan import AwaitRelease, Step, acts
from shared.domain.rollout.spec import Hook, Mover, Spec, Target
from shared.domain.rollout.target_state import TargetState
from shared.domain.rollout.weight import NONE, Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A hold on advancing."""

    reason: str
    by: str
    since: datetime
    remind_at: datetime
    restarts: bool = False
    """Whether resuming begins the step's clocks anew: they had run out."""
    concern: bool = False
    """Whether it was for a judgement's concern, which a person accepts by resuming."""


RUNNING = HookStatus(HookState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """One call of a hook: made at least once under its id, and over once."""

    hook: Hook
    call_id: str
    rollout: RolloutId
    version: Version
    step: int
    since: datetime
    deadline: datetime
    status: HookStatus = RUNNING
    token: str | None = None
    """What the call is found by; None until the other side took it."""
    in_doubt_since: datetime | None = None
    """When the first attempt began of which it is not known whether it reached the other side."""
    look_at: datetime | None = None
    failed_attempts: int = 0
    """How many attempts to call it were not understood, were put off by the other side, or were never answered."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be done about it."""
        return self.status.state is not HookState.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Where rolling back leads, and why."""

    phase: Phase
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The release of one candidate."""

    id: RolloutId
    application: ApplicationName
    version: Version
    requested: datetime
    source: str = ""
    origin: RolloutId | None = None
    """The rollout that this one retries or takes back."""
    returns: bool = False
    """Whether this one brings back the version before: it promotes without a canary."""
    despite_freeze: bool = False
    """Whether a freeze does not hold it: a person, or a release, asked to take everyone back."""
    attempt: int = 1
    """How many rollouts of this version, this one included, have passed their preflight: each retry spends alpha."""
    phase: Phase = Phase.PENDING
    doing: Doing = Doing.QUEUING
    spec: Spec | None = None
    """The spec in force when the rollout started; None while it is pending."""
    plan: tuple[Step, ...] = ()
    step: int = -1
    targets: tuple[TargetState, ...] = ()
    started: datetime | None = None
    ended: datetime | None = None
    reason: str = ""
    baking_since: datetime | None = None
    bake_until: datetime | None = None
    """Until when the bake goes on beyond its longest time, for want of requests."""
    extensions: int = 0
    """How often the bake of this step was extended."""
    lacked_at: datetime | None = None
    """When nothing but a lack of requests was last seen to keep this step from a verdict."""
    deadline: datetime | None = None
    """By when there must be progress."""
    gate_deadline: datetime | None = None
    approved: bool = False
    """Whether the gate that is waited at was approved: the next look goes on."""
    experiment_over: ExperimentOver | None = None
    """Why the plan's experiment is over; None while it is not."""
    hook: HookRun | None = None
    """The hook that this step waits for."""
    member: Member | None = None
    """Its part in a release of several applications."""
    no_return: str = ""
    """The hook after which the version before cannot serve any more; empty while there was none."""
    held_since: datetime | None = None
    """Since when the step clocks stand still, because of a pause or a freeze."""
    held_by: str = ""
    """Why a release window holds it, or held it last in this step; empty while none did."""
    opens_at: datetime | None = None
    """When that window lets it go on."""
    is_shut: bool = False
    """Whether no window lets it go on within a year: time does not open one, so a person or another spec has to."""
    despite_window: ReleaseAction | None = None
    """What it may do next against the calendar, because a person says so."""
    paused: Pause | None = None
    paused_in: Phase | None = None
    ending: Ending | None = None
    look_at: datetime | None = None
    """When there will be something new to see."""
    is_ready: bool = False
    """Whether the last look of preflight saw nothing in the way: what was measured before is read next."""
    checked_at: datetime | None = None
    """When versions and shares were last looked at, where users meet the candidate."""
    descend_at: datetime | None = None
    """When the next weight of a gradual way back is due; None: where it goes back at once, or is at its last."""
    settle_at: datetime | None = None
    """Until when a call begun by a worker that was not heard of again may still land."""
    stuck: str | None = None
    pinned_until: datetime | None = None
    """Until when users that were sent to the candidate's place may still be pinned there."""
    pinned_requests: float | None = None
    """How many requests pinned users still sent there in the first whole window after the end; None: not counted."""
    first_sequence: int = 0
    last_sequence: int = 0

    @property
    def weight(self) -> Weight:
        """The least wanted weight of the targets."""
        return min((target.wanted for target in self.targets), default=NONE)

    @property
    def is_exposed(self) -> bool:
        """Whether users may meet the candidate anywhere."""
        return any(target.is_exposed for target in self.targets)

    @property
    def lacks_traffic(self) -> bool:
        """Whether nothing but a lack of requests keeps the targets from a verdict."""
        judgements = [target.judgement for target in self.targets]
        undecided = [each for each in judgements if each is None or each.verdict is not Verdict.HEALTHY]
        return bool(undecided) and all(
            each is not None and each.lacks_traffic and each.concern is None for each in undecided
        )

    @property
    def holds_back(self) -> bool:
        """Whether some users are to stay with the stable version beside the promoted one."""
        return any(target.holds_back for target in self.targets)

    @property
    def has_acted(self) -> bool:
        """Whether its plan has moved traffic, prepared a swap or called a hook, so that there is something to undo."""
        return any(acts(step) for step in self.plan[: self.step + 1])

    @property
    def has_begun_promotion(self) -> bool:
        """Whether a swap may have been asked for, or everyone may have been sent to the candidate's place."""
        return any(target.swap_begun or (target.side is Side.CANDIDATE and not target.swaps) for target in self.targets)

    @property
    def is_let_on(self) -> bool:
        """Whether the release has opened the stage that this one waits before."""
        step = self.plan[self.step] if self.step >= 0 else None
        return isinstance(step, AwaitRelease) and (self.member is None or self.member.opened >= step.stage)

    @property
    def has_begun_swap(self) -> bool:
        """Whether a swap may have been asked for."""
        return any(target.swap_begun for target in self.targets)

    @property
    def settles(self) -> timedelta:
        """How long clients may take to follow a change of weight, at the slowest target."""
        return max((t.located.settles for t in self.targets if t.located is not None), default=timedelta(0))

    def at(self, name: TargetName) -> Target:
        """Return the spec's target as this rollout's, with the places where it found the versions. Raises KeyError."""
        assert self.spec is not None
        state = self.target(name)
        mover = Mover(rollout=self.id, version=self.version, returns=self.returns)
        return replace(self.spec.target(name), located=state.located if state else None, mover=mover)

    def target(self, name: TargetName) -> TargetState | None:
        """Return the target's state, or None."""
        return next((target for target in self.targets if target.name == name), None)
