"""Answers of Azure, through Microsoft's own SDKs: of the management API, of metrics, of logs, of App Configuration."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

from shared.domain.errors import RejectedError, TryLaterError, VersionConflictError
from shared.domain.names import FlagKey, TargetName, Version
from shared.domain.rollout.hooks import ContainerAppsJob
from shared.domain.rollout.measuring import AzureMonitorSource, LogAnalyticsSource, ValueKind, ValueQuery
from shared.domain.rollout.spec import Located, NamedPlace, Place, Target, TargetKind
from shared.domain.rollout.weight import from_percent
from shared.wire.flags.document import parse_flag
from tests.fuzz.answering import ITSELF, answered
from tests.fuzz.parser import Form, Parser, all_of
from tests.fuzz.seeds import Seeds, files, given, headed, payloads, together
from tests.fuzz.table.foreign import PROFILE
from tests.unit.domain.specs import NOON

OURS = (RejectedError, TryLaterError)
"""What the ports promise."""
_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers"
_SITE = Target(
    name=TargetName("web"),
    kind=TargetKind.APP_SERVICE_SLOT,
    resource=f"{_GROUP}/Microsoft.Web/sites/shop",
    slot="candidate",
    region="westeurope",
)
_APP = Target(
    name=TargetName("app"),
    kind=TargetKind.CONTAINER_APP,
    resource=f"{_GROUP}/Microsoft.App/containerApps/shop",
    located=Located(stable="shop--v1", candidate="shop--v2"),
)
_WORLD = Target(
    name=TargetName("world"),
    kind=TargetKind.TRAFFIC_MANAGER,
    resource=f"{_GROUP}/Microsoft.Network/trafficManagerProfiles/shop",
    places=(NamedPlace(name="shop-stable"), NamedPlace(name="shop-canary")),
    located=Located(stable="shop-stable", candidate="shop-canary"),
)
_JOB = ContainerAppsJob(resource=f"{_GROUP}/Microsoft.App/jobs/migrate")
_CALL = "shop-1.0.migrate"
_SWAP = f"{_GROUP}/Microsoft.Web/sites/shop/operationresults/7?api-version=2023-01-01"
_REFUSAL = {"error": {"code": "Conflict", "message": "busy", "innererror": {"message": "why"}}}

SITE = {
    "name": "shop",
    "status": "Succeeded",
    "properties": {
        "defaultHostName": "shop.example",
        "targetSwapSlot": "candidate",
        "inProgressOperationId": None,
        "experiments": {
            "rampUpRules": [{"name": "candidate", "actionHostName": "shop.example", "reroutePercentage": 12.5}]
        },
    },
    "value": [{"name": "a", "properties": {"settingName": "A", "diffRule": "SettingsStayWithSlot"}}],
}
BY_PRIORITY = {**PROFILE, "properties": {**PROFILE["properties"], "trafficRoutingMethod": "Priority"}}
REVISIONS = [
    {
        "name": f"shop--v{number}",
        "properties": {
            "createdTime": "2026-11-23T12:00:00Z",
            "fqdn": f"shop--v{number}.example",
            "template": {"containers": [{"name": "shop", "image": f"registry.example/shop:{number}@sha256:ab"}]},
            "active": True,
            "trafficWeight": weight,
            "provisioningState": "Provisioned",
            "provisioningError": "none",
            "runningState": "Running",
        },
    }
    for number, weight in ((1, 90), (2, 10), (3, 0))
]
APP: dict[str, Any] = {
    "name": "shop",
    "properties": {
        "provisioningState": "Succeeded",
        "latestReadyRevisionName": "shop--v2",
        "configuration": {
            "activeRevisionsMode": "Multiple",
            "ingress": {
                "stickySessions": {"affinity": "sticky"},
                "traffic": [
                    {"revisionName": "shop--v1", "weight": 90, "label": "blue"},
                    {"revisionName": "shop--v2", "weight": 10, "latestRevision": False},
                ],
            },
        },
    },
    "value": REVISIONS,
}
EXECUTION = {
    "name": "migrate-abc",
    "properties": {
        "status": "Succeeded",
        "startTime": "2026-11-23T12:00:00Z",
        "endTime": "2026-11-23T12:01:00Z",
        "template": {
            "containers": [
                {
                    "name": "main",
                    "image": "registry.example/migrate:7",
                    "command": ["/bin/migrate"],
                    "env": [{"name": "SLIPWAY_ID", "value": _CALL}, {"name": "A", "secretRef": "a"}],
                    "resources": {"cpu": 0.5, "memory": "1Gi"},
                }
            ],
            "initContainers": [{"name": "wait", "image": "registry.example/wait:1"}],
        },
        "reason": "Completed",
        "message": "done",
    },
}
JOB = {**EXECUTION, "value": [EXECUTION]}
_POINTS = [
    {"timeStamp": "2026-11-23T12:00:00Z", "total": 10.0, "average": 0.2, "count": 3},
    {"timeStamp": "2026-11-23T12:01:00Z", "total": 0},
]
METRICS = {
    "values": [
        {
            "starttime": "2026-11-23T12:00:00Z",
            "endtime": "2026-11-23T12:02:00Z",
            "interval": "PT1M",
            "namespace": "Microsoft.Web/sites",
            "resourceregion": "westeurope",
            "resourceid": _SITE.resource,
            "value": [
                {
                    "id": f"{_SITE.resource}/providers/Microsoft.Insights/metrics/{name}",
                    "type": "Microsoft.Insights/metrics",
                    "name": {"value": name, "localizedValue": name},
                    "displayDescription": "",
                    "unit": "Seconds" if name == "HttpResponseTime" else "Count",
                    "errorCode": "Success",
                    "timeseries": [{"metadatavalues": [], "data": _POINTS}],
                }
                for name in ("Requests", "Http5xx", "HttpResponseTime", "Orders")
            ],
        }
    ]
}
SPLIT_METRICS = {
    "values": [
        {
            **METRICS["values"][0],
            "value": [
                {
                    **metric,
                    "timeseries": [
                        {
                            "metadatavalues": [{"name": {"value": "revisionName"}, "value": f"shop--v{number}"}],
                            "data": _POINTS,
                        }
                        for number in (1, 2)
                    ],
                }
                for metric in METRICS["values"][0]["value"]
            ],
        }
    ]
}
_SETTING = {
    "key": ".appconfig.featureflag/new-checkout",
    "label": "live",
    "content_type": "application/vnd.microsoft.appconfig.ff+json;charset=utf-8",
    "value": '{"id":"new-checkout","enabled":true,"conditions":{"client_filters":[]},"telemetry":{"enabled":true}}',
    "last_modified": "2026-11-23T12:00:00+00:00",
    "locked": False,
    "tags": {"managed-by": "slipway"},
    "etag": "abc",
}


@cache
def _sites(url: str) -> Any:
    from shared.adapters.app_service.sites import AppServiceSites
    from tests.sandbox_sdk import AnyToken

    return AppServiceSites(AnyToken(), base_url=url, allow_http=True)


def _site(url: str) -> Any:
    from shared.adapters.app_service.hosts import AppServiceHosts
    from shared.adapters.app_service.promoter import AppServicePromoter
    from shared.adapters.app_service.traffic_router import AppServiceRouter

    sites = _sites(url)
    router, promoter = AppServiceRouter(sites, AppServiceHosts(sites)), AppServicePromoter(sites)
    return _each(
        lambda: router.read_share(_SITE),
        lambda: router.set_share(_SITE, from_percent(5)),
        lambda: promoter.read_swap(_SITE, None),
        lambda: promoter.read_preview(_SITE),
        lambda: promoter.read_staying(_SITE),
        lambda: promoter.reset_preview(_SITE),
    )


def _swap(url: str) -> Any:
    from shared.adapters.app_service.promoter import AppServicePromoter

    promoter = AppServicePromoter(_sites(url))
    return _each(
        lambda: promoter.read_swap(_SITE, promoter.begin_swap(_SITE)), lambda: promoter.read_swap(_SITE, _SWAP)
    )


@cache
def _apps(url: str) -> Any:
    from shared.adapters.container_apps.apps import ContainerApps
    from tests.sandbox_sdk import AnyToken

    return ContainerApps(AnyToken(), base_url=url, allow_http=True)


def _app(url: str) -> Any:
    from shared.adapters.container_apps.place_finder import ContainerAppPlaces
    from shared.adapters.container_apps.traffic_router import ContainerAppRouter

    apps = _apps(url)
    return _each(
        lambda: ContainerAppRouter(apps).read_share(_APP),
        lambda: ContainerAppPlaces(apps).find_places(_APP, Version("2")),
    )


def _revision(url: str) -> Any:
    from shared.adapters.container_apps.hosts import ContainerAppHosts

    return ContainerAppHosts(_apps(url)).host_of(_APP, Place.CANDIDATE)


@cache
def _jobs(url: str) -> Any:
    from shared.adapters.container_apps.job_caller import ContainerAppsJobCaller
    from tests.sandbox_sdk import AnyToken

    return ContainerAppsJobCaller(AnyToken(), base_url=url, allow_http=True, now=lambda: NOON)


def _job(url: str) -> Any:
    return _each(
        lambda: _jobs(url).call(_JOB, _CALL, {"version": "2"}),
        lambda: _jobs(url).call(_JOB, "another", {"version": "2"}),
        lambda: _jobs(url).call(_JOB, "another", {"version": "2"}, in_doubt_since=NOON - timedelta(hours=1)),
        lambda: _jobs(url).look(_JOB, "execution:migrate-abc", _CALL),
    )


@cache
def _profiles(url: str) -> Any:
    from shared.adapters.traffic_manager.profiles import TrafficManagerProfiles
    from tests.sandbox_sdk import AnyToken

    return TrafficManagerProfiles(AnyToken(), base_url=url, allow_http=True)


def _world(url: str) -> Any:
    from shared.adapters.traffic_manager.hosts import TrafficManagerHosts
    from shared.adapters.traffic_manager.places import TrafficManagerPlaces
    from shared.adapters.traffic_manager.traffic_router import TrafficManagerRouter

    profiles = _profiles(url)
    return _each(
        lambda: _in_time(TrafficManagerPlaces(profiles).find_places(_WORLD, Version("2"))),
        lambda: TrafficManagerRouter(profiles).read_share(_WORLD),
        lambda: TrafficManagerRouter(profiles).set_share(_WORLD, from_percent(25)),
        lambda: TrafficManagerHosts(profiles).host_of(_WORLD, Place.CANDIDATE),
    )


def _in_time(located: Located) -> Located:
    """What users' resolvers remember is waited for."""
    assert NOON + located.settles + located.pins
    return located


