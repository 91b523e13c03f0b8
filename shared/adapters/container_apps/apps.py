"""The connection to the management API of Container Apps that router, finder and host names share."""

from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.container_apps.app import App
from shared.calls.azure_calls import CLIENT_OPTIONS, METHOD_SECONDS, AzureCalls
from shared.domain.rollout.spec import Target
from shared.wire.container_app_id import parse_container_app_id

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

_PUBLIC_CLOUD = "https://management.azure.com"


class ContainerApps:
    """Opens targets for calls. Keeps one SDK client for each subscription; the SDK is imported on first use."""

    def __init__(self, credential: "TokenCredential", *, base_url: str | None = None, allow_http: bool = False) -> None:
        """`base_url` is the management API, by default the public cloud's; `allow_http` lets it be plain http."""
        self._credential = credential
        self._base_url = (base_url or _PUBLIC_CLOUD).rstrip("/")
        self._allow_http = allow_http
        self._clients: dict[str, ContainerAppsAPIClient] = {}
        self._lock = Lock()

    def open(self, target: Target, *, seconds: float = METHOD_SECONDS) -> App:
        """Return the target's app, for the calls of the next `seconds`. Raises `RejectedError` for a foreign id."""
        app_id = parse_container_app_id(target.resource)
        calls = AzureCalls(allow_http=self._allow_http, seconds=seconds)
        return App(self._client(app_id.subscription), calls, app_id)

    def _client(self, subscription: str) -> "ContainerAppsAPIClient":
        with self._lock:
            client = self._clients.get(subscription)
            if client is None:
                client = self._clients[subscription] = self._make_client(subscription)
            return client

    def _make_client(self, subscription: str) -> "ContainerAppsAPIClient":
        from azure.mgmt.appcontainers import ContainerAppsAPIClient

        return ContainerAppsAPIClient(
            self._credential,
            subscription,
            self._base_url,
            credential_scopes=[f"{self._base_url}/.default"],
            **CLIENT_OPTIONS,
        )
