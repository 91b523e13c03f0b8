"""The aggregate of one application: what is known, wanted and under way."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.analysis.judgement import Judgement, Verdict
from shared.domain.analysis.sequence import AnalysisState
from shared.domain.experiments.experiment import Ended as ExperimentOver
from shared.domain.experiments.totals import Totals
from shared.domain.names import ApplicationName, EffectId, RolloutId, TargetName, Version
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.effects import Effect, SetWeight
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.membership import Member
from shared.domain.rollout.plan import AwaitRelease, Step
from shared.domain.rollout.spec import Hook, Located, Spec, Target
from shared.domain.rollout.weight import ALL, NONE, Weight, rest


class Phase(StrEnum):
    """Where a rollout is in its life."""

    PENDING = "pending"
    PROGRESSING = "progressing"
    WAITING = "waiting"
    PAUSED = "paused"
    PROMOTING = "promoting"
    ROLLING_BACK = "rolling-back"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    ABORTED = "aborted"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will ever happen in this phase."""
        return self in TERMINAL


RUNNING = HookStatus(HookState.RUNNING)
TERMINAL = frozenset({Phase.SUCCEEDED, Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED})


class Doing(StrEnum):
    """What a rollout is busy with inside its phase."""

    QUEUING = "waiting its turn"
    PREFLIGHT = "preflight"
    PREPARING = "putting production's settings on the slot"
    SHIFTING = "shifting traffic"
    BAKING = "baking"
    AWAITING_APPROVAL = "awaiting approval"
    DECIDING = "awaiting a decision"
    RUNNING_HOOK = "running a hook"
    AWAITING_RELEASE = "awaiting the release"
    SWAPPING = "swapping"
    CLEARING = "clearing the traffic rule"
    RELEASING = "ending the promotion"
    ZEROING = "taking traffic back"
    SWAPPING_BACK = "swapping back"
    SETTLING = "letting begun calls end"
    NOTHING = "nothing"


