"""How sure a judgement must be: the one place where a spec's chance of a wrong rollback is divided."""

from dataclasses import replace

from shared.domain.analysis.guards import Guard, GuardConfig, Metric, Objective, SampleRatio, Threshold
from shared.domain.rollout.spec import Bake, Spec

FIRST_ATTEMPT = 0.8
"""The share of a version's alpha that its first rollout may use."""


def config_for(spec: Spec, attempt: int, bake: Bake | None = None) -> GuardConfig:
    """Return how one target is judged in the `attempt`-th rollout of a version, in a step with this bake.

    The spec's alpha is the chance that a healthy version is ever taken back: in all targets and all attempts together,
    however long they are watched. Targets get equal parts, because taking back one takes back all, and chances add up
    at most. A retry is a new look at the same version, so it must be paid for too: the first attempt gets 0.8 of the
    alpha, since most versions need no other, and attempt k >= 2 gets 0.2 * 2^-(k-1). That sums up to 1 for any number
    of attempts, and each halving costs a retry only ln 2 more evidence before a bad version is taken back.

    A weight is watched for as long as the analysis asks for, unless the least bake is shorter: then it is that.
    """
    config = GuardConfig(
        window=spec.measuring.window,
        guards=spec.guards,
        alpha=spec.judging.alpha * _share_of(attempt) / len(spec.targets),
        risk=spec.judging.risk,
        warm_up=spec.judging.warm_up,
        smallest=spec.judging.smallest_regression,
    )
    return config if bake is None else replace(config, dwell=min(config.dwell, bake.minimum))


def judges_alone(guard: Guard) -> bool:
    """Whether a guard that decides needs nothing to compare with: a plain limit, or an objective of its own."""
    alone = isinstance(guard.test, Threshold) or (isinstance(guard.test, Objective) and not guard.test.and_compared)
    return alone and not guard.notify_only and guard.metric is not Metric.REQUESTS


def for_preview(config: GuardConfig) -> GuardConfig:
    """Return how a candidate is judged that only testers reach: by what needs no other version's users."""
    return replace(config, guards=tuple(guard for guard in config.guards if judges_alone(guard)))


def for_audience(config: GuardConfig) -> GuardConfig:
    """Return how a candidate is judged whose users bear a mark: how many do is nothing that its weight says."""
    return replace(config, guards=tuple(guard for guard in config.guards if not isinstance(guard.test, SampleRatio)))


def _share_of(attempt: int) -> float:
    return FIRST_ATTEMPT if attempt <= 1 else (1.0 - FIRST_ATTEMPT) * 2.0 ** (1 - min(attempt, 1000))
