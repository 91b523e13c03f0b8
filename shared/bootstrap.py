"""The composition root: the only file that names adapters and reads the environment.

Nothing is connected at import. Each worker process builds its object graph on the first call.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from shared.adapters.system.clock import SystemClock
from shared.application.accept import Intake
from shared.application.access import Access
from shared.application.by_kind import KindAdapters, TargetsByKind
from shared.application.door import Door
from shared.application.drive import Driver
from shared.application.flagger_questions import FlaggerQuestions
from shared.application.foreign_events import ForeignEvents
from shared.application.hook_reports import HookReports
from shared.application.hooks_by_kind import HooksByKind
from shared.application.laid_aside import LaidAside
from shared.application.move_target import TargetMover
from shared.application.observed import ObservationIntake
from shared.application.observed_metrics import ObservedMetrics
from shared.application.perform import Performer
from shared.application.plans import Plans
from shared.application.publish import ViewPublisher
from shared.application.read import MetricsSources, Reader
from shared.application.release_commands import MemberCommander
from shared.application.release_drive import ReleaseDriver
from shared.application.releases import Releases
from shared.application.sweep import Sweep
from shared.application.views import Views
from shared.application.wake import WakeUpHandler
from shared.domain.errors import InvalidError
from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.hooks import ContainerAppsJob, GithubWorkflow, HookCall, Webhook
from shared.domain.rollout.measuring import (
    AzureMonitorSource,
    LogAnalyticsSource,
    ObservationsSource,
    PrometheusSource,
    WebSource,
)
from shared.domain.rollout.spec import TargetKind
from shared.ports.alert_queue import AlertQueue
from shared.ports.audience import Audience
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue
from shared.ports.dead_letters import DeadLetters
from shared.ports.hook_caller import HookCaller
from shared.ports.metrics_source import MetricsSource
from shared.ports.notifier import Notifier
from shared.ports.observations import ClosedWindows, Observations
from shared.ports.open_markers import OpenMarkers
from shared.ports.place_finder import PlaceFinder
from shared.ports.place_probe import PlaceProbe
from shared.ports.promoter import Promoter
from shared.ports.rollout_store import RolloutArchive, RolloutStore
from shared.ports.traffic_router import TrafficRouter
from shared.ports.view_index import ViewIndex
from shared.settings import Settings, SettingsError
from shared.telemetry import keep_logs_clean

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from shared.adapters.app_service.sites import AppServiceSites
    from shared.adapters.sqlite.broker import SqliteBroker


Kind = TypeVar("Kind")
Built = TypeVar("Built")


class StoreAndArchive(RolloutStore, RolloutArchive, Protocol):
    """Both adapters of the store read the archive too."""


class ObservationsAndWindows(Observations, ClosedWindows, Protocol):
    """Both adapters of observations keep their windows too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where things are kept and how aggregates are woken."""

    store: StoreAndArchive
    markers: OpenMarkers
    index: ViewIndex
    letters: DeadLetters
    observations: ObservationsAndWindows
    queue: CommandQueue
    alerts: AlertQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is moved and looked at."""

    router: TrafficRouter
    audience: Audience
    finder: PlaceFinder
    promoter: Promoter
    probe: PlaceProbe
    metrics: MetricsSources
    notifier: Notifier
    hooks: HookCaller
    address: str = ""
    """Where this app is reached from outside; empty where nobody said."""
    secret_of: Callable[[str], str | None] = lambda _name: None
    """Returns the value of an app setting, by which a hook that calls back is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The use cases, ready to be called by triggers."""

    access: Access
    intake: Intake
    events: ForeignEvents
    flagger: FlaggerQuestions
    hook_reports: HookReports
    observations: ObservationIntake
    wake_ups: WakeUpHandler
    sweep: Sweep
    views: Views
    plans: Plans
    releases: Releases


