"""Requests as OpenTelemetry SDKs and the Collector's otlphttp exporter send them in JSON."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
DELTA, CUMULATIVE = 1, 2


def nanos(at: datetime) -> str:
    """A time as the protocol writes it: a decimal text."""
    return str((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000)


def attribute(key: str, value: Any) -> dict[str, Any]:
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": key, "value": {kind: str(value) if isinstance(value, int) else value}}


def duration_point(
    status: int = 200,
    count: int = 10,
    *,
    start: datetime = NOON,
    end: datetime = NOON + timedelta(minutes=1),
    seconds: float = 0.2,
    **attributes: Any,
) -> dict[str, Any]:
    """A point of `http.server.request.duration`: `count` requests that took `seconds` each."""
    slot = sum(bound < seconds for bound in BOUNDS)
    return {
        "attributes": [
            attribute("http.request.method", "GET"),
            attribute("http.response.status_code", status),
            *(attribute(key.replace("_", "."), value) for key, value in attributes.items()),
        ],
        "startTimeUnixNano": nanos(start),
        "timeUnixNano": nanos(end),
        "count": str(count),
        "sum": seconds * count,
        "bucketCounts": [str(count if index == slot else 0) for index in range(len(BOUNDS) + 1)],
        "explicitBounds": BOUNDS,
        "min": seconds,
        "max": seconds,
    }


def histogram(*points: dict[str, Any], temporality: Any = DELTA, unit: str = "s", name: str = "") -> dict[str, Any]:
    return {
        "name": name or "http.server.request.duration",
        "unit": unit,
        "description": "Duration of HTTP server requests.",
        "histogram": {"aggregationTemporality": temporality, "dataPoints": list(points)},
    }


def total(name: str, *points: dict[str, Any], temporality: Any = DELTA, monotonic: bool = True) -> dict[str, Any]:
    data = {"aggregationTemporality": temporality, "isMonotonic": monotonic, "dataPoints": list(points)}
    return {"name": name, "unit": "{request}", "sum": data}


def number_point(value: int | float, *, start: datetime = NOON, end: datetime = NOON + timedelta(minutes=1), **more):
    told = {"asInt": str(value)} if isinstance(value, int) else {"asDouble": value}
    return {
        "attributes": [attribute(key.replace("_", "."), each) for key, each in more.items()],
        "startTimeUnixNano": nanos(start),
        "timeUnixNano": nanos(end),
        **told,
    }


def resource(*metrics: dict[str, Any], service: str = "shop", version: str = "2", instance: str = "pod-1", **more):
    names = {"service.name": service, "service.version": version, "service.instance.id": instance, **more}
    return {
        "resource": {"attributes": [attribute(key, value) for key, value in names.items() if value]},
        "scopeMetrics": [{"scope": {"name": "io.opentelemetry.http"}, "metrics": list(metrics)}],
        "schemaUrl": "https://opentelemetry.io/schemas/1.27.0",
    }


def request(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceMetrics": list(resources)}
