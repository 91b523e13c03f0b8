"""An application of each kind of target on the running stack, with users who come all along."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local.cloud.logs import WORKSPACE
from local.cloud.traffic_manager.resolver import NameServer, Resolver
from local.interruption import Interruption
from local.json_calls import exchange
from local.stack import Stack, running_stack
from local.story.sandbox_app import SandboxApp
from tests import kubernetes_cluster
from tests.kubernetes_cluster import BLUE, GREEN, RunningCluster, running_cluster
from tests.sandbox import Control, Got, fetch, wait_until
from tests.steady_users import Find, SteadyUsers, at_host
from tests.traffic_manager_world import NAME, PROFILE_ID, ProfileWorld

RPS = 40.0
SHARE = 50.0
LIFE = 1
"""How many seconds a DNS answer lives, as the profile has it."""
RESOLVERS = 10
SPEC = """
application: {name}
targets:
  - {{name: it, kind: {kind}, resource: {resource}{places}}}
strategy:
  {strategy}
metrics: {{window: 5s, lag: 0s, source: {source}}}
guards:
  - {{name: errors, metric: error-rate, max: 5%, over: 5s, minimumRequests: 10}}
judgement: {{holdBack: 0}}
deadlines: {{preflight: 1m, progress: 10m}}
"""
CANARY = f"canary: {{steps: [{SHARE:g}], bake: {{min: 5s, max: 5m}}}}"
SWITCH = "blueGreen: {bake: {min: 5s, max: 5m}}"
PUSHED = "{kind: observations}"


@dataclass(kw_only=True)
class Released:
    """An application on the running stack, its users, and who deploys to the place that is free."""

    stack: Stack
    name: str
    users: SteadyUsers
    deploy: Callable[[str, float], object]
    """Puts a version into the place that is free; the number is the fraction of its checkouts that fail."""
    share_in_force: Callable[[], float]
    """The share of version 2 in percent, as the other side tells it."""
    edge_version: Callable[[], str]
    """The version that a new user gets."""
    harmed: set[str] = field(default_factory=set)
    """The versions that fail requests by themselves."""

    def call(self, method: str, path: str, body: Any = None) -> Got:
        return fetch(self.stack.url + path, method=method, body=body, headers={"X-API-Key": self.stack.key})

    def release(self, version: str, *, error_rate: float = 0.0) -> str:
        if error_rate:
            self.harmed.add(version)
        self.deploy(version, error_rate)
        answer = self.call("POST", "/api/deployments", {"application": self.name, "version": version})
        assert answer.status == 202, answer.body
        return str(answer.json()["rollout"])

    def rollout(self, rollout: str) -> dict[str, Any]:
        return self.call("GET", f"/api/rollouts/{rollout}").json()

    def observed(self, rollout: str) -> float | None:
        view = self.rollout(rollout)
        assert view["ended"] is None or view["phase"] == "succeeded", view["reason"]
        return view["targets"][0]["observed"] if view["targets"] else None

    def override(self, action: str) -> None:
        answer = self.call("POST", f"/api/applications/{self.name}/overrides", {"action": action})
        assert answer.status == 202, answer.body

    def at(self, rollout: str, share: float) -> None:
        """Wait until the router was seen to send this share to the candidate."""
        wait_until(lambda: self.observed(rollout) == share, within=60)

    def end(self, rollout: str) -> dict[str, Any]:
        wait_until(lambda: self.rollout(rollout)["ended"], within=120)
        return self.rollout(rollout)

    def events(self, rollout: str) -> list[dict[str, Any]]:
        return self.call("GET", f"/api/rollouts/{rollout}/history").json()["events"]

    def assert_only_bad_versions_failed(self) -> None:
        assert set(self.users.failed()) <= self.harmed
        assert sum(self.users.served().values()) > 0

    def assert_taken_back(self, rollout: str, view: dict[str, Any], stable: str) -> None:
        """The router has weight 0, the stable version was seen to serve, and every user gets it."""
        assert view["phase"] == "rolled-back", view["reason"]
        assert view["targets"][0]["observed"] == 0
        assert view["targets"][0]["stable_version"] == stable
        assert self.share_in_force() == 0
        assert self.edge_version() == stable
        zero = [event for event in self.events(rollout) if event["type"] == "WeightObserved"][-1]
        assert zero["share"] == 0
        self.assert_everyone_gets(stable)

    def assert_everyone_gets(self, version: str) -> None:
        """Nobody gets another version, once what a resolver may still remember is over."""
        since = time.time() + LIFE + 0.5
        wait_until(lambda: self.users.served(since)[version] >= RPS, within=30)
        assert set(self.users.served(since)) == {version}


CLUSTERS = 2
"""As many as tests ask for a route."""


class Scene:
    """The stack and clusters, and the applications of one test. A route belongs to one application, so each asks for
    a cluster of its own."""

    def __init__(self, stack: Stack, clusters: Sequence[RunningCluster]) -> None:
        self.stack = stack
        self._clusters = iter(clusters)
        self.control = Control(stack.cloud)
        self._numbers = count(1)
        self._cleanup = ExitStack()

    @contextmanager
    def playing(self) -> Iterator["Scene"]:
        """Let the users of the applications that are made meanwhile go at the end."""
        with ExitStack() as self._cleanup:
            yield self

    def container_app(self) -> Released:
        """A Container App, measured by the telemetry of its requests."""
        name = f"till{next(self._numbers)}"
        app = SandboxApp.create(self.stack.cloud, name)
        source = f"{{kind: log-analytics, workspace: {WORKSPACE}, role: {name}}}"
        self._register(name=name, kind="container-app", resource=app.resource, strategy=CANARY, source=source)
        return Released(
            stack=self.stack,
            name=name,
            users=self._users(at_host(app.edge)),
            deploy=lambda version, error_rate: app.deploy(version, error_rate=error_rate),
            share_in_force=lambda: self.control.call("GET", app.where)["weights"].get(f"{name}--v2", 0),
            edge_version=lambda: fetch(f"{app.edge}/version").json()["version"],
        )

    def http_route(self) -> Released:
        """An HTTPRoute of the cluster with two Services, whose users push what they met."""
        name, cluster = f"counter{next(self._numbers)}", next(self._clusters)
        cluster.reset()
        cluster.control("POST", f"services/{BLUE}/deploy", {"version": "1"})
        hosts = ", ".join(f"{{name: {each}, host: '{cluster.hosts[each]}'}}" for each in (BLUE, GREEN))
        resource = f"{cluster.server}{kubernetes_cluster.PATH}"
        places = f", places: [{hosts}]"
        self._register(name=name, kind="http-route", resource=resource, places=places, strategy=CANARY, source=PUSHED)

        def deploy(version: str, error_rate: float) -> None:
            cluster.control("POST", f"services/{GREEN}/deploy", {"version": version, "error_rate": error_rate})

        def share_in_force() -> float:
            weights = {one["name"]: one["weight"] for one in cluster.rules()[0]["backendRefs"]}
            return float(100 * weights[GREEN] / sum(weights.values()))

        return Released(
            stack=self.stack,
            name=name,
            users=self._users(at_host(cluster.edge), name),
            deploy=deploy,
            share_in_force=share_in_force,
            edge_version=lambda: fetch(f"{cluster.edge}/version").json()["version"],
        )

    def profile(self) -> Released:
        """A Traffic Manager profile over the two slots of the sandbox's site, whose users come by resolvers."""
        name = f"front{next(self._numbers)}"
        world = ProfileWorld(SimpleNamespace(management=self.stack.cloud, control=self.control))  # type: ignore
        self.control.deploy("1", slot="production")
        world.put(ttl=LIFE)
        self._register(
            name=name,
            kind="traffic-manager",
            resource=PROFILE_ID,
            places=", places: [blue, green]",
            strategy=SWITCH,
            source=PUSHED,
        )
        server = NameServer(self.stack.cloud)
        resolvers = [Resolver(server) for _ in range(RESOLVERS)]
        turns = count()

        def share_in_force() -> float:
            pulls = {each: pull if is_on == "Enabled" else 0 for each, (is_on, pull, _) in world.settings().items()}
            return 100 * pulls["green"] / sum(pulls.values())

        return Released(
            stack=self.stack,
            name=name,
            users=self._users(lambda: resolvers[next(turns) % RESOLVERS].resolve(NAME), name, at_the_end=server.close),
            deploy=lambda version, error_rate: self.control.deploy(version, error_rate=error_rate),
            share_in_force=share_in_force,
            edge_version=lambda: fetch(f"http://{self.control.call('GET', f'dns/{NAME}')['host']}/version").json()[
                "version"
            ],
        )

    def _users(self, find: Find, pushed: str = "", **options: Any) -> SteadyUsers:
        users = self._cleanup.enter_context(SteadyUsers(find, rps=RPS, **options).coming())
        if pushed:
            users.push_to(self.stack.url, self.stack.key, pushed)
        return users

    def _register(self, **parts: str) -> None:
        body = SPEC.format(**{"places": "", **parts}).encode()
        headers = {"X-API-Key": self.stack.key, "Content-Type": "application/yaml"}
        got = exchange("PUT", f"{self.stack.url}/api/applications/{parts['name']}", body=body, headers=headers)
        assert got.status == 201, got.body


@contextmanager
def running_scene(folder: Path) -> Iterator[Scene]:
    """Run the stack and the clusters that it may call, on free ports, and stop all of them at the end."""
    with ExitStack() as running:
        clusters = [running.enter_context(running_cluster(folder / f"cluster-{at}")) for at in range(CLUSTERS)]
        listed = [{"server": each.server, "tokenSetting": kubernetes_cluster.SETTING} for each in clusters]
        settings = {
            "SLIPWAY_KUBERNETES_CLUSTERS": json.dumps(listed),
            kubernetes_cluster.SETTING: kubernetes_cluster.TOKEN,
        }
        with running_stack(folder / "stack", Interruption(), seed=7, settings=settings) as stack:
            yield Scene(stack, clusters)
