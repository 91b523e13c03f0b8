"""Metrics as OpenTelemetry sends them over HTTP in JSON (OTLP 1.x, `ExportMetricsServiceRequest`).

Keys are in lowerCamelCase, whole numbers of 64 bits are texts or numbers, enumerations are numbers (names are taken
too), what is not there has its default, and members that are not known are passed over, as the protocol demands.
Of all metrics those count that tell of requests served over HTTP, and those named as a figure of a spec.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.analysis.measurement import Histogram
from shared.domain.names import ApplicationName, TargetName, Version
from shared.domain.points import LARGEST, Counted, Kind, LeftOut, Point, Report
from shared.wire.exponential_histogram import MILLISECONDS_TO, SECONDS_TO, edged
from shared.wire.fields import SLUG, VERSION
from shared.wire.findings import shown
from shared.wire.proto_json import (
    as_double,
    as_whole,
    attributes_of,
    double,
    entries,
    member,
    objects,
    refuse,
    time_of,
    whole,
)

POINTS_AT_MOST: Final = 20_000
LONGEST_NAME: Final = 255
LONGEST_ANSWER: Final = 2000

REQUESTS: Final = ("http.server.request.duration", "http.server.duration", "http.server.requests")
"""What counts requests, the best first: where a sender has several of them, only the first is taken."""
COUNTS: Final = ("http.server.request.count", "http.server.request_count")
"""The same without response times."""
STATUS: Final = ("http.response.status_code", "http.status_code", "status")
ERROR: Final = "error.type"
FAILED_FROM: Final = 500

SENDER: Final = ("service.instance.id", "k8s.pod.name", "container.id", "host.name")
"""What tells one sender from another, the best first."""

_RANKS: Final = {name: rank for rank, name in enumerate((*REQUESTS, *COUNTS))}
_MILLISECONDS: Final = {"s": 1e3, "ms": 1.0, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}
_UNIT_BY_NAME: Final = {"http.server.request.duration": "s", "http.server.duration": "ms"}
_TEMPORALITIES: Final = {
    1: False,
    2: True,
    "AGGREGATION_TEMPORALITY_DELTA": False,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": True,
}
_NOT_RECORDED: Final = 1


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a request tells, and what of it cannot be told apart."""

    reports: tuple[Report, ...]
    left_out: tuple[LeftOut, ...]


def is_metrics(document: object) -> bool:
    """Whether this is a request of OpenTelemetry's and none in our own format."""
    return isinstance(document, dict) and "resourceMetrics" in document


def parse_metrics(document: Any) -> Pushed:
    """Return a report for each resource.

    The application is `slipway.application` of the resource or else `service.name`, the version `slipway.version` or
    `service.version`, the target `slipway.target`. Raises `InvalidError`, naming the place, when it cannot be decoded.
    """
    if not isinstance(document, dict):
        refuse("", f"found {shown(document)}; allowed is a JSON object with resourceMetrics")
    reports: list[Report] = []
    left_out: list[LeftOut] = []
    budget = _Budget()
    for resource, where in objects(document, "resourceMetrics", ""):
        names = attributes_of(member(resource, "resource", where), f"{where}.resource")
        points = tuple(_points_of(resource, where, budget))
        found = _report(names, points)
        if isinstance(found, Report):
            reports.append(found)
        elif requests := sum(point.kind is Kind.REQUESTS for point in points):
            left_out.append(LeftOut(requests, found))
    return Pushed(tuple(reports), tuple(left_out))


def answer_of(left_out: Iterable[LeftOut]) -> dict[str, Any]:
    """Return the answer that the protocol wants (`ExportMetricsServiceResponse`): empty where all was taken."""
    by_reason: dict[str, int] = {}
    for each in left_out:
        by_reason[each.why] = by_reason.get(each.why, 0) + each.points
    if not by_reason:
        return {}
    said = "; ".join(f"{points} points: {why}" for why, points in by_reason.items())
    return {
        "partialSuccess": {"rejectedDataPoints": str(sum(by_reason.values())), "errorMessage": said[:LONGEST_ANSWER]}
    }


