"""What the meshes and ingress controllers count, as Prometheus has it: requests, failures and response times."""

from dataclasses import dataclass
from typing import Final

from shared.wire.peers.promql import Matcher, Selector, read_query


@dataclass(frozen=True, slots=True)
class Workload:
    """What one application is called there."""

    namespace: str
    target: str
    service: str
    ingress: str
    route: str


@dataclass(frozen=True, slots=True)
class Mesh:
    """The counters of one mesh; `{target}` and the like stand for the names of a workload."""

    requests: str
    where: str
    failed: str
    latency: str
    latency_where: str
    milliseconds: bool
    version_label: str = "version"
    is_average: bool = False
    """Whether its response times are looked at on average, and not where one request in a hundred is slower."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The selectors of one application in one mesh, of all its versions."""

    requests: Selector
    failures: Selector
    latency: Selector
    milliseconds: bool
    version_label: str
    is_average: bool

    def latency_of_version(self) -> str:
        """Return the query for the response time of one version, in milliseconds."""
        version = Matcher(self.version_label, "=", "$version")
        of = self.latency.with_matcher(version)
        scale = "" if self.milliseconds else " * 1000"
        if not self.is_average:
            return f"histogram_quantile(0.99, sum(rate({of}[$window])) by (le)){scale}"
        total, count = (Selector(self.latency.name.removesuffix("bucket") + name, of.matchers) for name in _AVERAGE)
        return f"sum(rate({total}[$window])) / sum(rate({count}[$window])){scale}"


_AVERAGE: Final = ("sum", "count")
_BOTH: Final = "{target}(-primary|-canary)?"
_POD: Final = f"{_BOTH}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"


def _envoy(where: str) -> Mesh:
    failed = 'envoy_response_code=~"5.*"'
    latency = "envoy_cluster_upstream_rq_time_bucket"
    return Mesh("envoy_cluster_upstream_rq", where, failed, latency, where, milliseconds=True)


_ISTIO_WHERE: Final = (
    f'reporter="destination",destination_workload_namespace="{{namespace}}",destination_workload=~"{_BOTH}"'
)
_LINKERD_WHERE: Final = f'namespace="{{namespace}}",deployment=~"{_BOTH}",direction="inbound"'
_NGINX_WHERE: Final = 'namespace="{namespace}",ingress="{ingress}"'
_HTTP_WHERE: Final = f'kubernetes_namespace="{{namespace}}",kubernetes_pod_name=~"{_POD}"'
_TRAEFIK_WHERE: Final = f'service=~"{{namespace}}-{_BOTH}-[0-9a-zA-Z-]+@kubernetescrd"'
_OSM_WHERE: Final = f'destination_namespace="{{namespace}}",destination_kind="Deployment",destination_name=~"{_BOTH}"'
_SKIPPER_WHERE: Final = 'route=~"kube(ew)?_{namespace}__{ingress}(_canary)?__.*__{service}(-primary|-canary)?.*"'
_APISIX_WHERE: Final = f'route=~"{{namespace}}_{{route}}-{_BOTH}_.+"'

HTTP: Final = Mesh(
    "http_request_duration_seconds_count",
    _HTTP_WHERE,
    'status=~"5.*"',
    "http_request_duration_seconds_bucket",
    _HTTP_WHERE,
    milliseconds=False,
)
ISTIO: Final = Mesh(
    "istio_requests_total",
    _ISTIO_WHERE,
    'response_code=~"5.*"',
    "istio_request_duration_milliseconds_bucket",
    _ISTIO_WHERE,
    milliseconds=True,
    version_label="destination_version",
)
LINKERD: Final = Mesh(
    "response_total",
    _LINKERD_WHERE,
    'classification="failure"',
    "response_latency_ms_bucket",
    _LINKERD_WHERE,
    milliseconds=True,
)
NGINX: Final = Mesh(
    "nginx_ingress_controller_requests",
    _NGINX_WHERE,
    'status=~"5.*"',
    "nginx_ingress_controller_response_duration_seconds_bucket",
    _NGINX_WHERE,
    milliseconds=False,
    is_average=True,
)
TRAEFIK: Final = Mesh(
    "traefik_service_request_duration_seconds_count",
    _TRAEFIK_WHERE,
    'code=~"5.."',
    "traefik_service_request_duration_seconds_bucket",
    _TRAEFIK_WHERE,
    milliseconds=False,
)
APISIX: Final = Mesh(
    "apisix_http_status",
    _APISIX_WHERE,
    'code=~"5.."',
    "apisix_http_latency_bucket",
    f'type="request",{_APISIX_WHERE}',
    milliseconds=True,
)
APP_MESH: Final = _envoy(_HTTP_WHERE)
MESHES: Final = {
    "istio": ISTIO,
    "linkerd": LINKERD,
    "nginx": NGINX,
    "kubernetes": HTTP,
    "gatewayapi": HTTP,
    "traefik": TRAEFIK,
    "apisix": APISIX,
    "appmesh": APP_MESH,
    "gloo": _envoy(f'envoy_cluster_name=~"{{namespace}}-{_BOTH}upstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"'),
    "contour": _envoy('envoy_cluster_name=~"{namespace}_{service}(-primary|-canary)?_[0-9a-zA-Z-]+"'),
    "kuma": _envoy(f'service=~"{_BOTH}_{{namespace}}_svc_[0-9a-zA-Z-]+"'),
    "knative": _envoy('envoy_cluster_name=~"{namespace}/{target}.*"'),
    "osm": Mesh(
        "osm_request_total",
        _OSM_WHERE,
        'response_code=~"5.*"',
        "osm_request_duration_ms_bucket",
        _OSM_WHERE,
        milliseconds=True,
    ),
    "skipper": Mesh(
        "skipper_response_duration_seconds_count",
        _SKIPPER_WHERE,
        'code=~"5.."',
        "skipper_serve_route_duration_seconds_bucket",
        _SKIPPER_WHERE,
        milliseconds=False,
        is_average=True,
    ),
}
"""By the name that Flagger has for a provider, without its version."""


def counters(mesh: Mesh, workload: Workload) -> Counters:
    """Return the selectors that count a workload's requests in a mesh."""
    return Counters(
        requests=_filled(mesh.requests, mesh.where, workload),
        failures=_filled(mesh.requests, f"{mesh.where},{mesh.failed}", workload),
        latency=_filled(mesh.latency, mesh.latency_where, workload),
        milliseconds=mesh.milliseconds,
        version_label=mesh.version_label,
        is_average=mesh.is_average,
    )


def _filled(name: str, where: str, workload: Workload) -> Selector:
    for field in ("namespace", "target", "service", "ingress", "route"):
        where = where.replace(f"{{{field}}}", getattr(workload, field).replace(".", "[.]"))
    return read_query(f"{name}{{{where}}}").selectors[0]


def version_label_of(selector: Selector) -> str:
    """Return the label that tells the version in the series of a selector, as far as its name says so."""
    return ISTIO.version_label if selector.name.startswith("istio_") else "version"
