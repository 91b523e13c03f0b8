"""A release spec: what a team promises about the way its application is released."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.domain.analysis.guards import Guard
from shared.domain.experiments.experiment import Goal
from shared.domain.names import ApplicationName, RolloutId, TargetName, VariantName, Version
from shared.domain.rollout.audience import MarkedUsers
from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.hooks import HookCall
from shared.domain.rollout.measuring import Measuring
from shared.domain.rollout.weight import Weight


class TargetKind(StrEnum):
    """Where traffic can be divided."""

    APP_SERVICE_SLOT = "app-service-slot"
    CONTAINER_APP = "container-app"
    TRAFFIC_MANAGER = "traffic-manager"
    HTTP_ROUTE = "http-route"
    FEATURE_FLAG = "feature-flag"

    @property
    def swaps(self) -> bool:
        """Whether a promotion exchanges what two places serve. Elsewhere it sends everyone to the candidate's place."""
        return self is TargetKind.APP_SERVICE_SLOT

    @property
    def is_held(self) -> bool:
        """Whether a rollout keeps everybody else from writing what it moves here, until it lets go of it."""
        return self is TargetKind.FEATURE_FLAG

    @property
    def keeps_versions_apart(self) -> bool:
        """Whether each version has a place of its own, so that a newer one overwrites none."""
        return self in (TargetKind.CONTAINER_APP, TargetKind.FEATURE_FLAG)

    @property
    def may_follow_newest(self) -> bool:
        """Whether it may be set up to send everyone to a new version before that was announced here."""
        return self is TargetKind.CONTAINER_APP

    @property
    def holds_versions(self) -> bool:
        """Whether its places hold versions. A variant of a flag only stands for the one that it is rolled out as."""
        return self is not TargetKind.FEATURE_FLAG


class Place(StrEnum):
    """Where a version sits behind a target."""

    PRODUCTION = "production"
    """The place that serves everyone who is not sent elsewhere: where it is not fixed, the stable version's."""
    CANDIDATE = "candidate"
    """The place that a weight sends users to: a slot, a revision, an endpoint."""


class WhenBusy(StrEnum):
    """What a new deployment does while a rollout is live."""

    QUEUE = "queue"
    SUPERSEDE = "supersede"
    REJECT = "reject"


class Outcome(StrEnum):
    """What happens when a deadline passes. Nothing here advances."""

    ROLLBACK = "rollback"
    """Back to weight 0; the rollout ends `failed`."""
    PAUSE = "pause"
    """Hold and call a person."""


class AlertAction(StrEnum):
    """What a fired alert does to a live rollout."""

    ROLLBACK = "rollback"
    PAUSE = "pause"
    NOTE = "note"