class Side(StrEnum):
    """Which version the production place serves."""

    STABLE = "stable"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """One target of a rollout: what should be there and what was seen there."""

    name: TargetName
    swaps: bool = True
    """Whether a promotion exchanges what two places serve; else the candidate stays where it is and gets everyone."""
    located: Located | None = None
    """Which places hold the two versions, where that is not fixed; None until preflight found them."""
    wanted: Weight = NONE
    """The candidate's share that was decided."""
    previews: bool = False
    """Whether testers meet the candidate at its own place, while nobody is sent there."""
    proven: Weight = NONE
    """The highest share that the judgements so far allow."""
    observed: Weight | None = None
    """The candidate's share last seen at the router; None until it was read."""
    generation: int = 0
    """Rises with every new level, so that an effect of an older one is known to be late."""
    reached: int = -1
    """The newest generation that the router was seen to follow."""
    audience: RequestMark | None = None
    """Which marked requests are to go to the candidate, whatever its share."""
    audience_level: int = 0
    """Rises with every new audience, as the generation does with every new weight."""
    audience_reached: int = 0
    """The newest level that the router was seen to follow."""
    prepares: bool = False
    """Whether the candidate's place is to hold production's settings, before it is swapped."""
    preparing_level: int = 0
    """Rises each time that this changes, or somebody else changed it."""
    preparing_reached: int = 0
    """The newest level that the site was seen to follow."""
    totals: Totals | None = None
    """What an experiment has counted here; None where none was begun."""
    side: Side = Side.STABLE
    """What production was last seen to serve. Where nothing is swapped: whether the candidate was promoted."""
    wanted_side: Side = Side.STABLE
    swap_begun: bool = False
    """Whether a swap may have been asked for and production has not been seen to serve the stable version since."""
    swap_token: str | None = None
    stable_version: Version | None = None
    passes: int = 0
    """How many looks of preflight in a row found nothing in the way here."""
    in_production: Version | None = None
    """What the last look of preflight saw production serve, whoever brought it there; None until it was seen."""
    candidate_since: datetime | None = None
    """Since when the candidate, and the users who meet it, are known to be at the place where it is measured."""
    analysis: AnalysisState = field(default_factory=AnalysisState)
    judgement: Judgement | None = None
    concern_accepted: bool = False
    """Whether a person resumed after a pause for this target's concern: it holds nothing up until the next step."""
    warned: tuple[str, ...] = ()
    """The guards that only notify and of which people were told already."""

    def share(self) -> Weight:
        """Return what the router must send to the candidate place for the wanted level.

        While production holds the candidate, the candidate place holds the old version: only those who are held back
        are sent there. While production gives the candidate back, that place may come to hold the version that hurts:
        nobody is sent there. Where nothing is swapped the candidate's place holds the candidate, whatever happens.
        """
        if not self.swaps:
            return self.wanted
        if self.side is Side.STABLE:
            return self.wanted
        return rest(self.wanted) if self.wanted_side is Side.CANDIDATE else NONE

    def seen(self, share: Weight) -> Weight:
        """Return the candidate version's share of users when the router sends `share` to the candidate place."""
        return rest(share) if self.swaps and self.side is Side.CANDIDATE else share

    @property
    def has_concern(self) -> bool:
        """Whether the judgement asks a person to look."""
        return self.judgement is not None and self.judgement.concern is not None

    @property
    def holds_back(self) -> bool:
        """Whether the candidate is promoted, and some users are to stay with the stable version beside it."""
        return self.side is Side.CANDIDATE and self.wanted_side is Side.CANDIDATE and self.wanted < ALL

    @property
    def is_settled(self) -> bool:
        """Whether the target is as wanted, as far as was seen."""
        has_audience = self.audience_reached == self.audience_level
        is_at_rest = has_audience and self.has_preview_as_wanted
        return self.reached == self.generation and is_at_rest and self.side is self.wanted_side

    @property
    def had_audience(self) -> bool:
        """Whether a router was ever told of an audience here."""
        return self.audience_level > 0

    @property
    def has_preview_as_wanted(self) -> bool:
        """Whether a swap with preview is pending, or none, as is wanted and as far as was seen."""
        return self.preparing_reached == self.preparing_level

    @property
    def was_prepared(self) -> bool:
        """Whether a swap with preview was ever asked for here."""
        return self.preparing_level > 0

    @property
    def is_back(self) -> bool:
        """Whether no user is sent to the candidate, as far as was seen, and no swap is in doubt."""
        return self.is_settled and self.observed == NONE and not self.swap_begun

    @property
    def is_exposed(self) -> bool:
        """Whether users may meet the candidate here."""
        met = self.wanted > NONE or self.observed not in (None, NONE) or self.side is Side.CANDIDATE
        return met or self.previews or self.audience is not None


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
        """Return the spec's target, with the places where this rollout found the versions. Raises KeyError."""
        assert self.spec is not None
        state = self.target(name)
        return replace(self.spec.target(name), located=state.located if state else None)

    def target(self, name: TargetName) -> TargetState | None:
        """Return the target's state, or None."""
        return next((target for target in self.targets if target.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEffect:
    """An outbox row that is not closed yet, as the rules see it."""

    id: EffectId
    effect: Effect
    begun: datetime | None
    """When a worker last began it; None once that worker said that it failed."""
    due: datetime
    attempt: int = 0


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
class Serving:
    """What the history says that production serves."""

    version: Version
    rollout: RolloutId


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How many rollouts of a version have passed their preflight."""

    version: Version
    times: int


REMEMBERED_VERSIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """All that is decided about one application, loaded and committed as one."""

    name: ApplicationName
    spec: Spec | None = None
    spec_revision: int = 0
    sequence: int = 0
    """How many events were recorded so far; the sequence number of the newest."""
    effects_made: int = 0
    effects: tuple[OpenEffect, ...] = ()
    frozen: Freeze | None = None
    live: Rollout | None = None
    pending: Rollout | None = None
    last: Ended | None = None
    serving: Serving | None = None
    tried: tuple[Tried, ...] = ()
    """The versions that were tried last, the newest last; at most `REMEMBERED_VERSIONS`."""
    production_since: datetime | None = None
    """When production was last seen to have changed hands by a swap of ours: what was measured there before is not
    about the version that it serves now."""
    aftercare: Aftercare | None = None
    """Cut short by the next rollout."""
    warm: Warm | None = None
    """The version before, while it is kept to take everyone back in one hop."""
    duties: tuple[HookRun, ...] = ()
    """Hooks that are called after a rollout has ended. They outlive the next one."""
    over: tuple[Rollout, ...] = ()
    """Rollouts that ended and still have a duty: what comes of it belongs to their history."""

    @property
    def brings_back_warm(self) -> bool:
        """Whether a rollout brings the version that is kept warm: until that has ended it loses nothing it needs."""
        comes = (rollout.version for rollout in (self.live, self.pending) if rollout is not None)
        return self.warm is not None and self.warm.version in comes

    @property
    def watched(self) -> Rollout | None:
        """The rollout whose targets are looked at now: the live one, or the last one until its aftercare is over."""
        return self.live or (self.aftercare.rollout if self.aftercare else None)

    @property
    def spec_in_force(self) -> Spec | None:
        """The spec by which targets are to be read now, with the places that were found."""
        watched = self.watched
        if watched is None or watched.spec is None:
            return None
        return replace(watched.spec, targets=tuple(watched.at(target.name) for target in watched.spec.targets))

    def attempts(self, version: Version) -> int:
        """Return how many rollouts of a version have passed their preflight, as far as that is remembered."""
        return next((tried.times for tried in self.tried if tried.version == version), 0)

    def call(self, call_id: str) -> HookRun | None:
        """Return the hook's call with this id, if it is not over."""
        in_plan = (self.live.hook,) if self.live is not None and self.live.hook is not None else ()
        return next((run for run in (*in_plan, *self.duties) if run.call_id == call_id), None)

    def rollout(self, rollout_id: RolloutId) -> Rollout | None:
        """Return the live or pending rollout with this id, or None."""
        return next((r for r in (self.live, self.pending) if r is not None and r.id == rollout_id), None)

    def is_being_set(self, rollout: RolloutId, target: TargetName) -> bool:
        """Whether the target's router is being told already what is wanted."""
        return any(row.effect == SetWeight(rollout, target) for row in self.effects)

    def open_effect(self, effect_id: EffectId) -> OpenEffect | None:
        """Return the open effect with this id, or None."""
        return next((effect for effect in self.effects if effect.id == effect_id), None)
