"""How much of alpha each guard gets: its share of the average of all bets."""

from collections.abc import Mapping

from shared.domain.analysis.guards import Guard, GuardConfig, Metric, Objective, is_sequential

CATASTROPHE = ""
"""The key of the test for a candidate that fails as a whole; it stands beside every guard on errors."""
CRITICAL = 3.0
_USUAL: Mapping[Metric, float] = {
    Metric.ERROR_RATE: 6.0,
    Metric.LATENCY: 3.0,
    Metric.COUNTER: 3.0,
    Metric.GAUGE: 2.0,
    Metric.REQUESTS: 1.0,
}
_OBJECTIVE = 3.0


def weights_of(config: GuardConfig) -> Mapping[str, float]:
    """Return each testing guard's share, and the catastrophe's; together 1. Guards that only notify have none."""
    shares = {guard.name: _share(guard) for guard in config.guards if is_sequential(guard) and not guard.notify_only}
    if watches_errors(config):
        shares[CATASTROPHE] = 1.0
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def watches_errors(config: GuardConfig) -> bool:
    """Whether a guard that decides looks at errors."""
    return any(guard.metric is Metric.ERROR_RATE and not guard.notify_only for guard in config.guards)


def _share(guard: Guard) -> float:
    usual = _OBJECTIVE if isinstance(guard.test, Objective) else _USUAL[guard.metric]
    return usual * (CRITICAL if guard.critical else 1.0)