@dataclass(slots=True)
class _Budget:
    """How many points were read of one request."""

    points: int = 0

    def spend(self, where: str) -> None:
        self.points += 1
        if self.points > POINTS_AT_MOST:
            refuse(where, f"a request has at most {POINTS_AT_MOST} points")


def _report(names: Mapping[str, Any], points: tuple[Point, ...]) -> Report | str:
    """Return whose points these are, or why nobody can tell."""
    application = _text(names, "slipway.application", "service.name")
    version = _text(names, "slipway.version", "service.version")
    target = _text(names, "slipway.target")
    if not application:
        return "a resource has no service.name: it is the name of the application"
    if not SLUG.fullmatch(application):
        return (
            f"service.name {shown(application)} can be no application's name: set the resource attribute "
            "slipway.application"
        )
    if not version or not VERSION.fullmatch(version):
        return f"a resource of {application} has no service.version of visible ASCII: it is the version that served"
    sender = _text(names, *SENDER)
    if not sender:
        # Many behind one Collector would be one sender, and the first of them would close the window for all.
        return f"a resource of {application} has no {SENDER[0]}: it tells one instance from another"
    return Report(
        application=ApplicationName(application),
        target=TargetName(target) if target else None,
        version=Version(version),
        sender=sender[:LONGEST_NAME],
        points=points,
    )


def _points_of(resource: Mapping[str, Any], where: str, budget: _Budget) -> Iterator[Point]:
    for scope, in_scope in objects(resource, "scopeMetrics", where):
        scope_name = member(scope, "scope", in_scope).get("name")
        for metric, in_metric in objects(scope, "metrics", in_scope):
            name = metric.get("name")
            if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
                continue
            for point, in_point, form in _forms(metric, in_metric):
                budget.spend(in_point)
                if whole(point, "flags", in_point) & _NOT_RECORDED:
                    continue
                yield from form.points(f"{scope_name}", name, point, in_point)


@dataclass(frozen=True, slots=True)
class _Form:
    """How the points of a metric are to be read."""

    kind: str
    unit: str
    is_cumulative: bool
    is_monotonic: bool

    def points(self, scope: str, name: str, point: Mapping[str, Any], where: str) -> Iterator[Point]:
        """Yield the point, unless it is of a metric that counts for nothing."""
        attributes = attributes_of(point, where)
        counts_requests = name in _RANKS and self.kind != "gauge" and self.is_monotonic
        if not counts_requests and self.kind not in ("sum", "gauge"):
            return
        level = not counts_requests and (self.kind == "gauge" or not self.is_monotonic)
        counted = self._counted(name, point, where)
        end = time_of(point, "timeUnixNano", where)
        if counted is None or end is None:
            return
        yield Point(
            series=_series(scope, name, attributes),
            metric=name,
            kind=Kind.REQUESTS if counts_requests else Kind.LEVEL if level else Kind.SUM,
            rank=_RANKS.get(name, 0),
            start=time_of(point, "startTimeUnixNano", where),
            end=end,
            counted=counted,
            is_cumulative=self.is_cumulative and not level,
            is_failure=counts_requests and _failed(attributes),
        )

    def _counted(self, name: str, point: Mapping[str, Any], where: str) -> Counted | None:
        if self.kind in ("sum", "gauge"):
            value = _number(point, where)
            return None if value is None else Counted(count=value)
        count = whole(point, "count", where)
        if count < 0:
            refuse(f"{where}.count", "a count is not negative")
        factor = _MILLISECONDS.get(_UNIT_BY_NAME.get(name, "") if self.unit in ("", "1") else self.unit)
        if factor is None:
            return Counted(count=count)
        total = double(point, "sum", where)
        histogram = self._histogram(point, factor, where)
        return Counted(
            count=count,
            total_ms=total * factor if total is not None and 0 <= total * factor <= LARGEST else None,
            histogram=histogram if histogram is not None and histogram.total == count else None,
        )

    def _histogram(self, point: Mapping[str, Any], factor: float, where: str) -> Histogram | None:
        found = _explicit(point, where) if self.kind == "histogram" else _exponential(point, factor, where)
        if found is None:
            return None
        scaled = Histogram(tuple(float(f"{edge * factor:.12g}") for edge in found.edges), found.counts)
        return scaled if scaled.is_plausible else None


