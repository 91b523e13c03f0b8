"""Where a release spec says that windows are read from: one kind of source, with what that kind needs to know."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import (
    AzureMonitorSource,
    LogAnalyticsSource,
    ObservationsSource,
    PrometheusAuth,
    PrometheusSource,
    Signal,
    Source,
    SplitBy,
    Unit,
    WebSource,
)
from shared.domain.rollout.spec import TargetKind
from shared.wire.findings import Part, found
from shared.wire.query_text import parse_selector
from shared.wire.resource_id import parse_resource_id
from shared.wire.web_addresses import parse_page_address, parse_server_address


class SourceKind(StrEnum):
    """The word that a spec has for a kind of source."""

    AZURE_MONITOR = "azure-monitor"
    LOG_ANALYTICS = "log-analytics"
    PROMETHEUS = "prometheus"
    WEB = "web"
    OBSERVATIONS = "observations"


LAGS: Final = {
    SourceKind.AZURE_MONITOR: timedelta(minutes=2),
    SourceKind.LOG_ANALYTICS: timedelta(minutes=3),
    SourceKind.PROMETHEUS: timedelta(seconds=45),
    SourceKind.WEB: timedelta(0),
    SourceKind.OBSERVATIONS: timedelta(0),
}
"""How long after its end a window is asked for first where a spec does not say: what each kind needs to have it."""

_AZURE_MONITOR: Final = AzureMonitorSource()
REVISIONS: Final = AzureMonitorSource(
    failures="Requests",
    failures_where=("statusCodeCategory", "5xx"),
    latency="",
    split_by="revisionName",
)
"""Of a Container App itself: its requests by revision. Its response times name no revision."""
_UNMEASURED: Final = frozenset({TargetKind.TRAFFIC_MANAGER, TargetKind.HTTP_ROUTE, TargetKind.FEATURE_FLAG})
"""What has no platform metrics by version: a profile counts what its name was asked for, a route is none of Azure's,
and what users of a variant meet only the application knows."""
_LOG_ANALYTICS: Final = LogAnalyticsSource()
_PROMETHEUS: Final = PrometheusSource(url="", requests="", failures="")
_WEB: Final = WebSource(url="")


def kind_of(source: Source) -> SourceKind:
    """Return the word for a source."""
    match source:
        case AzureMonitorSource():
            return SourceKind.AZURE_MONITOR
        case LogAnalyticsSource():
            return SourceKind.LOG_ANALYTICS
        case PrometheusSource():
            return SourceKind.PROMETHEUS
        case WebSource():
            return SourceKind.WEB
        case ObservationsSource():
            return SourceKind.OBSERVATIONS


def tells_latency(source: Source) -> bool:
    """Whether the source can tell response times, by an average at least."""
    match source:
        case AzureMonitorSource() | PrometheusSource():
            return bool(source.latency)
        case WebSource():
            return bool(source.latency or source.histogram)
        case LogAnalyticsSource() | ObservationsSource():
            return True


def tells_histogram(source: Source) -> bool:
    """Whether the source can tell how many requests took how long."""
    match source:
        case AzureMonitorSource():
            return False
        case PrometheusSource():
            return bool(source.latency)
        case WebSource():
            return bool(source.histogram)
        case LogAnalyticsSource() | ObservationsSource():
            return True


def read_source(part: Part, kinds: frozenset[TargetKind]) -> Source:
    """Read `metrics.source`. Without one, or where its kind is unknown: the platform metrics of each target.

    `kinds` are those of the targets. Platform metrics tell places apart for sites and for Container Apps only.
    """
    source = _read_source(part, kinds)
    if isinstance(source, AzureMonitorSource) and not source.split_by and not kinds <= {TargetKind.APP_SERVICE_SLOT}:
        part.refuse(_untold(kinds))
    unmeasured, others = kinds & _UNMEASURED, kinds - {TargetKind.APP_SERVICE_SLOT}
    if isinstance(source, AzureMonitorSource) and source.split_by and not source.resource and unmeasured:
        part.child("resource").refuse(
            f"is missing: {' and '.join(sorted(unmeasured))} count no requests of a version; allowed is the id of a "
            "resource that does, such as a gateway's, or another source"
        )
    if isinstance(source, LogAnalyticsSource) and source.split_by is SplitBy.PLACE and others:
        part.child("splitBy").refuse(
            f'found "place"; the places of {" and ".join(sorted(others))} are no host or slot of a site; allowed is '
            "version, role or revision"
        )
    return source


def _untold(kinds: frozenset[TargetKind]) -> str:
    if kinds == {TargetKind.CONTAINER_APP}:
        return "a Container App's revisions are told apart by a dimension; allowed is splitBy: revisionName"
    named = " and ".join(sorted(kinds))
    return (
        f"the platform metrics of {named} do not tell the versions apart; allowed is a source that does: "
        "log-analytics, prometheus, web or observations, or azure-monitor with a resource and splitBy"
    )


def _read_source(part: Part, kinds: frozenset[TargetKind]) -> Source:
    if not part.child("kind").exists:
        return REVISIONS if kinds == {TargetKind.CONTAINER_APP} else _AZURE_MONITOR
    match part.child("kind").read(SourceKind, None):
        case SourceKind.AZURE_MONITOR:
            return _read_azure_monitor(part)
        case SourceKind.LOG_ANALYTICS:
            return _read_log_analytics(part)
        case SourceKind.PROMETHEUS:
            return _read_prometheus(part)
        case SourceKind.WEB:
            return _read_web(part)
        case SourceKind.OBSERVATIONS:
            return ObservationsSource()
        case None:
            return REVISIONS if kinds == {TargetKind.CONTAINER_APP} else _AZURE_MONITOR


def _read_azure_monitor(part: Part) -> AzureMonitorSource:
    where = part.child("failuresWhere")
    source = AzureMonitorSource(
        resource=part.child("resource").read(_resource, ""),
        namespace=_text(part, "namespace", ""),
        requests=_text(part, "requests", _AZURE_MONITOR.requests),
        failures=_text(part, "failures", _AZURE_MONITOR.failures),
        failures_where=(_text(where, "dimension", ""), _text(where, "value", "")) if where.exists else None,
        latency=_text(part, "latency", _AZURE_MONITOR.latency),
        latency_unit=part.child("latencyUnit").read(Unit, _AZURE_MONITOR.latency_unit),
        split_by=_text(part, "splitBy", ""),
    )
    if source.resource and not source.split_by:
        part.child("splitBy").refuse("is missing: only a dimension of it tells the versions apart on another resource")
    if source.failures_where is None:
        _refuse_same(part, source.requests, source.failures)
    return source


def _read_log_analytics(part: Part) -> LogAnalyticsSource:
    return LogAnalyticsSource(
        workspace=_text(part, "workspace", ""),
        resource=part.child("resource").read(_resource, ""),
        signal=part.child("signal").read(Signal, _LOG_ANALYTICS.signal),
        split_by=part.child("splitBy").read(SplitBy, _LOG_ANALYTICS.split_by),
        role=_text(part, "role", ""),
    )


def _read_prometheus(part: Part) -> PrometheusSource:
    source = PrometheusSource(
        url=part.child("url").read(parse_server_address, ""),
        requests=part.child("requests").read(parse_selector, ""),
        failures=part.child("failures").read(parse_selector, ""),
        latency=part.child("latency").read(parse_selector, ""),
        latency_unit=part.child("latencyUnit").read(Unit, _PROMETHEUS.latency_unit),
        version_label=_text(part, "versionLabel", _PROMETHEUS.version_label),
        auth=part.child("auth").read(PrometheusAuth, _PROMETHEUS.auth),
        secret_setting=_secret_setting(part),
    )
    _refuse_same(part, source.requests, source.failures)
    return source


def _read_web(part: Part) -> WebSource:
    rate = part.child("failuresUnit")
    source = WebSource(
        url=part.child("url").read(parse_page_address, ""),
        requests=_text(part, "requests", _WEB.requests),
        failures=_text(part, "failures", _WEB.failures),
        failures_unit=rate.read(Unit, Unit.ONE) if rate.exists else None,
        latency=_text(part, "latency", ""),
        latency_unit=part.child("latencyUnit").read(Unit, _WEB.latency_unit),
        histogram=_text(part, "histogram", ""),
        version=_text(part, "version", ""),
        secret_setting=_secret_setting(part),
    )
    _refuse_same(part, source.requests, source.failures)
    return source


def _text(part: Part, name: str, default: str) -> str:
    return part.child(name).read(str, default)


def _resource(text: str) -> str:
    try:
        parse_resource_id(text)
    except RejectedError as error:
        raise ValueError(
            "allowed is a resource id, /subscriptions/<guid>/resourceGroups/<group>/providers/<namespace>/<type>/<name>"
        ) from error
    return text


def _secret_setting(part: Part) -> str | None:
    setting = part.child("secretSetting")
    return setting.read(str, "") if setting.exists else None


def _refuse_same(part: Part, requests: str, failures: str) -> None:
    """Refuse failures that are counted by what counts the requests: then every request would have failed."""
    if requests and requests == failures:
        failed = part.child("failures")
        stands = found(failed.path, failures) if failed.exists else f'is "{failures}"; '
        failed.refuse(f"{stands}allowed is something other than what counts the requests")
