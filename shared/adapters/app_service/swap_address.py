"""Where a swap can be looked at, as a token that may lie in the store.

A token is a path below the management API's base URL, never a whole URL: whatever stands in it, no other host is
asked and no other host is given our access token.
"""

from urllib.parse import urlsplit

from shared.domain.errors import RejectedError

UNADDRESSED = "unaddressed"
"""The token of a swap that has no address of its own below the base URL."""

_PORTS = {"https": 443, "http": 80}


def to_token(location: str | None, base_url: str) -> str:
    """Return the token for a `Location`; `UNADDRESSED` when there is none or it lies elsewhere."""
    if location is None:
        return UNADDRESSED
    base = urlsplit(base_url)
    try:
        found, is_ours = urlsplit(location), _origin(base_url) == _origin(location)
    except ValueError:  # an address that is none
        return UNADDRESSED
    path = found.path.removeprefix(base.path)
    token = f"{path}?{found.query}" if found.query else path
    return token if is_ours and found.path.startswith(base.path) and _is_path(token) else UNADDRESSED


def to_path(token: str) -> str:
    """Return the path to ask, with its query. Raises `RejectedError` for what `to_token` never makes."""
    if not _is_path(token):
        raise RejectedError("not the token of a swap")
    return token


def _is_path(text: str) -> bool:
    parts = text.partition("?")[0].split("/")
    return text.startswith("/subscriptions/") and ".." not in parts and text.isascii() and text.isprintable()


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
