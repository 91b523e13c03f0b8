"""What a spec promises about the candidate: the guards and their tests."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Metric(StrEnum):
    """What can be guarded."""

    ERROR_RATE = "error-rate"
    """Failed requests of all requests, a fraction from 0 to 1."""
    LATENCY = "latency"
    """Average response time in milliseconds."""
    REQUESTS = "requests"
    """Requests a second."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The candidate's value must lie in [minimum, maximum]; at least one of them is set."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """The candidate's value must not exceed `maximum` times the stable's plus `slack`."""

    maximum: float
    slack: float = 0.0
    """In the metric's own unit: absorbs a stable value of (nearly) zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One measured promise."""

    name: str
    metric: Metric
    test: Threshold | Ratio
    over: timedelta
    """Windows are pooled over this time, at least one window long."""
    minimum_requests: int = 20
    """Below so many candidate requests (for a ratio: of each side) there is no verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardConfig:
    """How windows are cut and what is tested on them."""

    window: timedelta
    guards: tuple[Guard, ...]


def needs_stable(config: GuardConfig) -> bool:
    """Whether a guard compares with the stable version, so that a window without it cannot be judged."""
    return any(isinstance(guard.test, Ratio) for guard in config.guards)
