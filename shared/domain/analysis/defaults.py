"""The guards of a spec that names none: errors, latency and the candidate's share, each compared with stable."""

from datetime import timedelta

from shared.domain.analysis.guards import Guard, Metric, Ratio, SampleRatio, Tail

DEFAULT_WINDOWS = 5
"""How many windows a guard with a plain limit pools where it does not say."""


def default_guards(window: timedelta) -> tuple[Guard, ...]:
    """Return the default guards for windows of this length."""
    over = DEFAULT_WINDOWS * window
    return (
        Guard(name="errors", metric=Metric.ERROR_RATE, test=Ratio(), over=over),
        Guard(name="latency", metric=Metric.LATENCY, test=Tail(), over=over),
        Guard(name="share", metric=Metric.REQUESTS, test=SampleRatio(), over=over),
    )
