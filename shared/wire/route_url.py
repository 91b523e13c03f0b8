"""The URL of an HTTPRoute in the Kubernetes API."""

import re
from dataclasses import dataclass

from shared.domain.errors import RejectedError

_SERVER = r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?"
_ROUTE = re.compile(
    rf"(?P<server>{_SERVER})"
    r"(?P<path>/apis/gateway\.networking\.k8s\.io/v1/namespaces/(?P<namespace>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"/httproutes/(?P<name>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?))"
)


@dataclass(frozen=True, slots=True)
class RouteUrl:
    """Where an HTTPRoute is kept. `server` has scheme, host and port, and no slash at its end."""

    server: str
    path: str
    namespace: str
    name: str


def is_server_url(text: str) -> bool:
    """Whether the text is the URL of a server as routes name it: scheme, host and perhaps a port, nothing more."""
    return re.fullmatch(_SERVER, text) is not None


def parse_route_url(text: str) -> RouteUrl:
    """Return the parts of the URL. Raises `RejectedError` when it is no HTTPRoute's (Gateway API v1)."""
    match = _ROUTE.fullmatch(text)
    if match is None:
        raise RejectedError(f"'{text[:200]}' is not the URL of an HTTPRoute in the Kubernetes API")
    return RouteUrl(match["server"].lower(), match["path"], match["namespace"], match["name"])
