"""Azure Monitor's batch metrics API as `azure-monitor-querymetrics` 1.0 calls it, over what really passed the slots.

As in Azure: windows are aligned to the interval and stamped with their start; a window without requests has Requests
0 at a slot and no average; where a filter divides a metric by dimensions there is a series for each combination of
values that occurred, 10 of them unless more are asked for. Beyond Azure: intervals from PT5S. Windows that ended less
than the lag ago, began over two hours ago, or lie before the sandbox's first start have no value.
Which resources have which metrics is told in `local.cloud.metric_kinds`.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.live_site import LiveSite
from local.cloud.meter import REACH_SECONDS, Tally
from local.cloud.metric_filter import DimensionFilter, parse_filter
from local.cloud.metric_kinds import Metered, MetricKind, find_metered

API_VERSION = "2024-02-01"
_SHORT = {"PT5S": 5, "PT10S": 10, "PT15S": 15, "PT30S": 30}
"""The sandbox's own extension."""
_INTERVALS = _SHORT | {"PT1M": 60, "PT5M": 300, "PT15M": 900, "PT30M": 1800, "PT1H": 3600}
_DEFAULT_SPAN_SECONDS = 3600
_DEFAULT_SERIES = 10
_MOST_WINDOWS = 5000
_MOST_RESOURCES = 50

_Series = dict[tuple[str, ...], dict[int, Tally]]
"""What happened in each window, by the values of the filter's dimensions."""


@dataclass(frozen=True, slots=True)
class _Question:
    starts: range
    """The start of each window, in seconds since the epoch; the step is the window's length."""
    interval: str
    namespace: str
    metrics: tuple[str, ...]
    aggregations: tuple[str, ...]
    filter: DimensionFilter
    most_series: int


class MetricsApi:
    """Answers batch queries for what the sites have."""

    def __init__(self, sites: dict[str, LiveSite], *, began: int, lag_seconds: float) -> None:
        self._sites = sites
        self._began = began
        self.lag_seconds = lag_seconds
        """How long after its end a window gets its values."""

    def answer(self, call: JsonCall) -> Reply:
        """Carry out one `metrics:getBatch` call. Raises `ApiError`."""
        if call.query.get("api-version") != API_VERSION:
            raise ApiError(400, "BadRequest", f"The api-version must be {API_VERSION}.")
        question = _read_question(call.query)
        values = [self._answer_resource(question, name) for name in _read_resources(call.body)]
        return Reply(200, {"values": values})

    def is_known(self, start: int, end: int) -> bool:
        """Whether what happened from one second until before another can be told by now."""
        now = time.time()
        return end + self.lag_seconds <= now and end > self._began and start >= now - REACH_SECONDS

    def _answer_resource(self, question: _Question, name: str) -> dict[str, Any]:
        metered = find_metered(self._sites.values(), name)
        if metered is None:
            raise ApiError(404, "ResourceNotFound", f"The resource '{name}' was not found.")
        if question.namespace != metered.namespace:
            raise ApiError(
                400, "BadRequest", f"The namespace of {name} is {metered.namespace}, not {question.namespace}."
            )
        kinds = [_find_kind(metered, metric, question) for metric in question.metrics]
        series = self._collect(question, metered)
        return {
            "starttime": _text(question.starts.start),
            "endtime": _text(question.starts.stop),
            "interval": question.interval,
            "namespace": question.namespace,
            "resourceregion": "westeurope",
            "resourceid": name,
            "value": [_answer_metric(question, kind, name, series) for kind in kinds],
        }

    def _collect(self, question: _Question, metered: Metered) -> _Series:
        dimensions = tuple(question.filter.wanted)
        series: _Series = {} if dimensions else {(): {}}
        for start in question.starts:
            end = start + question.starts.step
            if not self.is_known(start, end):
                continue
            for at in series.values():
                at[start] = Tally()
            for tags, tally in metered.between(start, end):
                if question.filter.takes(tags):
                    values = tuple(tags[name] for name in dimensions)
                    series.setdefault(values, {}).setdefault(start, Tally()).add(tally)
        return series