def build(
    keeping: Keeping, outside: Outside, access: Access, clock: Clock, house: tuple[ReleaseWindow, ...] = ()
) -> App:
    """Wire the use cases to their ports. `house` are the release windows of all applications."""
    observed = keeping.observations
    sources = _and_pushed(outside.metrics, ObservedMetrics(observed, observed, clock))
    reader = Reader(
        outside.router,
        outside.promoter,
        outside.probe,
        sources,
        outside.finder,
        outside.hooks,
        outside.audience,
    )
    publisher = ViewPublisher(keeping.index)
    door = Door(keeping.store, keeping.markers, keeping.queue, clock)
    mover = TargetMover(
        store=keeping.store,
        router=outside.router,
        promoter=outside.promoter,
        probe=outside.probe,
        audience=outside.audience,
        clock=clock,
    )
    performer = Performer(
        store=keeping.store,
        mover=mover,
        notifier=outside.notifier,
        publisher=publisher,
        clock=clock,
        hooks=outside.hooks,
        door=door,
        address=outside.address,
    )
    driver = Driver(keeping.store, keeping.queue, keeping.markers, reader, performer, clock, house)
    intake = Intake(keeping.store, keeping.store, keeping.markers, keeping.index, keeping.queue, clock, house)
    commander = MemberCommander(keeping.store, door)
    releases = ReleaseDriver(keeping.store, keeping.queue, keeping.markers, commander, clock)
    aside = LaidAside(keeping.letters, clock)
    return App(
        access=access,
        intake=intake,
        events=ForeignEvents(intake, keeping.alerts, aside, clock),
        flagger=FlaggerQuestions(keeping.store, intake, clock),
        hook_reports=HookReports(intake, access, keeping.store, keeping.store, clock, outside.secret_of),
        observations=ObservationIntake(keeping.store, observed, observed, keeping.queue, clock),
        wake_ups=WakeUpHandler(driver, releases, keeping.queue, aside, clock),
        sweep=Sweep(keeping.markers, keeping.queue, clock),
        views=Views(keeping.store, keeping.store, keeping.index, keeping.letters),
        plans=Plans(keeping.store, clock, house),
        releases=Releases(keeping.store, keeping.store, door),
    )


@cache
def app() -> App:
    """Build the object graph on the first call of this worker process, never at import."""
    settings = Settings.from_env(os.environ)
    keep_logs_clean(settings)
    access = Access(settings.operator_keys, settings.source_keys)
    house = house_windows(settings)
    return build(keeping(settings), azure(settings, os.environ), access, SystemClock(), house)


def house_windows(settings: Settings) -> tuple[ReleaseWindow, ...]:
    """Return the release windows of all applications. Raises `SettingsError` that names what is wrong with them."""
    if not settings.release_windows:
        return ()
    from shared.wire.house_calendar import parse_house_windows

    try:
        return parse_house_windows(settings.release_windows)
    except InvalidError as error:
        raise SettingsError(f"SLIPWAY_RELEASE_WINDOWS: {error}") from error


def keeping(settings: Settings) -> Keeping:
    """Return the store and queue that the settings name."""
    if settings.data:
        return embedded(settings.data, settings.commands_queue, settings.alerts_queue)
    return _service_bus_and_tables(settings)


def embedded(data: Path, commands_queue: str, alerts_queue: str) -> Keeping:
    """Return the embedded store and queue, in the folder `data`."""
    from shared.adapters.sqlite.alert_queue import SqliteAlertQueue
    from shared.adapters.sqlite.command_queue import SqliteCommandQueue
    from shared.adapters.sqlite.database import Database
    from shared.adapters.sqlite.dead_letters import SqliteDeadLetters
    from shared.adapters.sqlite.observations import SqliteObservations
    from shared.adapters.sqlite.open_markers import SqliteOpenMarkers
    from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
    from shared.adapters.sqlite.view_index import SqliteViewIndex

    database = Database(data / "store.db")
    return Keeping(
        store=SqliteRolloutStore(database),
        markers=SqliteOpenMarkers(database),
        index=SqliteViewIndex(database),
        letters=SqliteDeadLetters(database),
        observations=SqliteObservations(database),
        queue=SqliteCommandQueue(embedded_broker(data), commands_queue),
        alerts=SqliteAlertQueue(embedded_broker(data), alerts_queue),
    )


@cache
def embedded_broker(data: Path) -> "SqliteBroker":
    """Return the embedded broker of this folder: one for the app and for the host that feeds it."""
    from shared.adapters.sqlite.broker import SqliteBroker

    data.mkdir(parents=True, exist_ok=True)
    return SqliteBroker(data / "queue.db", now=SystemClock().now)


