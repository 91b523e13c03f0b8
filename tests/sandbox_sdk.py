"""Microsoft's own clients, pointed at the sandbox: plain http allowed, no retries, no pause between polls."""

import time
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.web import WebSiteManagementClient
from azure.monitor.querymetrics import MetricsClient

from tests.sandbox import SUBSCRIPTION


class AllowHttp(SansIOHTTPPolicy):
    """Lets a bearer token travel over loopback http."""

    def on_request(self, request: Any) -> None:
        request.context.options["enforce_https"] = False


class AnyToken:
    """A credential that the sandbox takes."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("sandbox", int(time.time()) + 3600)

    def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        return AccessTokenInfo("sandbox", int(time.time()) + 3600)


def web_client(management: str, subscription: str = SUBSCRIPTION, **options: Any) -> WebSiteManagementClient:
    """The App Service client of `azure-mgmt-web`."""
    settings: dict[str, Any] = {"retry_total": 0, "polling_interval": 0, **options}
    return WebSiteManagementClient(
        AnyToken(), subscription, base_url=management, per_call_policies=[AllowHttp()], **settings
    )


def metrics_client(management: str, **options: Any) -> MetricsClient:
    """The batch metrics client of `azure-monitor-querymetrics`."""
    return MetricsClient(management, AnyToken(), per_call_policies=[AllowHttp()], **{"retry_total": 0, **options})
