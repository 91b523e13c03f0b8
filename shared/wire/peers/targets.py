"""The target of an imported release spec: the HTTPRoute that divides the traffic between two Services."""

from dataclasses import dataclass
from typing import Any, Final

from shared.wire.peers.accounts import Accounts
from shared.wire.peers.measuring import slug_of

DEFAULT_SERVER: Final = "https://kubernetes.default.svc"
DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True)
class Server:
    """The Kubernetes API in which the routes are, and whether it was said which."""

    url: str = DEFAULT_SERVER
    is_given: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTPRoute and its two backends."""

    namespace: str
    name: str
    places: tuple[str, str]


def target(route: Route, server: Server, accounts: Accounts, health: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the target, and say what of it no document told."""
    if not server.is_given:
        accounts.chosen(
            "targets[0].resource",
            f"the server {DEFAULT_SERVER}, as pods of the cluster name it. Give --server with the address at which "
            "Slipway reaches the Kubernetes API; the operator must list it in SLIPWAY_KUBERNETES_CLUSTERS",
        )
    accounts.chosen(
        "targets[0].places[].host",
        "none: Services have no host names outside of the cluster. Fill in a host for each at which it alone answers: "
        "health and version are asked for there",
    )
    accounts.chosen(
        "targets[0].version",
        "the default: GET /version on a place's host answers JSON whose member version is the announced version",
    )
    return {
        "name": slug_of(route.name, "route"),
        "kind": "http-route",
        "resource": f"{server.url.rstrip('/')}/apis/gateway.networking.k8s.io/v1/namespaces/{route.namespace}"
        f"/httproutes/{route.name}",
        "places": [{"name": place} for place in route.places],
        **({"health": health} if health else {}),
    }
