"""The resource id of a Traffic Manager profile, as Azure writes it: in any case."""

import re
from dataclasses import dataclass

from shared.domain.errors import RejectedError

_PROFILE = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f-]{36})/resourceGroups/(?P<group>[\w.()-]{1,90}(?<!\.))"
    r"/providers/Microsoft\.Network/trafficManagerProfiles/(?P<name>[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ProfileId:
    """The parts of a profile's id; `str` writes it the way Azure's own tools do."""

    subscription: str
    group: str
    name: str

    def __str__(self) -> str:
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
        return f"{group}/providers/Microsoft.Network/trafficManagerProfiles/{self.name}"


def parse_profile_id(text: str) -> ProfileId:
    """Return the parts of a resource id. Raises `RejectedError` when it is not that of a profile."""
    match = _PROFILE.fullmatch(text)
    if match is None:
        raise RejectedError(f"'{text[:200]}' is not the resource id of a Traffic Manager profile")
    return ProfileId(match["subscription"].lower(), match["group"], match["name"])
