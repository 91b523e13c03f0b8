"""Cross-origin requests (Fetch standard, CORS): which web pages may ask for flags from a browser.

The platform has a setting for this too, but lets no page read an `ETag`, which OpenFeature's web provider asks with.
Where that setting is used, the platform answers before this app does.
"""

from collections.abc import Mapping
from typing import Final

ANY: Final = "*"
_READABLE: Final = "ETag, Retry-After"
_SENT: Final = "Authorization, Content-Type, If-None-Match, X-API-Key"
_DAY: Final = "86400"


def headers_for(
    headers: Mapping[str, str], allowed: frozenset[str], *, methods: str, asks_first: bool
) -> dict[str, str]:
    """Return what is told to the browser of a page that may ask; nothing for others, whom it then keeps out.

    `asks_first` is a preflight, which is told what it may send as well.
    """
    origin = next((value for name, value in headers.items() if name.lower() == "origin"), "")
    if not origin or not (ANY in allowed or origin.lower() in allowed):
        return {}
    told = {"Access-Control-Allow-Origin": ANY if ANY in allowed else origin, "Vary": "Origin"}
    if not asks_first:
        return {**told, "Access-Control-Expose-Headers": _READABLE}
    return {
        **told,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": _SENT,
        "Access-Control-Max-Age": _DAY,
    }
