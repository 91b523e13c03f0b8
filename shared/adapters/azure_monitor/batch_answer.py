"""One resource's series out of a batch answer, doubting all of it.

The SDK's values are read where it has them. It drops the `errorCode` of each metric, with which the service says
inside a success that a metric failed; that one is read from the answer itself.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_monitor.series import Series, collect

if TYPE_CHECKING:
    from azure.monitor.querymetrics import Metric, MetricsQueryResult


class UnusableAnswerError(Exception):
    """The answer is not one to the question; the message says why."""


def check_codes(document: Any) -> None:
    """Raise `UnusableAnswerError` when the service says of any metric that it failed."""
    for value in document["values"]:
        for metric in value.get("value", ()):
            if metric.get("errorCode", "Success") != "Success":
                name = metric.get("name", {}).get("value", "a metric")
                raise UnusableAnswerError(f"{name}: {metric['errorCode']} {metric.get('errorMessage', '')}".strip())


def read_series(
    results: "list[MetricsQueryResult]", name: str, aggregation: str, starts: frozenset[datetime], length: timedelta
) -> Series:
    """Return one metric's series by window start. Raises `UnusableAnswerError`, also for windows of another length."""
    if len(results) != 1:
        raise UnusableAnswerError(f"{len(results)} results for one resource")
    if results[0].granularity != length:
        raise UnusableAnswerError(f"windows of {results[0].granularity}, not of {length}")
    metric = _find(results[0], name)
    if len(metric.timeseries) > 1:
        raise UnusableAnswerError(f"{len(metric.timeseries)} series of {name}, not one")
    try:
        return collect(_points(metric, aggregation), starts)
    except ValueError as error:
        raise UnusableAnswerError(f"{name}: {error}") from error


def _find(result: "MetricsQueryResult", name: str) -> "Metric":
    for metric in result.metrics:
        if metric.name and metric.name.lower() == name.lower():
            return metric
    raise UnusableAnswerError(f"nothing is said of {name}")


def _points(metric: "Metric", aggregation: str) -> Iterator[tuple[datetime, float | None]]:
    for series in metric.timeseries:
        for point in series.data:
            at = point.timestamp
            yield at if at.tzinfo else at.replace(tzinfo=UTC), _number(getattr(point, aggregation))


def _number(value: Any) -> float | None:
    """Return a number as it is, nothing as None, and whatever else as NaN, which no sample takes."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf
