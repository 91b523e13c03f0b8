"""Azure Monitor's batch metrics API as `azure-monitor-querymetrics` 1.0 calls it, over what really passed the slots.

As in Azure: numbers belong to the slot, not to the version; windows are aligned to the interval and stamped with
their start; a window without requests has Requests 0 and no average. Beyond Azure: intervals from PT5S.
Windows that ended less than the lag ago, began over two hours ago, or lie before the sandbox's first start
have no value.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.cloud.arm import resource_id
from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.live_site import LiveSite
from local.cloud.meter import REACH_SECONDS, Meter, Tally
from local.cloud.state import PRODUCTION, Slot

API_VERSION = "2024-02-01"
_SHORT = {"PT5S": 5, "PT10S": 10, "PT15S": 15, "PT30S": 30}
"""The sandbox's own extension."""
_INTERVALS = _SHORT | {"PT1M": 60, "PT5M": 300, "PT15M": 900, "PT30M": 1800, "PT1H": 3600}
_DEFAULT_SPAN_SECONDS = 3600
_MOST_WINDOWS = 5000
_MOST_RESOURCES = 50


@dataclass(frozen=True, slots=True)
class _MetricKind:
    unit: str
    aggregation: str
    value: Callable[[Tally], float | None]


_METRICS = {
    "requests": ("Requests", _MetricKind("Count", "total", lambda tally: float(tally.requests))),
    "http5xx": ("Http5xx", _MetricKind("Count", "total", lambda tally: float(tally.failures))),
    "httpresponsetime": ("HttpResponseTime", _MetricKind("Seconds", "average", lambda tally: _mean(tally))),
    "averageresponsetime": ("AverageResponseTime", _MetricKind("Seconds", "average", lambda tally: _mean(tally))),
}


def _mean(tally: Tally) -> float | None:
    return tally.busy / tally.requests if tally.requests else None


@dataclass(frozen=True, slots=True)
class _Question:
    starts: range
    """The start of each window, in seconds since the epoch; the step is the window's length."""
    interval: str
    namespace: str
    metrics: tuple[str, ...]
    aggregations: tuple[str, ...]


class MetricsApi:
    """Answers batch queries for the sites' slots."""

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

    def _answer_resource(self, question: _Question, name: str) -> dict[str, Any]:
        site, slot = self._find(name)
        kind = "microsoft.web/sites" if slot.name == PRODUCTION else "microsoft.web/sites/slots"
        if question.namespace != kind:
            raise ApiError(400, "BadRequest", f"The namespace of {name} is {kind}, not {question.namespace}.")
        meter = site.meters[slot.name]
        return {
            "starttime": _text(question.starts.start),
            "endtime": _text(question.starts.stop),
            "interval": question.interval,
            "namespace": question.namespace,
            "resourceregion": "westeurope",
            "resourceid": name,
            "value": [self._answer_metric(question, metric, name, meter) for metric in question.metrics],
        }

    def _answer_metric(self, question: _Question, metric: str, resource: str, meter: Meter) -> dict[str, Any]:
        name, kind = _METRICS[metric]
        return {
            "id": f"{resource}/providers/Microsoft.Insights/metrics/{name}",
            "type": "Microsoft.Insights/metrics",
            "name": {"value": name, "localizedValue": name},
            "displayDescription": "",
            "unit": kind.unit,
            "errorCode": "Success",
            "timeseries": [
                {
                    "metadatavalues": [],
                    "data": [self._answer_window(question, kind, at, meter) for at in question.starts],
                }
            ],
        }

    def _answer_window(self, question: _Question, kind: _MetricKind, start: int, meter: Meter) -> dict[str, Any]:
        point: dict[str, Any] = {"timeStamp": _text(start)}
        end = start + question.starts.step
        now = time.time()
        known = end + self.lag_seconds <= now and end > self._began and start >= now - REACH_SECONDS
        if known and kind.aggregation in question.aggregations:
            value = kind.value(meter.total(start, end))
            if value is not None:
                point[kind.aggregation] = value
        return point

    def _find(self, name: str) -> tuple[LiveSite, Slot]:
        for site in self._sites.values():
            for slot in site.state.slots:
                if resource_id(site, slot).lower() == name.lower():
                    return site, slot
        raise ApiError(404, "ResourceNotFound", f"The resource '{name}' was not found.")


def _read_question(query: Any) -> _Question:
    interval = query.get("interval", "PT1M")
    length = _INTERVALS.get(interval)
    if length is None:
        raise ApiError(400, "BadRequest", f"The interval '{interval}' is not one of {', '.join(_INTERVALS)}.")
    metrics = tuple(name.strip().lower() for name in query.get("metricnames", "").split(","))
    for name in metrics:
        if name not in _METRICS:
            known = ", ".join(label for label, _ in _METRICS.values())
            raise ApiError(400, "BadRequest", f"The metric '{name}' does not exist. Valid metrics: {known}.")
    if query.get("filter"):
        raise ApiError(400, "BadRequest", "The sandbox's metrics have no dimensions to filter by.")
    now = time.time()
    end = _read_time(query, "endtime", now)
    start = _read_time(query, "starttime", end - _DEFAULT_SPAN_SECONDS)
    first, last = int(start // length) * length, -int(-end // length) * length
    if start >= end or (last - first) // length > _MOST_WINDOWS:
        raise ApiError(400, "BadRequest", f"The time span must have 1 to {_MOST_WINDOWS} windows.")
    aggregations = tuple(part.strip().lower() for part in query.get("aggregation", "total,average").split(","))
    namespace = query.get("metricnamespace", "").lower()
    return _Question(range(first, last, length), interval, namespace, metrics, aggregations)


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
