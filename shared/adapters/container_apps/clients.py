"""The SDK's clients for the management API of Container Apps: one for each subscription."""

from threading import Lock
from typing import TYPE_CHECKING

from shared.calls.azure_calls import CLIENT_OPTIONS

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

_PUBLIC_CLOUD = "https://management.azure.com"


class ContainerAppsClients:
    """Makes each client when it is first asked for, and keeps it. The SDK is imported with the first one."""

    def __init__(self, credential: "TokenCredential", base_url: str | None) -> None:
        """`base_url` is the management API, by default the public cloud's."""
        self._credential = credential
        self._base_url = (base_url or _PUBLIC_CLOUD).rstrip("/")
        self._clients: dict[str, ContainerAppsAPIClient] = {}
        self._lock = Lock()

    def of(self, subscription: str) -> "ContainerAppsAPIClient":
        """Return the client of a subscription."""
        with self._lock:
            client = self._clients.get(subscription)
            if client is None:
                client = self._clients[subscription] = self._make(subscription)
            return client

    def _make(self, subscription: str) -> "ContainerAppsAPIClient":
        from azure.mgmt.appcontainers import ContainerAppsAPIClient

        return ContainerAppsAPIClient(
            self._credential,
            subscription,
            self._base_url,
            credential_scopes=[f"{self._base_url}/.default"],
            **CLIENT_OPTIONS,
        )