def _service_bus_and_tables(settings: Settings) -> Keeping:
    from shared.adapters.azure_tables.dead_letters import TableDeadLetters
    from shared.adapters.azure_tables.observations import TableObservations
    from shared.adapters.azure_tables.open_markers import TableOpenMarkers
    from shared.adapters.azure_tables.rollout_store import TableRolloutStore
    from shared.adapters.azure_tables.table import Table
    from shared.adapters.azure_tables.view_index import TableViewIndex
    from shared.adapters.service_bus.alert_queue import ServiceBusAlertQueue
    from shared.adapters.service_bus.command_queue import ServiceBusCommandQueue

    if settings.tables_connection:
        table = Table.from_connection_string(settings.tables_connection, name=settings.tables_name)
    else:
        endpoint = settings.tables_endpoint or ""
        table = Table.from_endpoint(endpoint, _identity(), name=settings.tables_name)
    connection = settings.service_bus_connection or ""
    namespace = "" if connection else settings.service_bus_namespace or ""
    credential = None if connection else _identity()
    to: dict[str, Any] = {"connection_string": connection, "namespace": namespace, "credential": credential}
    return Keeping(
        store=TableRolloutStore(table),
        markers=TableOpenMarkers(table),
        index=TableViewIndex(table),
        letters=TableDeadLetters(table),
        observations=TableObservations(table),
        queue=ServiceBusCommandQueue(settings.commands_queue, **to),
        alerts=ServiceBusAlertQueue(settings.alerts_queue, **to),
    )


def azure(settings: Settings, env: Mapping[str, str]) -> Outside:
    """Return the adapters to Azure: the public cloud's, or those at the URLs that the settings name."""
    from shared.adapters.app_service.promoter import AppServicePromoter
    from shared.adapters.app_service.sites import AppServiceSites
    from shared.adapters.http_json.place_probe import HttpPlaceProbe
    from shared.adapters.webhook.notifier import HttpNotifier

    credential = _token(settings.access_token) if settings.access_token else _identity()
    sites = AppServiceSites(credential, base_url=settings.management_url, allow_http=settings.allow_http)
    targets = TargetsByKind(target_kinds(settings, env, sites, credential))
    return Outside(
        router=targets,
        audience=targets,
        finder=targets,
        promoter=AppServicePromoter(sites),
        probe=HttpPlaceProbe(targets.host_of, scheme="http" if settings.allow_http else "https"),
        metrics=metrics_sources(settings, env, credential),
        notifier=HttpNotifier(env.get, allow_http=settings.allow_http),
        hooks=HooksByKind(hook_callers(settings, env, credential)),
        address=settings.address,
        secret_of=env.get,
    )


def target_kinds(
    settings: Settings, env: Mapping[str, str], sites: "AppServiceSites", credential: "TokenCredential"
) -> Mapping[TargetKind, KindAdapters]:
    """Return what moves each kind of target; each is built when it is first used."""

    def slots() -> KindAdapters:
        from shared.adapters.app_service.hosts import AppServiceHosts
        from shared.adapters.app_service.traffic_router import AppServiceRouter

        hosts = AppServiceHosts(sites)
        return KindAdapters(router=AppServiceRouter(sites, hosts), host_of=hosts.host_of)

    def container_apps() -> KindAdapters:
        from shared.adapters.container_apps.apps import ContainerApps
        from shared.adapters.container_apps.hosts import ContainerAppHosts
        from shared.adapters.container_apps.place_finder import ContainerAppPlaces
        from shared.adapters.container_apps.traffic_router import ContainerAppRouter

        apps = ContainerApps(credential, base_url=settings.management_url, allow_http=settings.allow_http)
        hosts = ContainerAppHosts(apps)
        return KindAdapters(router=ContainerAppRouter(apps), host_of=hosts.host_of, finder=ContainerAppPlaces(apps))

    def traffic_manager() -> KindAdapters:
        from shared.adapters.traffic_manager.hosts import TrafficManagerHosts
        from shared.adapters.traffic_manager.places import TrafficManagerPlaces
        from shared.adapters.traffic_manager.profiles import TrafficManagerProfiles
        from shared.adapters.traffic_manager.traffic_router import TrafficManagerRouter

        profiles = TrafficManagerProfiles(credential, base_url=settings.management_url, allow_http=settings.allow_http)
        hosts = TrafficManagerHosts(profiles)
        return KindAdapters(
            router=TrafficManagerRouter(profiles), host_of=hosts.host_of, finder=TrafficManagerPlaces(profiles)
        )

    def http_routes() -> KindAdapters:
        from shared.adapters.gateway_api.audience import GatewayAudience
        from shared.adapters.gateway_api.clusters import KubernetesClusters
        from shared.adapters.gateway_api.located import host_of
        from shared.adapters.gateway_api.places import GatewayPlaces
        from shared.adapters.gateway_api.traffic_router import GatewayRouter

        clusters = KubernetesClusters(
            settings.kubernetes_clusters, env.get, lambda: credential, allow_http=settings.allow_http
        )
        return KindAdapters(
            router=GatewayRouter(clusters),
            host_of=host_of,
            finder=GatewayPlaces(clusters),
            audience=GatewayAudience(clusters),
        )

    return _BuiltOnFirstUse(
        {
            TargetKind.HTTP_ROUTE: http_routes,
            TargetKind.APP_SERVICE_SLOT: slots,
            TargetKind.CONTAINER_APP: container_apps,
            TargetKind.TRAFFIC_MANAGER: traffic_manager,
        }
    )


