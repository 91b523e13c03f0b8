"""The traffic routing of a Rollout: which HTTPRoutes are divided, and whose counters tell the requests."""

from typing import Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.meshes import HTTP, MESHES, Mesh
from shared.wire.peers.readings import an_object, entries, given, given_at, members, required_name
from shared.wire.peers.targets import Route

_GATEWAY_PLUGIN: Final = "argoproj-labs/gatewayAPI"
_MOST_TARGETS: Final = 10
_MESH_OF: Final = {
    "istio": "istio",
    "nginx": "nginx",
    "smi": "linkerd",
    "traefik": "traefik",
    "apisix": "apisix",
    "appMesh": "appmesh",
}


def is_routed(routing: Part) -> bool:
    """Whether traffic is divided by a router at all."""
    return isinstance(routing.value, dict) and bool(routing.value.keys() - {"managedRoutes", "maxTrafficWeight"})


def mesh_of(routing: Part) -> tuple[Mesh, str]:
    """Return the counters of the router, and its name."""
    for name, _ in members(an_object(routing)):
        if name in _MESH_OF:
            return MESHES[_MESH_OF[name]], _MESH_OF[name]
    return HTTP, "a Go service with http_request_duration_seconds"


def read_routes(
    routing: Part, namespace: str, name: str, services: tuple[str, str], accounts: Accounts
) -> tuple[Route, ...]:
    """Return the HTTPRoutes whose weights are set: those that a plugin names, or one of the Rollout's own name."""
    plugin = given_at(routing, "plugins").child(_GATEWAY_PLUGIN)
    routes = _of_plugin(an_object(plugin), namespace, services, accounts) if plugin.value is not None else ()
    if routes:
        return routes[:_MOST_TARGETS]
    accounts.chosen(
        "targets[0].resource.name",
        f"{name}: the HTTPRoute of the Rollout's own name. Make one that sends to both Services, or name yours",
    )
    return (Route(namespace, name, services),)


def _of_plugin(plugin: Part, namespace: str, services: tuple[str, str], accounts: Accounts) -> tuple[Route, ...]:
    reached = given(plugin, "namespace")
    where = required_name(reached) if reached.exists else namespace
    accounts.becomes(reached, "the namespace in targets[0].resource")
    routes: dict[str, Route] = {}
    parts = [given(plugin, "httpRoute")]
    parts += [given(an_object(entry), "name") for entry in entries(given(plugin, "httpRoutes"))]
    for part in parts:
        if not part.exists:
            continue
        name = required_name(part)
        accounts.becomes(part, f"targets[{len(routes)}].resource, an HTTPRoute")
        if len(routes) >= _MOST_TARGETS and name not in routes:
            accounts.no_equal(part, f"a release spec has at most {_MOST_TARGETS} targets", "left out")
        routes.setdefault(name, Route(where, name, services))
    for key, other in members(plugin):
        if key not in ("httpRoute", "httpRoutes", "namespace"):
            accounts.no_equal(other, "only the weights of HTTPRoutes are set", "left out")
    return tuple(routes.values())
