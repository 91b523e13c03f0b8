"""How an application is measured as a document again, with every default written out."""

from typing import Any

from shared.domain.rollout.measuring import (
    AzureMonitorSource,
    LogAnalyticsSource,
    Measuring,
    ObservationsSource,
    PrometheusSource,
    Source,
    ValueKind,
    ValueQuery,
    WebSource,
)
from shared.wire.durations import format_duration
from shared.wire.spec_metrics_source import kind_of


def render_measuring(measuring: Measuring) -> dict[str, Any]:
    """Return the document of `metrics`."""
    values = {"values": [_value(value) for value in measuring.values]} if measuring.values else {}
    return {
        "window": format_duration(measuring.window),
        "lag": format_duration(measuring.lag),
        "source": {"kind": kind_of(measuring.source).value, **_source(measuring.source)},
        **values,
    }


def _source(source: Source) -> dict[str, Any]:
    match source:
        case AzureMonitorSource():
            return _azure_monitor(source)
        case LogAnalyticsSource():
            return _said(workspace=source.workspace, resource=source.resource) | {
                "signal": source.signal.value,
                "splitBy": source.split_by.value,
                **_said(role=source.role),
            }
        case PrometheusSource():
            return {
                "url": source.url,
                "requests": source.requests,
                "failures": source.failures,
                **_said(latency=source.latency),
                "latencyUnit": source.latency_unit.value,
                "versionLabel": source.version_label,
                "auth": source.auth.value,
                **_said(secretSetting=source.secret_setting),
            }
        case WebSource():
            return _web(source)
        case ObservationsSource():
            return {}


def _azure_monitor(source: AzureMonitorSource) -> dict[str, Any]:
    where = dict(zip(("dimension", "value"), source.failures_where or (), strict=False))
    return {
        **_said(resource=source.resource, namespace=source.namespace),
        "requests": source.requests,
        "failures": source.failures,
        **({"failuresWhere": where} if where else {}),
        "latency": source.latency,
        "latencyUnit": source.latency_unit.value,
        **_said(splitBy=source.split_by),
    }


def _web(source: WebSource) -> dict[str, Any]:
    rate = {"failuresUnit": source.failures_unit.value} if source.failures_unit is not None else {}
    return {
        "url": source.url,
        "requests": source.requests,
        "failures": source.failures,
        **rate,
        **_said(latency=source.latency),
        "latencyUnit": source.latency_unit.value,
        **_said(histogram=source.histogram, version=source.version, secretSetting=source.secret_setting),
    }


def _value(value: ValueQuery) -> dict[str, Any]:
    unit = {"unit": value.unit.value} if value.kind is ValueKind.GAUGE else {}
    return {"name": value.name, "kind": value.kind.value, **_said(query=value.query, of=value.of), **unit}


def _said(**texts: str | None) -> dict[str, str]:
    """Return the members that say something."""
    return {name: text for name, text in texts.items() if text}
