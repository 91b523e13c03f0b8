"""Answers over HTTP: of Prometheus, Kubernetes, GitHub, LaunchDarkly, webhooks, a team's pages, and Slipway itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cli.service import Service, ServiceError
from shared.adapters.gateway_api.clusters import KubernetesClusters
from shared.adapters.gateway_api.places import GatewayPlaces
from shared.adapters.github.workflow_caller import GithubWorkflowCaller
from shared.adapters.http_json.place_probe import HttpPlaceProbe
from shared.adapters.http_json.web_metrics import WebMetrics
from shared.adapters.launchdarkly.flag_distribution import LaunchDarklyFlags
from shared.adapters.prometheus.metrics_source import PrometheusMetrics
from shared.adapters.prometheus.parts import PART
from shared.adapters.webhook.hook_caller import WebhookCaller
from shared.adapters.webhook.notifier import HttpNotifier
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import exchange
from shared.domain.errors import RejectedError, TryLaterError, VersionConflictError
from shared.domain.names import FlagKey, TargetName, Version
from shared.domain.rollout.hooks import GithubWorkflow, Webhook
from shared.domain.rollout.measuring import PrometheusSource, Source, ValueKind, ValueQuery, WebSource
from shared.domain.rollout.spec import (
    HealthCheck,
    NamedPlace,
    Notification,
    Place,
    Target,
    TargetKind,
    Topic,
    VersionProbe,
)
from shared.settings import KubernetesCluster
from shared.wire.archive_manifest import parse_manifest
from shared.wire.flags.document import parse_flag
from tests.fuzz.answering import ITSELF, answered, of_response
from tests.fuzz.parser import Form, Parser, all_of
from tests.fuzz.seeds import Seeds, files, given, headed, payloads, together
from tests.fuzz.table.archives import ENTRIES, MANIFEST
from tests.fuzz.table.foreign import MATRIX, ROUTE, VECTOR
from tests.unit.domain.specs import NOON

OURS = (RejectedError, TryLaterError)
"""What the ports promise."""
CALL = "shop-1.0.migrate"
MINUTE = timedelta(minutes=1)
WORKFLOW = GithubWorkflow(
    repository="octo-org/octo-repo", workflow="migrate.yml", ref="main", token_setting="SLIPWAY_SECRET_GITHUB"
)
RUN = {
    "id": 30433642,
    "name": "Migrate",
    "display_title": CALL,
    "event": "workflow_dispatch",
    "status": "completed",
    "conclusion": "failure",
    "created_at": "2026-11-23T12:00:00Z",
    "html_url": "https://github.com/octo-org/octo-repo/actions/runs/30433642",
}
GITHUB = {
    **RUN,
    "workflow_run_id": 30433642,
    "workflow_runs": [RUN],
    "jobs": [
        {"name": "migrate", "steps": [{"name": "run", "status": "completed", "conclusion": "failure", "number": 1}]}
    ],
}
LAUNCHDARKLY = {
    "key": "new-checkout",
    "archived": False,
    "variations": [{"_id": "a", "value": True, "name": "on"}, {"_id": "b", "value": False, "name": "off"}],
    "environments": {
        "production": {
            "on": True,
            "offVariation": 1,
            "fallthrough": {"variation": 1},
            "rules": [{"_id": "r", "description": "staff", "variation": 0, "clauses": []}],
            "targets": [{"variation": 0, "values": ["ann"]}],
        }
    },
}
PAGE = {"requests": 9, "failures": 1, "p": 5.5, "v": "2", "orders": 3, "h": {"edges": [5], "counts": [4, 5]}}
_MOMENTS = range(1795435200, 1795435321, 15)
COUNTED = {
    "resultType": "matrix",
    "result": [
        *(
            {
                "metric": {PART: part, "version": version, "le": le},
                "values": [[moment, str(growth)] for moment in _MOMENTS],
            }
            for version in ("1", "2")
            for part, le, growth in (
                ("requests", "", 9),
                ("late", "", 0),
                ("failures", "", 1),
                ("after", "", 1),
                ("buckets", "0.5", 4),
                ("buckets", "+Inf", 9),
                ("edges", "0.5", 1),
                ("edges", "+Inf", 1),
                ("took", "", 2),
            )
        ),
        *(
            {
                "metric": {"version": version},
                "histograms": [
                    [moment, {"count": f"{9 + at}", "sum": "1.2", "buckets": [[0, "0.5", "0.59", f"{9 + at}"]]}]
                    for at, moment in enumerate(_MOMENTS)
                ],
            }
            for version in ("1", "2")
        ),
    ],
}
"""What the questions about classic and about native histograms are answered, in one answer."""


def _told(status: int, *documents: Any, **headers: str) -> Seeds:
    return headed({"status": str(status), **headers}, given(*documents))


def _each(*acts: Callable[[], Any], also: tuple[type[Exception], ...] = ()) -> Any:
    """Do all of it: refused is what each of them refuses."""
    return all_of(*((lambda _, act=act: act()) for act in acts), refuses=(*OURS, *also))(None)


def _setting(_: str) -> str:
    return "a-token-of-this-test"


def _github(url: str) -> Any:
    caller = GithubWorkflowCaller(_setting, base_url=url, allow_http=True, now=lambda: NOON)
    return _each(
        lambda: caller.call(WORKFLOW, CALL, {"version": "2"}),
        lambda: caller.call(WORKFLOW, "another", {"version": "2"}),
        lambda: caller.call(WORKFLOW, "another", {"version": "2"}, in_doubt_since=NOON - timedelta(hours=1)),
        lambda: caller.look(WORKFLOW, "run:30433642", CALL),
        lambda: caller.look(WORKFLOW, "since:2026-11-23T11:00:00+00:00", CALL),
    )


def _webhook(url: str) -> Any:
    caller = WebhookCaller(_setting, allow_http=True, now=lambda: NOON)
    hook = Webhook(url=f"{url}/hooks?code=abc", polls=True, secret_setting="SLIPWAY_SECRET_HOOK")

    def look_where_it_says() -> Any:
        started = caller.call(hook, CALL, {"version": "2"})
        return started, caller.look(hook, started.token, CALL)

    return _each(look_where_it_says, lambda: caller.look(hook, "/there?x=1", CALL))


def _notified(url: str) -> Any:
    HttpNotifier(_setting, allow_http=True).notify(
        Notification(name="ops", url=url, topics=tuple(Topic), secret_setting="SLIPWAY_SECRET_OPS"), "1", "{}"
    )


def _prometheus(url: str) -> Any:
    values = (ValueQuery(name="orders", query='orders_total{app="shop"}', kind=ValueKind.COUNTER),)
    metrics = PrometheusMetrics(_setting, None, allow_http=True, now=lambda: NOON + 10 * MINUTE)
    classic, native = (
        PrometheusSource(url=url, requests='hits{app="shop"}', failures='hits{code=~"5.."}', latency=latency)
        for latency in ("took_bucket", "took")
    )
    return _each(
        lambda: metrics.read_windows(_question(classic, values)),
        lambda: metrics.read_windows(_question(native, ())),
        lambda: metrics.find_faults(_question(classic, values)),
    )


def _page(url: str) -> Any:
    values = (ValueQuery(name="orders", query="/orders", kind=ValueKind.COUNTER),)
    source = WebSource(
        url=f"{url}/stats?version={{version}}&since={{since}}", latency="/p", histogram="/h", version="/v"
    )
    metrics = WebMetrics(_setting, allow_http=True)
    return _each(
        lambda: metrics.read_windows(_question(source, values)), lambda: metrics.find_faults(_question(source, values))
    )


def _question(source: Source, values: tuple[ValueQuery, ...]) -> Any:
    from shared.ports.metrics_source import Arm
    from tests.traffic_worlds import window_question

    return window_question(
        NOON,
        NOON + 2 * MINUTE,
        MINUTE,
        source=source,
        candidate=Arm(version=Version("2"), place=Place.CANDIDATE),
        stable=Arm(version=Version("1"), place=Place.PRODUCTION),
        values=values,
    )


def _cluster(url: str) -> Any:
    """What stands in the cluster is read and changed; who waits for gateways to take it up only waits longer."""
    from dataclasses import replace

    from shared.adapters.gateway_api.division import plan_share
    from shared.domain.rollout.spec import Located
    from shared.domain.rollout.weight import from_percent

    located = Located(stable="shop-stable", candidate="shop-canary")
    target = Target(
        name=TargetName("route"),
        kind=TargetKind.HTTP_ROUTE,
        resource=f"{url}/apis/gateway.networking.k8s.io/v1/namespaces/prod/httproutes/shop",
        places=(NamedPlace(name="shop-stable"), NamedPlace(name="shop-canary")),
    )
    clusters = KubernetesClusters(
        [KubernetesCluster(server=url, ca="", token_setting="SLIPWAY_SECRET_AKS")], _setting, object, allow_http=True
    )
    there = replace(target, located=located)
    return _each(
        lambda: GatewayPlaces(clusters).find_places(target, Version("2")),
        lambda: clusters.open(there).change(lambda route: plan_share(route, located, from_percent(25))),
    )


def _launchdarkly(url: str) -> Any:
    flag = parse_flag(files("docs/examples/flag.yaml")()[0])
    adapter = LaunchDarklyFlags(url, "shop", "production", "SLIPWAY_SECRET_LD", _setting)
    return _each(
        lambda: adapter.bring_up(FlagKey("new-checkout"), flag, ()),
        lambda: adapter.bring_up(FlagKey("new-checkout"), None, ()),
        also=(VersionConflictError,),
    )


def _place(url: str) -> Any:
    probe = HttpPlaceProbe(lambda _target, _place: url.partition("//")[2], scheme="http")
    by_header, by_pointer = (
        Target(
            name=TargetName("web"),
            kind=TargetKind.APP_SERVICE_SLOT,
            resource="/x",
            version=version,
            health=HealthCheck(path="/health", more_paths=("//elsewhere",), within=timedelta(seconds=5)),
        )
        for version in (VersionProbe(header="X-Version"), VersionProbe(pointer="/version"))
    )
    return _each(
        lambda: probe.read_version(by_pointer, Place.PRODUCTION),
        lambda: probe.read_version(by_header, Place.CANDIDATE),
        lambda: probe.read_health(by_header, Place.CANDIDATE),
    )


def _slipway(url: str) -> Any:
    """The operator's command line, which is told of the first trouble and does not wait."""
    slipway = Service(url, "a-key-of-this-test", tries=1, wait_seconds=0.0)
    manifest = parse_manifest(MANIFEST)
    return all_of(
        lambda _: slipway.page("a b"),
        lambda _: slipway.begin(manifest, dry_run=True),
        lambda _: slipway.wake(manifest.sha256, ""),
        refuses=(ServiceError,),
    )(None)


