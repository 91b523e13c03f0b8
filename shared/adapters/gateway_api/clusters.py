"""The Kubernetes API servers that may be called, and what each is called with.

A release spec names a server by its URL, and whoever gets our token may do all that we may: only servers that the
operator has listed get one, over TLS that their own authority vouches for.
"""

import ssl
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Final

from shared.adapters.gateway_api.route_calls import RouteCalls
from shared.calls.asking import bearer_of
from shared.calls.azure_calls import METHOD_SECONDS, AzureCalls
from shared.calls.deadline import Deadline
from shared.domain.errors import RejectedError
from shared.domain.rollout.spec import Target
from shared.settings import CLUSTERS, KubernetesCluster
from shared.wire.route_url import parse_route_url

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_AKS_SCOPE: Final = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
"""The application that stands for all AKS API servers in Entra ID, the same in each cloud and tenant."""
_PORTS: Final = {"https": ":443", "http": ":80"}


class KubernetesClusters:
    """Opens targets for calls."""

    def __init__(
        self,
        clusters: Iterable[KubernetesCluster],
        secret: "Callable[[str], str | None]",
        credential: "Callable[[], TokenCredential]",
        *,
        allow_http: bool = False,
    ) -> None:
        """`secret` reads an app setting; `credential` is asked for tokens of servers that have no setting of theirs."""
        self._clusters = {_without_port(cluster.server): cluster for cluster in clusters}
        self._secret = secret
        self._credential = credential
        self._allow_http = allow_http
        self._trusts: dict[str, ssl.SSLContext | None] = {}
        self._lock = Lock()

    def open(self, target: Target) -> RouteCalls:
        """Return the target's route, for the calls of the next 20 seconds.

        Raises `RejectedError` for a server that is not listed, before anything is sent anywhere, and `TryLaterError`
        where no token can be had just now.
        """
        url = parse_route_url(target.resource)
        what = f"HTTPRoute {url.namespace}/{url.name}"
        cluster = self._clusters.get(_without_port(url.server))
        if cluster is None:
            raise RejectedError(
                f"{what}: {url.server} is no server that may be called; the app setting {CLUSTERS} lists those that may"
            )
        if not (self._allow_http or cluster.server.startswith("https:")):
            raise RejectedError(f"{what}: {cluster.server} in {CLUSTERS} is no https, and a token travels by no other")
        deadline = Deadline(METHOD_SECONDS)
        return RouteCalls(
            what,
            f"{cluster.server}{url.path}",
            deadline,
            authorization=self._authorization(what, cluster, deadline),
            trust=self._trust(what, cluster),
        )

    def _authorization(self, what: str, cluster: KubernetesCluster, deadline: Deadline) -> dict[str, str]:
        if cluster.token_setting is not None:
            return bearer_of(what, cluster.token_setting, self._secret)
        calls = AzureCalls(allow_http=self._allow_http, seconds=deadline.left())
        token = calls.run(f"{what}: get a token for AKS", lambda _: self._credential().get_token(_AKS_SCOPE))
        return {"Authorization": f"Bearer {token.token}"}

    def _trust(self, what: str, cluster: KubernetesCluster) -> ssl.SSLContext | None:
        """Return what vouches for the server; made once, since reading certificates takes time."""
        with self._lock:
            if cluster.server not in self._trusts:
                self._trusts[cluster.server] = _trust_in(what, cluster.ca) if cluster.ca else None
            return self._trusts[cluster.server]


def _trust_in(what: str, ca: str) -> ssl.SSLContext:
    try:
        trust = ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError) as error:
        raise RejectedError(f"{what}: the ca of its server in {CLUSTERS} holds no certificates") from error
    # Clusters' own authorities leave out extensions that Python asks for from 3.13 on; kubectl does without them too.
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return trust


def _without_port(server: str) -> str:
    """Return the server without the port that its scheme means anyway, so that both ways to write it are one."""
    return server.removesuffix(_PORTS[server.partition(":")[0]])
