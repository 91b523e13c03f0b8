"""The adapters to Azure, each kind of them built when it is first used."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.application.by_kind import KindAdapters, TargetsByKind
from shared.application.hooks_by_kind import HooksByKind
from shared.application.read import MetricsSources
from shared.bootstrap.credentials import fixed_token, identity
from shared.bootstrap.on_first_use import BuiltOnFirstUse
from shared.bootstrap.parts import Outside
from shared.domain.rollout.hooks import ContainerAppsJob, GithubWorkflow, HookCall, Webhook
from shared.domain.rollout.measuring import AzureMonitorSource, LogAnalyticsSource, PrometheusSource, WebSource
from shared.domain.rollout.spec import TargetKind
from shared.ports.hook_caller import HookCaller
from shared.ports.metrics_source import MetricsSource
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from shared.adapters.app_service.sites import AppServiceSites


def azure(settings: Settings, env: Mapping[str, str]) -> Outside:
    """Return the adapters to Azure: the public cloud's, or those at the URLs that the settings name."""
    from shared.adapters.app_service.promoter import AppServicePromoter
    from shared.adapters.app_service.sites import AppServiceSites
    from shared.adapters.http_json.place_probe import HttpPlaceProbe
    from shared.adapters.webhook.notifier import HttpNotifier

    credential = fixed_token(settings.access_token) if settings.access_token else identity()
    sites = AppServiceSites(credential, base_url=settings.management_url, allow_http=settings.allow_http)
    targets = TargetsByKind(target_kinds(settings, env, sites, credential))
    return Outside(
        router=targets,
        audience=targets,
        finder=targets,
        pinner=targets,
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
        places = ContainerAppPlaces(apps)
        return KindAdapters(router=ContainerAppRouter(apps), host_of=hosts.host_of, finder=places, pinner=places)

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

    return BuiltOnFirstUse(
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

    return BuiltOnFirstUse({Webhook: webhooks, GithubWorkflow: workflows, ContainerAppsJob: jobs})


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

    return BuiltOnFirstUse(
        {
            AzureMonitorSource: azure_monitor,
            LogAnalyticsSource: log_analytics,
            PrometheusSource: prometheus,
            WebSource: web,
        }
    )