@cache
def _monitor(url: str) -> Any:
    from shared.adapters.azure_monitor.metrics_source import AzureMonitorMetrics
    from tests.sandbox_sdk import AnyToken

    return AzureMonitorMetrics(AnyToken(), endpoint=url, allow_http=True)


def _metrics(source: AzureMonitorSource) -> Callable[[str], Any]:
    value = ValueQuery(name="orders", query="Orders", kind=ValueKind.COUNTER)

    def ask(url: str) -> Any:
        question = question_of(source, (value,))
        return _each(lambda: _monitor(url).read_windows(question), lambda: _monitor(url).find_faults(question))

    return ask


@cache
def _workspaces(url: str) -> Any:
    from shared.adapters.log_analytics.metrics_source import LogAnalyticsMetrics
    from tests.sandbox_sdk import AnyToken

    return LogAnalyticsMetrics(AnyToken(), endpoint=url, allow_http=True)


def _logs(url: str) -> Any:
    source = LogAnalyticsSource(workspace="00000000-0000-0000-0000-000000000001")
    value = ValueQuery(name="orders", query="Orders | summarize value = count()", kind=ValueKind.COUNTER)
    question = question_of(source, (value,))
    return _each(
        lambda: _workspaces(url).read_windows(question_of(source, ())),
        lambda: _workspaces(url).read_windows(question),
        lambda: _workspaces(url).find_faults(question),
    )


