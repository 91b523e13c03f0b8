"""The test of one guard in a release spec: which of its fields say it, and in which unit.

The published schema holds which test goes with which metric, and that a guard has one.
"""

from collections.abc import Callable
from typing import Any, Final

from shared.domain.analysis.guards import (
    Metric,
    Objective,
    Ratio,
    SampleRatio,
    Slower,
    Tail,
    Test,
    Threshold,
    Worse,
)
from shared.wire.findings import Part, found, refuse_repeats
from shared.wire.objectives import parse_objective, parse_quantile
from shared.wire.quantities import parse_deviation, parse_fraction, parse_milliseconds
from shared.wire.tolerance_words import SlackUnit, Tolerance, parse_tolerance


def _number(value: Any) -> float:
    """Return the number. Where the schema refuses a test as a whole, it has not looked at what is inside."""
    if not isinstance(value, int | float):
        raise ValueError("allowed is a number")
    return float(value)


_LIMITS: Final[dict[Metric, Callable[[Any], float]]] = {
    Metric.ERROR_RATE: parse_fraction,
    Metric.LATENCY: parse_milliseconds,
    Metric.REQUESTS: _number,
    Metric.COUNTER: parse_fraction,
    Metric.GAUGE: _number,
}

SLACK_UNITS: Final = {
    Metric.ERROR_RATE: SlackUnit.POINTS,
    Metric.LATENCY: SlackUnit.TIME,
    Metric.COUNTER: SlackUnit.POINTS,
    Metric.GAUGE: SlackUnit.NUMBER,
}
"""What the part of a tolerance that does not grow is said in, for each metric that is compared."""

_TAIL: Final = Tail()
_SLOWER: Final = Tolerance(maximum=1.25, slack=0.0005)


def read_test(part: Part, metric: Metric) -> Test:
    """Read the test of a guard on this metric. What does not go with the metric is not looked at."""
    for name, metrics, read in _TESTS:
        if part.child(name).exists and metric in metrics:
            return read(part, metric)
    return _read_threshold(part, metric)


def _read_threshold(part: Part, metric: Metric) -> Threshold:
    minimum, maximum = part.child("min"), part.child("max")
    test = Threshold(minimum=minimum.read(_LIMITS[metric], None), maximum=maximum.read(_LIMITS[metric], None))
    if test.minimum is not None and test.maximum is not None and test.minimum > test.maximum:
        maximum.refuse(f"{found(maximum.path, maximum.value)}allowed is at least min")
    if metric is Metric.ERROR_RATE and test.maximum is not None and test.maximum >= 1:
        maximum.refuse(f"{found(maximum.path, maximum.value)}allowed is less than 100%: else every request may fail")
    return test


def _read_ratio(part: Part, metric: Metric) -> Ratio:
    maximum, slack = part.child("ratio").child("max"), part.child("ratio").child("slack")
    test = Ratio(
        maximum=maximum.read(float, 1.0),
        slack=slack.read(_LIMITS[metric], 0.0),
        worse=part.child("worse").read(Worse, Worse.HIGHER),
    )
    if test.worse is Worse.LOWER and test.maximum < 1:
        maximum.refuse(
            f"{found(maximum.path, maximum.value)}allowed is at least 1 where lower is worse: good is no less than "
            "the stable version's value divided by this"
        )
    return test


def _read_tolerance(part: Part, metric: Metric) -> Ratio:
    tolerance = _tolerance(part, SLACK_UNITS[metric], Tolerance())
    if metric is Metric.ERROR_RATE and tolerance.slack >= 1:
        words = part.child("tolerance")
        words.refuse(f"{found(words.path, words.value)}allowed are less than 100 points: else every request may fail")
    return Ratio(tolerance.maximum, tolerance.slack, part.child("worse").read(Worse, Worse.HIGHER))


def _read_tail(part: Part, _: Metric) -> Tail:
    tail = part.child("tail")
    quantiles = tail.child("quantiles").children()
    refuse_repeats(quantiles, lambda each: each.read(parse_quantile, 0.0), "allowed is each quantile once")
    tolerance = _tolerance(tail, SlackUnit.OF_TAIL, Tolerance(_TAIL.maximum, _TAIL.slack))
    return Tail(
        quantiles=tuple(each.read(parse_quantile, 0.0) for each in quantiles) or _TAIL.quantiles,
        maximum=tolerance.maximum,
        slack=tolerance.slack,
    )


def _read_slower(part: Part, _: Metric) -> Slower:
    tolerance = _tolerance(part, SlackUnit.POINTS, _SLOWER)
    return Slower(part.child("slowerThan").read(parse_milliseconds, 0.0), tolerance.maximum, tolerance.slack)


def _read_objective(part: Part, _: Metric) -> Objective:
    burn = part.child("burn")
    test = Objective(
        budget=part.child("objective").read(parse_objective, 0.0),
        burn=burn.read(float, 1.0),
        and_compared=part.says("andCompared"),
    )
    if test.budget * test.burn >= 1:
        burn.refuse(
            f"{found(burn.path, burn.value)}allowed is less than {1 / test.budget:.4g}: else every request may fail"
        )
    return test


def _read_share(part: Part, _: Metric) -> SampleRatio:
    return SampleRatio(part.child("share").child("tolerance").read(parse_deviation, SampleRatio().tolerance))


def _tolerance(part: Part, unit: SlackUnit, default: Tolerance) -> Tolerance:
    return part.child("tolerance").read(lambda words: parse_tolerance(words, unit), default)


_COMPARED: Final = frozenset(SLACK_UNITS)
_TESTS: Final[tuple[tuple[str, frozenset[Metric], Callable[[Part, Metric], Test]], ...]] = (
    ("ratio", _COMPARED, _read_ratio),
    ("tail", frozenset({Metric.LATENCY}), _read_tail),
    ("slowerThan", frozenset({Metric.LATENCY}), _read_slower),
    ("tolerance", _COMPARED, _read_tolerance),
    ("objective", frozenset({Metric.ERROR_RATE}), _read_objective),
    ("share", frozenset({Metric.REQUESTS}), _read_share),
)
"""Each test, by the field that names it; `tolerance` after `slowerThan`, beside which it may stand."""
