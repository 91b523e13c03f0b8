"""Container Apps in the sandbox, by the adapters that run in Azure."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.adapters.container_apps.apps import ContainerApps
from shared.adapters.container_apps.hosts import ContainerAppHosts
from shared.adapters.container_apps.place_finder import ContainerAppPlaces
from shared.adapters.container_apps.traffic_router import ContainerAppRouter
from shared.adapters.http_json.place_probe import HttpPlaceProbe
from shared.domain.errors import TryLaterError
from shared.domain.names import TargetName, Version
from shared.domain.rollout.spec import Located, Target, TargetKind
from shared.domain.rollout.weight import Weight
from tests.sandbox import RESOURCE_GROUP, SUBSCRIPTION, TOKEN, RunningCloud, fetch, running_cloud, wait_until
from tests.sandbox_sdk import AnyToken

APPS_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.App/containerApps"
API_VERSION = "2026-07-01"


def app_target(name: str, *, converts: bool = False, located: Located | None = None) -> Target:
    return Target(
        name=TargetName("west"),
        kind=TargetKind.CONTAINER_APP,
        resource=f"{APPS_ID}/{name}",
        converts=converts,
        located=located,
    )


class AppWorld:
    """The sandbox's apps, and what Slipway has for them."""

    def __init__(self, cloud: RunningCloud) -> None:
        apps = ContainerApps(AnyToken(), base_url=cloud.management, allow_http=True)
        self.cloud = cloud
        self.router = ContainerAppRouter(apps)
        self.places = ContainerAppPlaces(apps)
        self.hosts = ContainerAppHosts(apps)
        self.probe = HttpPlaceProbe(self.hosts.host_of, scheme="http")
        self._made: list[SandboxApp] = []

    @contextmanager
    def scene(self) -> Iterator["AppWorld"]:
        """Clear away at the end: faults, and the processes of the apps that were made meanwhile."""
        before = len(self._made)
        yield self
        self.cloud.control.clear_faults()
        for app in self._made[before:]:
            app.retire()

    def new_app(self, **order: Any) -> "SandboxApp":
        """Make an app whose first revision serves version 1."""
        app = SandboxApp(self, f"app{len(self._made) + 1}")
        self._made.append(app)
        self.cloud.control.call("POST", "apps", {"app": app.name, **order})
        return app

    def pinned_app(self, **order: Any) -> "SandboxApp":
        """Make one that sends its traffic to that revision by name, with a second revision that waits."""
        app = self.new_app(mode="multiple", **order)
        app.set_traffic({"revisionName": app.revision("0000000"), "weight": 100})
        app.deploy("2", suffix="v2")
        return app


@dataclass(frozen=True, slots=True)
class SandboxApp:
    """One app of the sandbox."""

    world: AppWorld
    name: str

    @property
    def target(self) -> Target:
        """The app as a target of a rollout whose preflight found version 1 stable and version 2 in revision v2."""
        located = Located(stable=self.revision("0000000"), candidate=self.revision("v2"))
        return app_target(self.name, located=located)

    @property
    def edge(self) -> str:
        """Where users reach the app."""
        return str(self.world.cloud.control.call("GET", f"apps/{self.name}")["edge"])

    def revision(self, suffix: str) -> str:
        return f"{self.name}--{suffix}"

    def deploy(self, version: str, **order: Any) -> Any:
        return self.world.cloud.control.call("POST", f"apps/{self.name}/revisions", {"version": version, **order})

    def told(self) -> Any:
        """The properties that the management API tells of the app."""
        return self._manage("GET", "").json()["properties"]

    def in_force(self) -> dict[str, int]:
        """The weights by which requests are divided just now."""
        weights: dict[str, int] = self.world.cloud.control.call("GET", f"apps/{self.name}")["weights"]
        return weights

    def update(self, configuration: Any) -> None:
        """Change the app's configuration as another would, and wait for it."""
        self._manage("PATCH", "", {"properties": {"configuration": configuration}})
        self.settle()

    def set_traffic(self, *entries: Any) -> None:
        self.update({"ingress": {"traffic": list(entries)}})

    def settle(self) -> None:
        """Wait until no update is under way."""
        wait_until(lambda: self.told()["provisioningState"] != "InProgress", within=20)

    def deactivate(self, suffix: str) -> None:
        self._manage("POST", f"/revisions/{self.revision(suffix)}/deactivate")

    def share(self) -> Weight:
        """Return the candidate's share as soon as it can be told."""
        found: list[Weight] = []

        def told() -> bool:
            try:
                found.append(self.world.router.read_share(self.target))
            except TryLaterError:
                return False
            return True

        wait_until(told, within=20)
        return found[0]

    def send(self, requests: int, **order: Any) -> Any:
        """Send so many requests of fresh clients to the app's own host; return those of each version."""
        split = self.world.cloud.control.run_load(site=self.name, requests=requests, **order)["versions"]
        return {version: tally["requests"] for version, tally in split.items()}

    def retire(self) -> None:
        """End the app's processes; those of an app with an update that never ends live as long as the sandbox."""
        for revision in self.world.cloud.control.call("GET", f"apps/{self.name}")["revisions"]:
            fetch(self._url(f"/revisions/{revision['revision']}/deactivate"), method="POST", headers=TOKEN)

    def find(self, version: str, *, converts: bool = False) -> Located:
        return self.world.places.find_places(app_target(self.name, converts=converts), Version(version))

    def _manage(self, method: str, path: str, body: Any = None) -> Any:
        got = fetch(self._url(path), method=method, body=body, headers=TOKEN)
        assert got.status < 300, f"{method} {path}: {got.status} {got.body.decode()}"
        return got

    def _url(self, path: str) -> str:
        return f"{self.world.cloud.management}{APPS_ID}/{self.name}{path}?api-version={API_VERSION}"


def at(target: Target, stable: str, candidate: str) -> Target:
    """Return the target with these places found."""
    return replace(target, located=Located(stable=stable, candidate=candidate))


@contextmanager
def app_world(folder: Path) -> Iterator[AppWorld]:
    with running_cloud(folder) as cloud:
        yield AppWorld(cloud)
