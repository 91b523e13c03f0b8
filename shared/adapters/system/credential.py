"""A bearer token from the app settings, for clouds that issue no identities."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

VALID_SECONDS = 3600


class FixedTokenCredential:
    """A `TokenCredential` that always offers the same token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> "AccessToken":
        """Return the token, whatever it is asked for."""
        from azure.core.credentials import AccessToken

        return AccessToken(self._token, int(time.time()) + VALID_SECONDS)
