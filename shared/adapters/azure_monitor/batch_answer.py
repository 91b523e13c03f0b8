"""One resource's series out of a batch answer, doubting all of it.

The SDK's values are read where it has them. It drops the `errorCode` of each metric, with which the service says
inside a success that a metric failed; that one is read from the answer itself.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_monitor.figures import Figure
from shared.adapters.azure_monitor.series import Tagged, collect

if TYPE_CHECKING:
    from azure.monitor.querymetrics import Metric, MetricsQueryResult

MOST_SERIES = 1000
"""How many series of one metric are asked for. Azure gives 10 unless told otherwise, and does not say what it left."""


class UnusableAnswerError(Exception):
    """The answer is not one to the question; the message says why."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Which windows are asked for."""

    starts: frozenset[datetime]
    length: timedelta


def check_codes(document: Any) -> None:
    """Raise `UnusableAnswerError` when the service says of any metric that it failed."""
    for value in document["values"]:
        for metric in value.get("value", ()):
            if metric.get("errorCode", "Success") != "Success":
                name = metric.get("name", {}).get("value", "a metric")
                why = f"{metric['errorCode']} {metric.get('errorMessage') or ''}".strip()
                raise UnusableAnswerError(f"{name}: {why[:300]}")


def read_series(
    results: "list[MetricsQueryResult]", figure: Figure, windows: Windows, *, divided: bool
) -> tuple[Tagged, ...]:
    """Return a metric's series. Raises `UnusableAnswerError`, also for windows of another length.

    Not `divided` there is at most one; otherwise as many as combinations of dimension values.
    """
    if len(results) != 1:
        raise UnusableAnswerError(f"{len(results)} results for one resource")
    if results[0].granularity != windows.length:
        raise UnusableAnswerError(f"windows of {results[0].granularity}, not of {windows.length}")
    metric = find_metric(results[0], figure.metric)
    most = MOST_SERIES - 1 if divided else 1
    if len(metric.timeseries) > most:
        raise UnusableAnswerError(f"{len(metric.timeseries)} series of {figure.metric}, not at most {most}")
    try:
        return tuple(
            Tagged(_tags(series.metadata_values), collect(_points(series.data, figure), windows.starts))
            for series in metric.timeseries
        )
    except ValueError as error:
        raise UnusableAnswerError(f"{figure.metric}: {error}") from error


def find_metric(result: "MetricsQueryResult", name: str) -> "Metric":
    """Return the metric of that name, in any case. Raises `UnusableAnswerError` when nothing is said of it."""
    for metric in result.metrics:
        if metric.name and metric.name.lower() == name.lower():
            return metric
    raise UnusableAnswerError(f"nothing is said of {name}")


def _tags(named: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in named.items() if value is not None}


def _points(data: Any, figure: Figure) -> Iterator[tuple[datetime, float | None]]:
    for point in data:
        at = point.timestamp
        yield at if at.tzinfo else at.replace(tzinfo=UTC), _number(getattr(point, figure.aggregation))


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
