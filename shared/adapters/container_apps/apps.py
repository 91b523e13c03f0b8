"""The connection to the management API of Container Apps that router, finder and host names share."""

from typing import TYPE_CHECKING

from shared.adapters.container_apps.app import App
from shared.adapters.container_apps.clients import ContainerAppsClients
from shared.calls.azure_calls import METHOD_SECONDS, AzureCalls
from shared.domain.rollout.spec import Target
from shared.wire.container_app_id import parse_container_app_id

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


class ContainerApps:
    """Opens targets for calls. Keeps one SDK client for each subscription; the SDK is imported on first use."""

    def __init__(self, credential: "TokenCredential", *, base_url: str | None = None, allow_http: bool = False) -> None:
        """`base_url` is the management API, by default the public cloud's; `allow_http` lets it be plain http."""
        self._clients = ContainerAppsClients(credential, base_url)
        self._allow_http = allow_http

    def open(self, target: Target, *, seconds: float = METHOD_SECONDS) -> App:
        """Return the target's app, for the calls of the next `seconds`. Raises `RejectedError` for a foreign id."""
        app_id = parse_container_app_id(target.resource)
        calls = AzureCalls(allow_http=self._allow_http, seconds=seconds)
        return App(self._clients.of(app_id.subscription), calls, app_id)
