"""Two worlds with one site each, a production place and a candidate place: one in memory, one in the sandbox.

Both have the same controls, so that one contract suite runs on the memory twins and on the real adapters.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.cloud.logs import WORKSPACE
from shared.adapters.app_service.hosts import AppServiceHosts
from shared.adapters.app_service.promoter import AppServicePromoter
from shared.adapters.app_service.sites import AppServiceSites
from shared.adapters.app_service.traffic_router import AppServiceRouter
from shared.adapters.azure_monitor.metrics_source import AzureMonitorMetrics
from shared.adapters.http_json.place_probe import HttpPlaceProbe
from shared.adapters.log_analytics.metrics_source import LogAnalyticsMetrics
from shared.adapters.memory.site import MemorySite
from shared.domain.names import ApplicationName, TargetName
from shared.domain.rollout.measuring import AzureMonitorSource, LogAnalyticsSource, Source, SplitBy, ValueQuery
from shared.domain.rollout.spec import Place, Target, TargetKind
from shared.ports.metrics_source import Arm, MetricsSource, WindowQuestion
from tests.sandbox import SITE_ID, RunningCloud, running_cloud, wait_until
from tests.sandbox_sdk import AnyToken

TARGET = Target(
    name=TargetName("west"),
    kind=TargetKind.APP_SERVICE_SLOT,
    resource=SITE_ID,
    slot="candidate",
    region="westeurope",
)
SWAP_SECONDS = 0.5
CANDIDATE = Arm(version=None, place=Place.CANDIDATE)
STABLE = Arm(version=None, place=Place.PRODUCTION)


def window_question(
    since: datetime,
    until: datetime,
    length: timedelta,
    *,
    target: Target = TARGET,
    source: Source = AzureMonitorSource(),  # noqa: B008 - a frozen value
    candidate: Arm = CANDIDATE,
    stable: Arm = STABLE,
    values: tuple[ValueQuery, ...] = (),
) -> WindowQuestion:
    """Ask for windows of the target's two places, the candidate at its own, unless said otherwise."""
    return WindowQuestion(
        application=ApplicationName("shop"),
        target=target,
        source=source,
        candidate=candidate,
        stable=stable,
        since=since,
        until=until,
        length=length,
        values=values,
    )


class MemoryWorld:
    """A site in memory; its clock moves only by `pass_time`."""

    source: Source = AzureMonitorSource()
    """What `metrics` is asked for."""

    def __init__(self) -> None:
        self._time = datetime(2026, 11, 23, 12, tzinfo=UTC)
        site = MemorySite(self.now, swap_time=timedelta(seconds=SWAP_SECONDS), requests_per_second=0)
        self.router = self.promoter = self.probe = self.metrics = self.site = site

    def now(self) -> datetime:
        return self._time

    def pass_time(self, seconds: float) -> None:
        self._time += timedelta(seconds=seconds)

    def deploy(self, place: Place, version: str, *, error_rate: float = 0.0) -> None:
        self.site.deploy(TARGET, place, version, error_rate=error_rate)

    def serve(self, requests: int) -> None:
        """Let so many requests pass within one second."""
        self.site.send(TARGET, requests)
        self.pass_time(1)
        self.site.send(TARGET, 0)

    def fail_next_swap(self) -> None:
        self.site.fail_next_swap(TARGET, "the candidate slot did not respond to http ping")

    def forgotten(self, token: str) -> str:
        """Return the token, once the platform has forgotten what it stands for."""
        self.site.forget_swaps(TARGET)
        return token

    def reset(self) -> None:
        return


class SandboxWorld:
    """The sandbox's site, by the adapters that run in Azure."""

    source: Source = AzureMonitorSource()

    def __init__(self, cloud: RunningCloud) -> None:
        sites = AppServiceSites(AnyToken(), base_url=cloud.management, allow_http=True)
        hosts = AppServiceHosts(sites)
        self.cloud = cloud
        self.router = AppServiceRouter(sites, hosts)
        self.promoter = AppServicePromoter(sites)
        self.probe = HttpPlaceProbe(hosts.host_of, scheme="http")
        self.metrics: MetricsSource = AzureMonitorMetrics(AnyToken(), endpoint=cloud.management, allow_http=True)
        self.logs = LogAnalyticsMetrics(AnyToken(), endpoint=cloud.management, allow_http=True)

    def by_logs(self) -> "SandboxWorld":
        """Return the same world, measured by the places' telemetry."""
        other = SandboxWorld(self.cloud)
        other.metrics, other.source = self.logs, LogAnalyticsSource(workspace=WORKSPACE, split_by=SplitBy.PLACE)
        return other

    def now(self) -> datetime:
        return datetime.now(UTC)

    def pass_time(self, seconds: float) -> None:
        time.sleep(seconds)

    def deploy(self, place: Place, version: str, *, error_rate: float = 0.0) -> None:
        self.cloud.control.deploy(version, slot=place.value, error_rate=error_rate)

    def serve(self, requests: int) -> None:
        self.cloud.control.run_load(requests=requests, clients="fresh")

    def fail_next_swap(self) -> None:
        self.cloud.control.add_fault(on="swap", kind="swap-fails", count=1)

    def forgotten(self, token: str) -> str:
        """Return a token like this one, for a swap that the sandbox does not know."""
        return re.sub(r"[0-9a-f-]{36}(?=\?)", "0" * 36, token)

    def reset(self) -> None:
        """Undo what a test left: faults, a running swap, rules."""
        self.cloud.control.clear_faults()
        wait_until(lambda: (self.cloud.control.site()["swap"] or {}).get("phase") != "running", within=10)


@contextmanager
def sandbox_world(folder: Path) -> Iterator[SandboxWorld]:
    with running_cloud(folder, swap_seconds=SWAP_SECONDS) as cloud:
        yield SandboxWorld(cloud)
