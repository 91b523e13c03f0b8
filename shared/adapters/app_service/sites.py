"""The connection to App Service's management API that router, promoter and host names share."""

from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.app_service.site import Site
from shared.calls.azure_calls import CLIENT_OPTIONS, METHOD_SECONDS, AzureCalls
from shared.domain.rollout.spec import Target
from shared.wire.site_id import parse_site_id

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.web import WebSiteManagementClient

_PUBLIC_CLOUD = "https://management.azure.com"


class AppServiceSites:
    """Opens targets for calls. Keeps one SDK client for each subscription; the SDK is imported on first use."""

    def __init__(self, credential: "TokenCredential", *, base_url: str | None = None, allow_http: bool = False) -> None:
        """`base_url` is the management API, by default the public cloud's; `allow_http` lets it be plain http."""
        self._credential = credential
        self._base_url = (base_url or _PUBLIC_CLOUD).rstrip("/")
        self._allow_http = allow_http
        self._clients: dict[str, WebSiteManagementClient] = {}
        self._lock = Lock()

    def open(self, target: Target, *, seconds: float = METHOD_SECONDS) -> Site:
        """Return the target's site, for the calls of the next `seconds`. Raises `RejectedError` for a foreign id."""
        site_id = parse_site_id(target.resource)
        calls = AzureCalls(allow_http=self._allow_http, seconds=seconds)
        return Site(self._client(site_id.subscription), calls, site_id, target.slot, self._base_url)

    def _client(self, subscription: str) -> "WebSiteManagementClient":
        with self._lock:
            client = self._clients.get(subscription)
            if client is None:
                client = self._clients[subscription] = self._make_client(subscription)
            return client

    def _make_client(self, subscription: str) -> "WebSiteManagementClient":
        from azure.mgmt.web import WebSiteManagementClient

        return WebSiteManagementClient(
            self._credential,
            subscription,
            self._base_url,
            credential_scopes=[f"{self._base_url}/.default"],
            **CLIENT_OPTIONS,
        )