def question_of(source: Any, values: tuple[ValueQuery, ...]) -> Any:
    from shared.ports.metrics_source import Arm
    from tests.traffic_worlds import window_question

    return window_question(
        NOON,
        NOON + timedelta(minutes=2),
        timedelta(minutes=1),
        target=_SITE,
        source=source,
        candidate=Arm(version=Version("shop--v2"), place=Place.CANDIDATE),
        stable=Arm(version=Version("shop--v1"), place=Place.PRODUCTION),
        values=values,
    )


def _table() -> dict[str, Any]:
    """An answer that has the columns of each of our queries."""
    from shared.adapters.log_analytics.queries import NAMES_COLUMNS
    from shared.adapters.log_analytics.sampling import COLUMNS
    from shared.adapters.log_analytics.values import COLUMNS as VALUE_COLUMNS

    columns = tuple(dict.fromkeys((*COLUMNS, *NAMES_COLUMNS, *VALUE_COLUMNS)))
    texts = {
        "Start": "2026-11-23T12:00:00Z",
        "Now": "2026-11-23T12:05:00Z",
        "TimeGenerated": "2026-11-23T12:00:00Z",
        "Arm": "candidate",
        "Role": "shop",
        "Named": "shop--v2",
        "version": "shop--v2",
    }
    kinds = {"Start": "datetime", "Now": "datetime", "TimeGenerated": "datetime"}
    row = [texts.get(name, 1) for name in columns]
    return {
        "tables": [
            {
                "name": "PrimaryResult",
                "columns": [
                    {"name": name, "type": kinds.get(name, "string" if name in texts else "real")} for name in columns
                ],
                "rows": [row, [{"candidate": "stable", "shop--v2": "shop--v1"}.get(str(each), each) for each in row]],
            }
        ]
    }


