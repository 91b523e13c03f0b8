"""The resource id of an App Service site, as Azure writes it: in any case."""

import re
from dataclasses import dataclass

from shared.domain.errors import RejectedError

_SITE = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f-]{36})/resourceGroups/(?P<group>[\w.()-]{1,90}(?<!\.))"
    r"/providers/Microsoft\.Web/sites/(?P<name>[a-z0-9-]{1,60})/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SiteId:
    """The parts of a site's id; `str` writes it the way Azure's own tools do."""

    subscription: str
    group: str
    name: str

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.Web/sites/{self.name}"
        )

    def slot(self, slot: str) -> str:
        """Return the resource id of one of the site's slots."""
        return f"{self}/slots/{slot}"


def parse_site_id(text: str) -> SiteId:
    """Return the parts of a resource id. Raises `RejectedError` when it is not that of a site."""
    match = _SITE.fullmatch(text)
    if match is None:
        raise RejectedError(f"'{text[:200]}' is not the resource id of an App Service site")
    return SiteId(match["subscription"].lower(), match["group"], match["name"])
