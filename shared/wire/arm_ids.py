"""Azure resource ids: `/subscriptions/<id>/resourceGroups/<group>/providers/<type>/<name>`, equal in any case."""

import re
from typing import Final

_WORDS: Final = (
    (1, "subscriptions"),
    (3, "resourceGroups"),
    (5, "providers"),
    (6, "Microsoft.Web"),
    (7, "sites"),
)
_SUBSCRIPTION: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_GROUP: Final = re.compile(r"[\w().-]{0,89}[\w()-]")
_SITE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,58}[A-Za-z0-9])?")


def parse_site_id(text: str) -> str:
    """Return the id of an App Service site, in the case that it came in. Raises ValueError saying what is allowed."""
    parts = text.split("/")
    if len(parts) != 9 or parts[0]:
        raise ValueError(
            "allowed is a site's id, /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Web/sites/<site>"
        )
    for position, word in _WORDS:
        if parts[position].lower() != word.lower():
            raise ValueError(f"allowed is {word} where {parts[position]:.40} stands")
    for what, pattern, name in (
        ("subscription", _SUBSCRIPTION, parts[2]),
        ("resource group", _GROUP, parts[4]),
        ("site", _SITE, parts[8]),
    ):
        if not pattern.fullmatch(name):
            raise ValueError(f"{name:.40} cannot be the name of a {what}")
    return text


def same_id(text: str) -> str:
    """Return what is equal for two ids of the same resource."""
    return text.rstrip("/").lower()
