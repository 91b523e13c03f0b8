"""The sandbox's Kubernetes cluster as a fixture, and Slipway's adapters pointed at it."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from shared.adapters.gateway_api.clusters import KubernetesClusters
from shared.domain.names import TargetName
from shared.domain.rollout.spec import Located, NamedPlace, Target, TargetKind
from shared.settings import KubernetesCluster
from tests.sandbox import ROOT, Got, _read_line, fetch, wait_until

TOKEN = "a-token-of-the-cluster"
SETTING = "SLIPWAY_SECRET_CLUSTER"
PATH = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/shop"
BLUE, GREEN = "shop-blue", "shop-green"
LOCATED = Located(stable=BLUE, candidate=GREEN)


def backend(name: str, weight: int | None = None) -> dict[str, Any]:
    """Return a reference to a Service; without a weight where None."""
    reference = {"name": name, "port": 80}
    return reference if weight is None else {**reference, "weight": weight}


def rule(*backends: dict[str, Any], path: str = "/", **others: Any) -> dict[str, Any]:
    """Return a rule for a prefix of paths."""
    return {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": list(backends), **others}


BOTH = rule(backend(BLUE, 1), backend(GREEN, 0))


def target_at(server: str, path: str = PATH) -> Target:
    """Return the sandbox's route as a target in a spec."""
    return Target(
        name=TargetName("aks"),
        kind=TargetKind.HTTP_ROUTE,
        resource=f"{server}{path}",
        places=(NamedPlace(name=BLUE, host="blue.example"), NamedPlace(name=GREEN, host="green.example")),
    )


def clusters_at(server: str, *, token: str = TOKEN, ca: str = "", allow_http: bool = True) -> KubernetesClusters:
    """Return the adapter's way to one server, with a token from a setting."""
    cluster = KubernetesCluster(server=server, ca=ca, token_setting=SETTING)
    return KubernetesClusters([cluster], {SETTING: token}.get, _no_credential, allow_http=allow_http)


def _no_credential() -> Any:
    raise AssertionError("a server with a token of its own needs none of the app's identity")


@dataclass(frozen=True, slots=True)
class RunningCluster:
    """A cluster process, with its addresses."""

    server: str
    edge: str
    hosts: dict[str, str]
    process: "subprocess.Popen[bytes]"

    @property
    def target(self) -> Target:
        """The route, with its two places found."""
        return replace(target_at(self.server), located=LOCATED)

    def route(self) -> Any:
        """Return the object, past authorization and faults."""
        return self.control("GET", "routes/default/shop")

    def rules(self) -> Any:
        return self.route()["spec"]["rules"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        got = fetch(f"{self.server}/sandbox/{path}", method=method, body=body)
        assert got.status < 300, f"{method} {path}: {got.status} {got.body.decode()}"
        return got.json()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Got:
        """Call the API as an administrator does."""
        sent = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "kubectl/1.33", **headers}
        return fetch(f"{self.server}{path}", method=method, body=body, headers=sent)

    def put_route(self, *rules: dict[str, Any], manager: str = "kubectl-replace", **metadata: Any) -> None:
        """Replace the route by one with these rules, written by nobody else, and wait until it is in force."""
        body = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "shop", "namespace": "default", **metadata},
            "spec": {"parentRefs": [{"name": "shop-gateway"}], "rules": list(rules)},
        }
        home = PATH.rpartition("/")[0]
        self.call("DELETE", PATH)
        got = self.call("POST", f"{home}?fieldManager={manager}", body)
        assert got.status == 201, got.body.decode()
        self.wait_until_taken_up()

    def wait_until_taken_up(self) -> None:
        wait_until(self._is_taken_up, within=20, every=0.01)

    def _is_taken_up(self) -> bool:
        route = self.route()
        generation = route["metadata"]["generation"]
        parents = route.get("status", {}).get("parents", [])
        return bool(parents) and all(
            one["observedGeneration"] == generation for parent in parents for one in parent["conditions"]
        )

    def reset(self) -> None:
        """Undo what a test left."""
        self.control("DELETE", "faults")
        self.control("POST", "gateway", {"lag_seconds": 0.02, "accepts": True, "rule_names": True, "seed": 7})
        self.put_route(BOTH)

    def ask(self, requests: int, path: str = "/version", headers: dict[str, str] | None = None) -> Counter[str]:
        """Send requests of fresh clients to the edge, and count the versions that answered."""
        connection = HTTPConnection(self.edge.removeprefix("http://"), timeout=30)
        seen: Counter[str] = Counter()
        try:
            for _ in range(requests):
                connection.request("GET", path, headers=headers or {})
                answer = connection.getresponse()
                answer.read()
                seen[answer.headers.get("X-Version", f"status {answer.status}")] += 1
        finally:
            connection.close()
        return seen


@contextmanager
def running_cluster(folder: Path, *, seed: int = 7) -> Iterator[RunningCluster]:
    """Run a cluster whose state is in `folder`, with version 1 in blue and version 2 in green."""
    command = [sys.executable, "-m", "local.cloud.kubernetes", "--data", str(folder), "--token", TOKEN, "--lifeline"]
    process = subprocess.Popen([*command, "--seed", str(seed)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        ready = _read_line(process, within=60.0)
        assert ready.startswith("ready "), f"the cluster said {ready!r}"
        addresses = json.loads(ready.removeprefix("ready "))
        hosts = {service["service"]: service["host"] for service in addresses["services"]}
        cluster = RunningCluster(addresses["server"], addresses["edge"], hosts, process)
        if {service["version"] for service in addresses["services"]} == {"1"}:
            cluster.control("POST", f"services/{GREEN}/deploy", {"version": "2"})
        yield cluster
    finally:
        process.terminate()
        process.wait(timeout=30)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
