"""The guards of a release spec as a document again, with every default written out."""

from collections.abc import Callable
from typing import Any, Final

from shared.domain.analysis.guards import (
    Guard,
    Metric,
    Objective,
    Ratio,
    SampleRatio,
    Slower,
    Tail,
    Test,
    Threshold,
)
from shared.wire.durations import format_duration
from shared.wire.objectives import format_objective, format_quantile
from shared.wire.quantities import format_fraction, format_milliseconds
from shared.wire.tolerance_words import SlackUnit, Tolerance, format_tolerance


def plain_number(value: float) -> float:
    """Return the number, as a whole one where it is one."""
    return int(value) if value == int(value) else value


_LIMITS: Final[dict[Metric, Callable[[float], float | str]]] = {
    Metric.ERROR_RATE: format_fraction,
    Metric.LATENCY: format_milliseconds,
    Metric.REQUESTS: plain_number,
    Metric.COUNTER: format_fraction,
    Metric.GAUGE: plain_number,
}


def render_guard(guard: Guard) -> dict[str, Any]:
    """Return the document of a guard."""
    return {
        "name": guard.name,
        "metric": guard.metric.value,
        **({"value": guard.of} if guard.of else {}),
        **_test(guard.test, guard.metric),
        "critical": guard.critical,
        "notifyOnly": guard.notify_only,
        "over": format_duration(guard.over),
        "minimumRequests": guard.minimum_requests,
    }


def _test(test: Test, metric: Metric) -> dict[str, Any]:
    limit = _LIMITS[metric]
    match test:
        case Threshold():
            limits = {"min": test.minimum, "max": test.maximum}
            return {name: limit(value) for name, value in limits.items() if value is not None}
        case Ratio():
            worse = {"worse": test.worse.value} if metric in (Metric.COUNTER, Metric.GAUGE) else {}
            return {"ratio": {"max": plain_number(test.maximum), "slack": limit(test.slack)}, **worse}
        case Tail():
            quantiles = [format_quantile(quantile) for quantile in test.quantiles]
            words = format_tolerance(Tolerance(test.maximum, test.slack), SlackUnit.OF_TAIL)
            return {"tail": {"quantiles": quantiles, "tolerance": words}}
        case Slower():
            words = format_tolerance(Tolerance(test.maximum, test.slack), SlackUnit.POINTS)
            return {"slowerThan": format_milliseconds(test.than_ms), "tolerance": words}
        case Objective():
            return {
                "objective": format_objective(test.budget),
                "burn": plain_number(test.burn),
                "andCompared": test.and_compared,
            }
        case SampleRatio():
            return {"share": {"tolerance": format_fraction(test.tolerance)}}