def _find_kind(metered: Metered, name: str, question: _Question) -> MetricKind:
    kind = metered.kind(name)
    if kind is None:
        known = ",".join(kind.name for kind in metered.kinds)
        raise ApiError(
            400,
            "BadRequest",
            f"Failed to find metric configuration for provider: {metered.provider}, "
            f"resource Type: {metered.namespace.partition('/')[2]}, metric: {name}, Valid metrics: {known}",
        )
    asked = tuple(question.filter.wanted)
    if not set(asked) <= {dimension.lower() for dimension in kind.dimensions}:
        raise ApiError(
            400,
            "BadRequest",
            f"Metric: {kind.name} does not support requested dimension combination: {','.join(asked)}, "
            f"supported ones are: {','.join(kind.dimensions)}, TraceId: {{0}}",
        )
    return kind


def _answer_metric(question: _Question, kind: MetricKind, resource: str, series: _Series) -> dict[str, Any]:
    return {
        "id": f"{resource}/providers/Microsoft.Insights/metrics/{kind.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": kind.name, "localizedValue": kind.name},
        "displayDescription": "",
        "unit": kind.unit,
        "errorCode": "Success",
        "timeseries": [
            {
                "metadatavalues": [
                    {"name": {"value": name, "localizedValue": name}, "value": value}
                    for name, value in zip(question.filter.wanted, values, strict=True)
                ],
                "data": [_answer_window(question, kind, start, windows.get(start)) for start in question.starts],
            }
            for values, windows in list(series.items())[: question.most_series]
        ],
    }


def _answer_window(question: _Question, kind: MetricKind, start: int, tally: Tally | None) -> dict[str, Any]:
    point: dict[str, Any] = {"timeStamp": _text(start)}
    if tally is not None and kind.aggregation in question.aggregations:
        value = kind.value(tally)
        if value is not None:
            point[kind.aggregation] = value
    return point


def _read_question(query: Any) -> _Question:
    interval = query.get("interval", "PT1M")
    length = _INTERVALS.get(interval)
    if length is None:
        raise ApiError(400, "BadRequest", f"The interval '{interval}' is not one of {', '.join(_INTERVALS)}.")
    now = time.time()
    end = _read_time(query, "endtime", now)
    start = _read_time(query, "starttime", end - _DEFAULT_SPAN_SECONDS)
    first, last = int(start // length) * length, -int(-end // length) * length
    if start >= end or (last - first) // length > _MOST_WINDOWS:
        raise ApiError(400, "BadRequest", f"The time span must have 1 to {_MOST_WINDOWS} windows.")
    return _Question(
        starts=range(first, last, length),
        interval=interval,
        namespace=query.get("metricnamespace", "").lower(),
        metrics=_names(query.get("metricnames", "")),
        aggregations=_names(query.get("aggregation", "total,average")),
        filter=parse_filter(query.get("filter", "")),
        most_series=_read_top(query),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(","))


def _read_top(query: Any) -> int:
    text = query.get("top", str(_DEFAULT_SERIES))
    if not (text.isascii() and text.isdigit()):
        raise ApiError(400, "BadRequest", f"Detected invalid TopN value {text}.")
    return int(text)


def _read_time(query: Any, name: str, default: float) -> float:
    text = query.get(name)
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(400, "BadRequest", f"The {name} '{text}' is not an ISO 8601 time.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _read_resources(body: Any) -> list[str]:
    match body:
        case {"resourceids": list(names)} if 0 < len(names) <= _MOST_RESOURCES and all(
            isinstance(name, str) for name in names
        ):
            return [str(name) for name in names]
        case _:
            raise ApiError(400, "BadRequest", f"The body must have resourceids, 1 to {_MOST_RESOURCES} of them.")


def _text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