def _forms(metric: Mapping[str, Any], where: str) -> Iterator[tuple[Mapping[str, Any], str, _Form]]:
    """Yield each point of the metric with the place where it stands and how it is to be read."""
    unit = metric.get("unit")
    for kind in ("histogram", "exponentialHistogram", "sum", "gauge"):
        data = member(metric, kind, where)
        temporality = data.get("aggregationTemporality", 0)
        known = _TEMPORALITIES.get(temporality) if isinstance(temporality, int | str) else None
        form = _Form(
            kind=kind,
            unit=unit if isinstance(unit, str) else "",
            is_cumulative=known is True,
            is_monotonic=kind != "sum" or data.get("isMonotonic") is True,
        )
        for point, in_point in objects(data, "dataPoints", f"{where}.{kind}"):
            if known is None and kind != "gauge":
                refuse(
                    f"{where}.{kind}.aggregationTemporality",
                    f"found {shown(temporality)}; allowed is 1 (delta) or 2 (cumulative)",
                )
            yield point, in_point, form


def _explicit(point: Mapping[str, Any], where: str) -> Histogram | None:
    bounds = [as_double(value, f"{where}.explicitBounds") for value in entries(point, "explicitBounds", where)]
    counts = [as_whole(value, f"{where}.bucketCounts") for value in entries(point, "bucketCounts", where)]
    return Histogram(tuple(bounds), tuple(map(float, counts))) if bounds else None


def _exponential(point: Mapping[str, Any], factor: float, where: str) -> Histogram | None:
    positive, negative = (member(point, name, where) for name in ("positive", "negative"))
    counts = [as_whole(value, f"{where}.positive") for value in entries(positive, "bucketCounts", where)]
    if any(as_whole(value, f"{where}.negative") for value in entries(negative, "bucketCounts", where)):
        return None
    numbers = {1e3: SECONDS_TO, 1.0: MILLISECONDS_TO}.get(factor)
    threshold = double(point, "zeroThreshold", where) or 0.0
    scale, offset = whole(point, "scale", where), whole(positive, "offset", where)
    zeros = whole(point, "zeroCount", where)
    if numbers is None or abs(offset) > 1 << 31 or min((zeros, *counts)) < 0:
        return None
    return edged(scale, offset, counts, zeros, threshold, numbers)


def _failed(attributes: Mapping[str, Any]) -> bool:
    """Whether the requests failed: by their status, or by an error that is no status of somebody else's fault."""
    status = next((found for name in STATUS if (found := _status(attributes.get(name))) is not None), None)
    if status is not None and status >= FAILED_FROM:
        return True
    error = attributes.get(ERROR)
    if not isinstance(error, str) or not error:
        return False
    as_status = _status(error)
    return as_status is None or as_status >= FAILED_FROM


def _status(value: object) -> int | None:
    text = f"{value}" if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) == 3 else None


def _series(scope: str, name: str, attributes: Mapping[str, Any]) -> str:
    text = json.dumps([scope, name, sorted(attributes.items(), key=lambda item: item[0])], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(names: Mapping[str, Any], *keys: str) -> str:
    return next((text for key in keys if isinstance(text := names.get(key), str) and text), "")


def _number(point: Mapping[str, Any], where: str) -> float | None:
    """Return the value of a point, perhaps NaN or infinite; None where there is none."""
    if point.get("asInt") is not None:
        return float(whole(point, "asInt", where))
    return double(point, "asDouble", where)