@cache
def _store(url: str) -> Any:
    from shared.adapters.app_configuration.flag_distribution import AppConfigurationFlags
    from tests.sandbox_sdk import AnyToken

    return AppConfigurationFlags(url, "live", AnyToken(), allow_http=True)


def _distributed(url: str) -> Any:
    flag = parse_flag(files("docs/examples/flag.yaml")()[0])
    return _each(
        lambda: _store(url).bring_up(FlagKey("new-checkout"), flag, ()),
        lambda: _store(url).bring_up(FlagKey("new-checkout"), None, ()),
        also=(VersionConflictError,),
    )


def _each(*acts: Callable[[], Any], also: tuple[type[Exception], ...] = ()) -> Any:
    """Do all of it: refused is what each of them refuses."""
    return all_of(*((lambda _, act=act: act()) for act in acts), refuses=(*OURS, *also))(None)


def _told(status: int, *documents: Any, **headers: str) -> Seeds:
    return headed({"status": str(status), **headers}, given(*documents))


def _ours(name: str, act: Callable[[str], Any], seeds: Seeds, *more: type[Exception]) -> Parser:
    return Parser(
        name=name,
        form=Form.MESSAGE,
        read=answered(act),
        refuses=(*OURS, *more),
        seeds=together(seeds, _told(429, _REFUSAL, **{"Retry-After": "7"}), _told(404, _REFUSAL)),
        asks=True,
    )


AZURE = (
    _ours("app-service-site", _site, _told(200, SITE)),
    _ours(
        "app-service-swap",
        _swap,
        together(
            _told(202, "", Location=f"{ITSELF}{_SWAP}"),
            _told(200, SITE, Location=f"{ITSELF}{_SWAP}"),
            _told(200, {"status": "Failed", "error": _REFUSAL}),
        ),
    ),
    _ours(
        "container-app",
        _app,
        together(_told(200, APP), headed({"status": "200"}, payloads("azure-rest/app-2023-05-01-examples/*.json", 4))),
    ),
    _ours("container-app-revision", _revision, _told(200, *REVISIONS)),
    _ours("container-app-job", _job, _told(200, JOB)),
    _ours("traffic-manager-answer", _world, _told(200, PROFILE, BY_PRIORITY)),
    _ours(
        "azure-monitor-batch",
        _metrics(AzureMonitorSource()),
        together(_told(200, METRICS), headed({"status": "200"}, payloads("azure-rest/monitor-examples/*.json", 4))),
    ),
    _ours("azure-monitor-split", _metrics(AzureMonitorSource(split_by="revisionName")), _told(200, SPLIT_METRICS)),
    _ours(
        "log-analytics-answer",
        _logs,
        lambda: _told(200, _table(), {**_table(), "error": {"code": "PartialError", "details": [_REFUSAL["error"]]}})(),
    ),
    _ours("app-configuration-setting", _distributed, _told(200, _SETTING, ETag='"abc"'), VersionConflictError),
)
