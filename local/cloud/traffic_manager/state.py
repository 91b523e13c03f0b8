"""What the sandbox remembers of a profile."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

KINDS = ("azureEndpoints", "externalEndpoints", "nestedEndpoints")
DOMAIN = "trafficmanager.net"


def profile_id(subscription: str, group: str, name: str) -> str:
    """Return the resource id of a profile."""
    of_group = f"/subscriptions/{subscription}/resourceGroups/{group}"
    return f"{of_group}/providers/Microsoft.Network/trafficManagerProfiles/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint; its properties are kept as the management API words them."""

    name: str
    kind: str
    """One of `KINDS`."""
    properties: Mapping[str, Any]

    @property
    def enabled(self) -> bool:
        """Whether it was left in use by whoever manages it."""
        return bool(self.properties["endpointStatus"] == "Enabled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile with its endpoints; its properties are kept as the management API words them."""

    subscription: str
    resource_group: str
    name: str
    tags: Mapping[str, str]
    properties: Mapping[str, Any]
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def id(self) -> str:
        """The resource id."""
        return profile_id(self.subscription, self.resource_group, self.name)

    @property
    def enabled(self) -> bool:
        """Whether its name is answered at all."""
        return bool(self.properties["profileStatus"] == "Enabled")

    @property
    def method(self) -> str:
        """The routing method, such as Weighted."""
        return str(self.properties["trafficRoutingMethod"])

    @property
    def ttl(self) -> int:
        """How many seconds a DNS answer lives."""
        return int(self.properties["dnsConfig"]["ttl"])

    @property
    def fqdn(self) -> str:
        """The name that users ask for."""
        return f"{self.properties['dnsConfig']['relativeName']}.{DOMAIN}".lower()

    def endpoint(self, name: str) -> Endpoint | None:
        """Return the endpoint of that name, in any case, or None."""
        return next((one for one in self.endpoints if one.name.lower() == name.lower()), None)

    def with_endpoint(self, changed: Endpoint) -> "Profile":
        """Return the profile with this endpoint added, or replaced where its name is known."""
        if self.endpoint(changed.name) is None:
            return replace(self, endpoints=(*self.endpoints, changed))
        same = changed.name.lower()
        return replace(self, endpoints=tuple(changed if one.name.lower() == same else one for one in self.endpoints))


def parse_profile(document: dict[str, Any]) -> Profile:
    """Read a profile back from what `dataclasses.asdict` made of it."""
    endpoints = tuple(Endpoint(**entry) for entry in document["endpoints"])
    return Profile(**{**document, "endpoints": endpoints})