def _exchanged(url: str) -> Any:
    answer = exchange("GET", url, Deadline(5.0), headers={}, most_bytes=1000)
    assert len(answer.body) <= 1000
    return answer.status, answer.header("Location")


def _ours(name: str, act: Callable[[str], Any], seeds: Seeds, *more: type[Exception]) -> Parser:
    refused = _told(429, {"message": "slow down", "errors": ["a", {"message": "b"}]}, **{"Retry-After": "7"})
    return Parser(
        name=name,
        form=Form.MESSAGE,
        read=answered(act),
        refuses=(*OURS, *more),
        seeds=together(seeds, refused, _told(302, {}, Location=f"{ITSELF}/there")),
        asks=True,
    )


HTTP = (
    Parser(
        name="http-response",
        form=Form.TEXT,
        read=of_response(_exchanged),
        refuses=(TryLaterError,),
        seeds=given(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 302 Found\r\nLocation: /x\r\n\r\nbody",
        ),
        asks=True,
    ),
    _ours(
        "github-answer",
        _github,
        together(
            _told(200, GITHUB),
            _told(200, {**GITHUB, "conclusion": "success"}, **{"X-RateLimit-Remaining": "1"}),
            _told(403, {"message": "API rate limit"}, **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 10}),
            headed({"status": "200"}, payloads("github/workflow_run/*.json", 4)),
        ),
    ),
    _ours(
        "webhook-answer",
        _webhook,
        together(
            _told(202, {"status": "running", "progress": "half"}, Location="/there?x=1"),
            _told(200, {"status": "failed", "detail": "why /hooks abc"}),
            _told(404, "no /hooks?code=abc here"),
        ),
    ),
    _ours("notification-answer", _notified, _told(204, "")),
    _ours(
        "prometheus-answer",
        _prometheus,
        together(
            *(_told(200, {"status": "success", "data": data}) for data in (COUNTED, MATRIX, VECTOR, ["app", "code"])),
            _told(400, {"status": "error", "errorType": "bad_data", "error": "why"}),
            _told(200, {"status": "success", "data": COUNTED}, Date="Mon, 23 Nov 2026 12:10:00 GMT"),
        ),
    ),
    _ours(
        "web-page-answer",
        _page,
        together(
            _told(200, PAGE),
            _told(200, PAGE, Date="Mon, 23 Nov 2026 12:00:00 GMT"),
            _told(404, ""),
        ),
    ),
    _ours(
        "kubernetes-answer",
        _cluster,
        together(
            _told(200, ROUTE, {**ROUTE, "metadata": {"resourceVersion": "7", "generation": 2}}),
            _told(422, {"kind": "Status", "message": "the server rejected our request", "reason": "Invalid"}),
            headed({"status": "200"}, payloads("gateway-api/httproute-examples/*.json", 4)),
        ),
    ),
    _ours(
        "launchdarkly-answer",
        _launchdarkly,
        together(_told(200, LAUNCHDARKLY), _told(429, {}, **{"X-Ratelimit-Reset": "1795435260000"})),
        VersionConflictError,
    ),
    _ours("place-answer", _place, together(_told(200, {"version": "2"}, **{"X-Version": "2"}), _told(200, "2"))),
    _ours(
        "slipway-answer",
        _slipway,
        together(
            _told(200, {"entries": list(ENTRIES), "next": "abc", "phase": "writing", "woken": 3, "unread": ["a"]}),
            _told(503, {"title": "Later", "detail": "busy"}, **{"Retry-After": "3"}),
        ),
        ServiceError,
    ),
)
