"""The resource id of a Container App, as Azure writes it: in any case."""

import re
from dataclasses import dataclass

from shared.domain.errors import RejectedError

_APP = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f-]{36})/resourceGroups/(?P<group>[\w.()-]{1,90}(?<!\.))"
    r"/providers/Microsoft\.App/containerApps/(?P<name>[a-z0-9-]{1,60})/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ContainerAppId:
    """The parts of an app's id; `str` writes it the way Azure's own tools do."""

    subscription: str
    group: str
    name: str

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.App/containerApps/{self.name}"
        )


def parse_container_app_id(text: str) -> ContainerAppId:
    """Return the parts of a resource id. Raises `RejectedError` when it is not that of a Container App."""
    match = _APP.fullmatch(text)
    if match is None:
        raise RejectedError(f"'{text[:200]}' is not the resource id of a Container App")
    return ContainerAppId(match["subscription"].lower(), match["group"], match["name"])
