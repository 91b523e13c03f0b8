"""The connection to Traffic Manager's management API that router, places and host names share."""

from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.traffic_manager.profile_calls import ProfileCalls
from shared.calls.azure_calls import CLIENT_OPTIONS, METHOD_SECONDS, AzureCalls
from shared.domain.rollout.spec import Target
from shared.wire.profile_id import parse_profile_id

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.trafficmanager import TrafficManagerManagementClient

_PUBLIC_CLOUD = "https://management.azure.com"


class TrafficManagerProfiles:
    """Opens targets for calls. Keeps one SDK client for each subscription; the SDK is imported on first use."""

    def __init__(self, credential: "TokenCredential", *, base_url: str | None = None, allow_http: bool = False) -> None:
        """`base_url` is the management API, by default the public cloud's; `allow_http` lets it be plain http."""
        self._credential = credential
        self._base_url = (base_url or _PUBLIC_CLOUD).rstrip("/")
        self._allow_http = allow_http
        self._clients: dict[str, TrafficManagerManagementClient] = {}
        self._lock = Lock()

    def open(self, target: Target, *, seconds: float = METHOD_SECONDS) -> ProfileCalls:
        """Return the target's profile, for the calls of the next `seconds`. Raises `RejectedError` for a foreign id."""
        profile_id = parse_profile_id(target.resource)
        calls = AzureCalls(allow_http=self._allow_http, seconds=seconds)
        return ProfileCalls(self._client, calls, profile_id)

    def _client(self, subscription: str) -> "TrafficManagerManagementClient":
        with self._lock:
            client = self._clients.get(subscription)
            if client is None:
                client = self._clients[subscription] = self._make_client(subscription)
            return client

    def _make_client(self, subscription: str) -> "TrafficManagerManagementClient":
        from azure.mgmt.trafficmanager import TrafficManagerManagementClient

        return TrafficManagerManagementClient(
            self._credential,
            subscription,
            self._base_url,
            credential_scopes=[f"{self._base_url}/.default"],
            **CLIENT_OPTIONS,
        )
