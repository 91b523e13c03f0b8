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
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place, Target, TargetKind
from shared.ports.metrics_source import Arm, MetricsSource, WindowQuestion
from tests.sandbox import CANDIDATE_ID, SITE_ID, TOKEN, Got, RunningCloud, fetch, running_cloud, wait_until
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

    def deploy_unwell_when_prepared(self, version: str) -> None:
        """Let the candidate's place serve a version that is not well with production's settings."""
        self.site.deploy(TARGET, Place.CANDIDATE, version, healthy_prepared=False)

    def preview_by_hand(self, preview: Preview) -> None:
        self.site.preview_by_hand(TARGET, preview)

    def let_differ(self, name: str) -> None:
        """Let a setting that stays with its place differ between the two."""
        self.site.staying = (name,)

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

    def deploy_unwell_when_prepared(self, version: str) -> None:
        self.deploy(Place.CANDIDATE, version)
        self.put_settings(Place.PRODUCTION, {"SHOP_DATABASE": "unreachable"})
        self.put_settings(Place.CANDIDATE, {"SHOP_DATABASE": "of the slot"})
        self.stick("SHOP_DATABASE")

    def preview_by_hand(self, preview: Preview) -> None:
        """Begin or cancel a swap with preview as the Azure CLI does."""
        if preview is Preview.PENDING:
            self.manage("POST", f"{CANDIDATE_ID}/applySlotConfig", {"targetSlot": "production", "preserveVnet": True})
        else:
            self.manage("POST", f"{CANDIDATE_ID}/resetSlotConfig")

    def let_differ(self, name: str) -> None:
        self.put_settings(Place.PRODUCTION, {name: "hush-of-production", "ALIKE": "1"})
        self.put_settings(Place.CANDIDATE, {name: "hush-of-the-slot", "ALIKE": "1", "MOVES": "2"})
        self.stick(name, "ALIKE")

    def put_settings(self, place: Place, settings: dict[str, str]) -> None:
        """Replace a place's app settings; its app restarts with them by and by."""
        base = SITE_ID if place is Place.PRODUCTION else CANDIDATE_ID
        self.manage("PUT", f"{base}/config/appsettings", {"properties": settings})

    def stick(self, *names: str) -> None:
        """Let these settings, and no others, stay with their slot in a swap."""
        self.manage("PUT", f"{SITE_ID}/config/slotConfigNames", {"properties": {"appSettingNames": list(names)}})

    def settings(self, place: Place) -> dict[str, str]:
        """Return the app settings that the version at a place runs with, by its own account."""
        slot = "production" if place is Place.PRODUCTION else "candidate"
        return dict(fetch(f"{self.cloud.slots[slot]}/settings?x-ms-routing-name=self").json())

    def manage(self, method: str, path: str, body: object = None) -> Got:
        url = f"{self.cloud.management}{path}?api-version=2025-05-01"
        got = fetch(url, method=method, body=body, headers=TOKEN)
        assert got.status < 300, f"{method} {path}: {got.status} {got.body.decode()}"
        return got

    def forgotten(self, token: str) -> str:
        """Return a token like this one, for a swap that the sandbox does not know."""
        return re.sub(r"[0-9a-f-]{36}(?=\?)", "0" * 36, token)

    def reset(self) -> None:
        """Undo what a test left: faults, a running swap, rules."""
        self.cloud.control.clear_faults()
        wait_until(lambda: (self.cloud.control.site()["swap"] or {}).get("phase") != "running", within=10)
        self.preview_by_hand(Preview.NONE)
        self.stick()
        for place in (Place.PRODUCTION, Place.CANDIDATE):
            self.put_settings(place, {})


@contextmanager
def sandbox_world(folder: Path) -> Iterator[SandboxWorld]:
    with running_cloud(folder, swap_seconds=SWAP_SECONDS) as cloud:
        yield SandboxWorld(cloud)
