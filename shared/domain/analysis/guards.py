"""What a spec promises about the candidate: the guards, their tests, and how sure a judgement must be."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Metric(StrEnum):
    """What can be guarded."""

    ERROR_RATE = "error-rate"
    """Failed requests of all requests, a fraction from 0 to 1."""
    LATENCY = "latency"
    """Response time in milliseconds: by its histogram where the source has one, else its average."""
    REQUESTS = "requests"
    """Requests a second."""
    COUNTER = "counter"
    """A count of the team's own, of requests or of opportunities: conversions, declined payments."""
    GAUGE = "gauge"
    """A level of the team's own: memory, queue length, a score."""


class Worse(StrEnum):
    """Which way is bad."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The candidate's value must lie in [minimum, maximum]; at least one of them is set. A plain limit, no test."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """No worse than `maximum` times the stable's value plus `slack`, by a sequential test.

    Where less is worse the promise is: no less than the stable's value divided by `maximum`, less `slack`.
    """

    maximum: float = 1.25
    slack: float = 0.0005
    """In the metric's own unit: absorbs a stable value of (nearly) zero."""
    worse: Worse = Worse.HIGHER


@dataclass(frozen=True, slots=True)
class Tail:
    """No heavier tail of response times than stable's, at the histogram edges nearest to stable's own quantiles.

    At each quantile q the share of slower requests may be `maximum` times stable's plus `slack` times (1 - q).
    """

    quantiles: tuple[float, ...] = (0.95, 0.99, 0.999)
    maximum: float = 1.25
    slack: float = 0.05


@dataclass(frozen=True, slots=True)
class Slower:
    """No larger share of requests slower than `than_ms` than `maximum` times stable's plus `slack`."""

    than_ms: float
    maximum: float = 1.25
    slack: float = 0.0005


@dataclass(frozen=True, slots=True)
class Objective:
    """The candidate keeps a service level objective: at most `budget * burn` of its requests fail.

    `budget` is the share that may fail (0.001 for 99.9 %), `burn` how fast the budget may be used up.
    """

    budget: float
    burn: float = 1.0
    and_compared: bool = False
    """Whether only a candidate that is also worse than stable counts against it: then a shared outage does not."""


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """The candidate's share of the requests is the weight that was asked for. Never takes back: pauses and warns."""

    tolerance: float = 0.0
    """Relative deviation of the candidate's odds, on top of a twelfth, that is no concern: caches, health probes."""


Test = Threshold | Ratio | Tail | Slower | Objective | SampleRatio


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One measured promise."""

    name: str
    metric: Metric
    test: Test
    over: timedelta
    """For a plain limit: windows are pooled over this time, at least one window long. Tests remember by themselves."""
    minimum_requests: int = 20
    """For a plain limit: below so many candidate requests there is no verdict. Tests know by themselves."""
    of: str = ""
    """For a counter or a gauge: the name of the value."""
    critical: bool = False
    """Whether it gets three times the share of `alpha` that others get, so that it is the first to act."""
    notify_only: bool = False
    """Whether its verdict is shown and told, and decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardConfig:
    """How windows are cut, what is tested on them, and how sure a judgement must be. Times do not count windows."""

    window: timedelta
    guards: tuple[Guard, ...]
    alpha: float = 0.01
    """Chance that a healthy candidate is taken back, however long it is watched: what this target's share of it is."""
    beta: float = 0.1
    """Chance, a step, that a candidate beyond the risk budget is let on."""
    risk: float = 0.005
    """Risk budget: the share of all traffic that one may break by going on to the next weight."""
    warm_up: timedelta = timedelta(minutes=5)
    """How long after its first users a candidate may look cold (slow and failing together) without being taken back."""
    dwell: timedelta = timedelta(minutes=1)
    """How much time in whole windows a weight is watched for at least before it can be passed."""
    smallest: float | None = None
    """The smallest regression, as a multiple of stable's rate, that must have been visible before the first weight is
    passed; None: no such promise."""


def needs_stable(config: GuardConfig) -> bool:
    """Whether a guard compares with the stable version, so that a window without it cannot be judged."""
    return any(is_compared(guard) and not guard.notify_only for guard in config.guards)


def is_compared(guard: Guard) -> bool:
    """Whether the guard compares with the stable version."""
    match guard.test:
        case Ratio() | Tail() | Slower() | SampleRatio():
            return True
        case Objective() as objective:
            return objective.and_compared
        case Threshold():
            return False


def is_sequential(guard: Guard) -> bool:
    """Whether the guard rests on a test that may be looked at as often as one likes."""
    return not isinstance(guard.test, Threshold | SampleRatio)