def hook_callers(
    settings: Settings, env: Mapping[str, str], credential: "TokenCredential"
) -> Mapping[type[HookCall], HookCaller]:
    """Return what calls each kind of hook; each is built when it is first used."""

    def webhooks() -> HookCaller:
        from shared.adapters.webhook.hook_caller import WebhookCaller

        return WebhookCaller(env.get, allow_http=settings.allow_http)

    def workflows() -> HookCaller:
        from shared.adapters.github.workflow_caller import GithubWorkflowCaller

        return GithubWorkflowCaller(env.get, base_url=settings.github_url, allow_http=settings.allow_http)

    def jobs() -> HookCaller:
        from shared.adapters.container_apps.job_caller import ContainerAppsJobCaller

        return ContainerAppsJobCaller(credential, base_url=settings.management_url, allow_http=settings.allow_http)

    return _BuiltOnFirstUse({Webhook: webhooks, GithubWorkflow: workflows, ContainerAppsJob: jobs})


def metrics_sources(settings: Settings, env: Mapping[str, str], credential: "TokenCredential") -> MetricsSources:
    """Return what reads each kind of source outside; each is built when it is first read."""
    allow_http = settings.allow_http

    def azure_monitor() -> MetricsSource:
        from shared.adapters.azure_monitor.metrics_source import AzureMonitorMetrics

        return AzureMonitorMetrics(credential, endpoint=settings.metrics_url, allow_http=allow_http)

    def log_analytics() -> MetricsSource:
        from shared.adapters.log_analytics.metrics_source import LogAnalyticsMetrics

        return LogAnalyticsMetrics(credential, endpoint=settings.logs_url, allow_http=allow_http)

    def prometheus() -> MetricsSource:
        from shared.adapters.prometheus.metrics_source import PrometheusMetrics

        return PrometheusMetrics(env.get, lambda: credential, allow_http=allow_http)

    def web() -> MetricsSource:
        from shared.adapters.http_json.web_metrics import WebMetrics

        return WebMetrics(env.get, allow_http=allow_http)

    return _BuiltOnFirstUse(
        {
            AzureMonitorSource: azure_monitor,
            LogAnalyticsSource: log_analytics,
            PrometheusSource: prometheus,
            WebSource: web,
        }
    )


def _and_pushed(outside: MetricsSources, pushed: MetricsSource) -> MetricsSources:
    """Return the sources outside, and what is pushed in where none of them stands for it."""
    asked = {kind: partial(outside.__getitem__, kind) for kind in outside}
    return _BuiltOnFirstUse({ObservationsSource: lambda: pushed, **asked})


class _BuiltOnFirstUse(Mapping[Kind, Built]):
    """Builds a part when it is first asked for: an application imports what it uses, and nothing else."""

    def __init__(self, builders: Mapping[Kind, Callable[[], Built]]) -> None:
        self._builders = builders
        self._built: dict[Kind, Built] = {}
        self._lock = Lock()

    def __getitem__(self, kind: Kind) -> Built:
        with self._lock:
            if kind not in self._built:
                self._built[kind] = self._builders[kind]()
            return self._built[kind]

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)


@cache
def _identity() -> "TokenCredential":
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _token(token: str) -> "TokenCredential":
    from shared.adapters.system.credential import FixedTokenCredential

    return FixedTokenCredential(token)