class Topic(StrEnum):
    """What a team can be told of."""

    STARTED = "started"
    WAITING = "waiting"
    PAUSED = "paused"
    STUCK = "stuck"
    DRIFT = "drift"
    CONCERN = "concern"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    ABORTED = "aborted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionProbe:
    """How a user can read which version serves: one header or one JSON member of a page of the application."""

    path: str = "/version"
    header: str | None = None
    pointer: str | None = "/version"
    """A JSON pointer (RFC 6901) into the answer's body; used when `header` is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """What must answer, and how, before users are sent to a place."""

    path: str = "/healthz"
    statuses: tuple[int, ...] = (200,)
    more_paths: tuple[str, ...] = ()
    """What must answer as well as `path`."""
    within: timedelta | None = None
    """How long an answer may take; None: as long as a look may."""
    passes: int = 1
    """How many looks in a row must find it well before the first user comes."""
    every: timedelta = timedelta(seconds=5)
    """How long after one look the next one is."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything that must answer."""
        return (self.path, *self.more_paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPlace:
    """A place that the spec names: an endpoint of a profile, a backend of a route."""

    name: str
    host: str = ""
    """Where it can be asked for its version, past the division of traffic; empty where the target tells that itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Which places behind a target hold the two versions: found at preflight, the same for the whole rollout."""

    stable: str
    candidate: str
    settles: timedelta = timedelta(0)
    """How long clients may take to follow a change of weight, such as the life of a DNS answer."""
    pins: timedelta = timedelta(0)
    """How long clients may stay with a place that gets no share any more, such as by a cookie."""
    says: str = ""
    """What was changed or assumed to find them, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """The rollout that a target is read and moved for."""

    rollout: RolloutId
    version: Version
    returns: bool
    """Whether it brings back the version before the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place where the application's traffic is divided."""

    name: TargetName
    kind: TargetKind
    resource: str
    """The Azure resource id; of an HTTPRoute the URL of the object in the Kubernetes API; of a flag its split."""
    slot: str = ""
    """The slot that CI deploys candidates to, of a site."""
    places: tuple[NamedPlace, ...] = ()
    """The two places that take turns, where the target has more than that: endpoints, backends."""
    converts: bool = False
    """Whether what is not set up for two versions may be made so at preflight."""
    variant: VariantName | None = None
    """Of a flag: the variant that is rolled out; None: the version that is deployed names it."""
    swap_with_preview: bool = False
    """Whether the slot runs with production's settings, and is seen well with them, before it is swapped."""
    region: str = ""
    wave: int = 1
    version: VersionProbe = VersionProbe()
    health: HealthCheck = HealthCheck()
    located: Located | None = None
    """Where a rollout found the versions; None in a spec."""
    mover: Mover | None = None
    """None in a spec."""

    @property
    def is_mutable(self) -> bool:
        """Whether CI can overwrite the candidate's place while a rollout is live."""
        return self.kind is TargetKind.APP_SERVICE_SLOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Bake:
    """How long a step gathers evidence."""

    minimum: timedelta
    """Not judged healthy before."""
    maximum: timedelta
    """When no verdict came by then, `otherwise` happens."""
    otherwise: Outcome = Outcome.ROLLBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A wait for a person's approval."""

    name: str
    timeout: timedelta
    otherwise: Outcome = Outcome.ROLLBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryStep:
    """One weight and its bake; a gate, where there is one, comes before the weight."""

    weight: Weight
    bake: Bake
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """Weights on the way back, so that the stable version does not get everyone at once."""

    weights: tuple[Weight, ...]
    """Falling; those that are not below the present weight are left out, and 0 follows the last."""
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Rising weights, each judged, then promotion."""

    steps: tuple[CanaryStep, ...]
    promotion_bake: Bake
    promotion_gate: Gate | None = None
    descent: Descent | None = None
    """How users are taken back; None: at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueGreen:
    """Everyone is switched at once, after the candidate was seen to be well, and back in one hop."""

    bake: Bake
    """How long the candidate is judged after the switch."""
    preview_bake: Bake | None = None
    """How long it is judged before the switch, on what testers send it; None: not at all."""
    preview_gate: Gate | None = None
    """A wait before the switch."""


class Promotes(StrEnum):
    """Who promotes what won an experiment."""

    BY_HAND = "by-hand"
    WINNER = "winner"
    """The rule: the candidate is promoted when it won, and taken back in every other case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentEnds:
    """When an experiment is over, whichever comes first."""

    after: timedelta
    requests: int | None = None
    """So many requests of both arms together."""
    when_decided: bool = False
    """As soon as one arm has won."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbTest:
    """Both versions side by side at a share that stays, until an experiment says which one is better."""

    weight: Weight
    """The candidate's share of the users; beside an audience, of those who do not belong to it."""
    goal: Goal
    ends: ExperimentEnds
    promotion_bake: Bake
    promotes: Promotes = Promotes.BY_HAND
    audience: MarkedUsers | None = None


Strategy = Canary | BlueGreen | AbTest


class Stage(StrEnum):
    """When a hook is called."""

    EXPAND = "expand"
    """Before everything else: a database gets what the new version needs, and keeps what the old one needs."""
    BEFORE_ROLLOUT = "before-rollout"
    """Before the first user meets the candidate."""
    BEFORE_INCREASE = "before-increase"
    """Before each weight, and before the promotion."""
    BEFORE_PROMOTION = "before-promotion"
    AFTER_PROMOTION = "after-promotion"
    """When the rollout has succeeded. What it comes to changes nothing about that."""
    ON_ROLLBACK = "on-rollback"
    """When a rollout that did anything is back at weight 0. What it comes to changes nothing about that."""
    CONTRACT = "contract"
    """When the old version is gone and is not kept warm any more: a database loses what only it needed."""


IN_PLAN = (Stage.EXPAND, Stage.BEFORE_ROLLOUT, Stage.BEFORE_INCREASE, Stage.BEFORE_PROMOTION)
"""The stages whose hooks a rollout waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A call to the outside that a rollout makes at a stage."""

    name: str
    at: Stage
    call: HookCall
    timeout: timedelta = timedelta(minutes=10)
    """How long it may take, all attempts together."""
    otherwise: Outcome = Outcome.ROLLBACK
    """What happens when it fails or takes too long, where the rollout waits for it."""
    no_return: bool = False
    """Whether the version before cannot serve any more after this: then alarms freeze, and take nothing back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a rollout may go without progress."""

    preflight: timedelta = timedelta(minutes=10)
    """For the candidate's place to serve the version, healthy. Ends `failed`."""
    progress: timedelta = timedelta(hours=1)
    """Between one passed step and the next."""
    otherwise: Outcome = Outcome.ROLLBACK


class LowTraffic(StrEnum):
    """What happens when a bake is over and there were too few requests for a verdict. Nothing here advances."""

    HOLD = "hold"
    """Stay at this weight, tell people once, and go on judging."""
    EXTEND = "extend"
    """Give the bake its longest time again, three times at most; then hold."""
    BIGGER_FIRST_STEP = "bigger-first-step"
    """Begin with the least weight that gets 30 requests in the least dwell, by the traffic before the rollout; hold."""
    ASK = "ask"
    """Pause and call a person."""


HOLD_BACK = Weight(5_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How sure a judgement must be."""

    alpha: float = 0.01
    """Chance that a healthy candidate is taken back, in the whole rollout and all retries of its version together."""
    risk: float = 0.005
    """The share of all traffic that one may break by going on to the next weight."""
    warm_up: timedelta = timedelta(minutes=5)
    """How long after its first users a candidate may look cold without being taken back."""
    low_traffic: LowTraffic = LowTraffic.HOLD
    hold_back: Weight = HOLD_BACK
    """The share that stays with the stable version while the promoted one bakes, where the target can; 0: none."""
    smallest_regression: float | None = None
    """The smallest regression to see, as a multiple of stable's rate: 2.0 for twice as many errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A webhook that is told of some topics."""

    name: str
    url: str
    topics: tuple[Topic, ...]
    secret_setting: str | None = None
    """The name of the app setting with the key that signs the body; never the key itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Everything that a team says about releasing one application."""

    application: ApplicationName
    targets: tuple[Target, ...]
    strategy: Strategy
    measuring: Measuring
    guards: tuple[Guard, ...]
    when_busy: WhenBusy
    on_alert: AlertAction
    deadlines: Deadlines
    notifications: tuple[Notification, ...] = ()
    judging: Judging = Judging()
    hooks: tuple[Hook, ...] = ()
    keep_warm: timedelta = timedelta(hours=1)
    """How long after a promotion the version before is ready to take everyone back in one hop."""
    calendar: tuple[ReleaseWindow, ...] = ()
    """When a rollout may begin and go on; taking users back never waits."""
    alert_resources: tuple[str, ...] = ()
    """Resources beside the targets' whose alerts are about this application too, such as what serves its users."""

    def target(self, name: TargetName) -> Target:
        """Return the target with this name. Raises KeyError when there is none."""
        for target in self.targets:
            if target.name == name:
                return target
        raise KeyError(name)
