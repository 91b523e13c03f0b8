"""A profile as it was read: its endpoints, and the two of them that a target divides users between."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.domain.errors import RejectedError
from shared.domain.rollout.spec import Target

WEIGHTED = "weighted"
PRIORITY = "priority"
_NOT_ANSWERED = ("degraded", "stopped", "inactive")
_LONGEST_TTL = 2**31 - 1
"""Seconds: what a name server can say (RFC 2181)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint of a profile."""

    name: str
    kind: str
    """The part of its address that says its type: azureEndpoints, externalEndpoints or nestedEndpoints."""
    enabled: bool
    weight: int
    priority: int
    health: str
    """What the profile's own health checks found, in Traffic Manager's words, such as Online or Degraded."""
    host: str
    """The name that DNS answers hold; empty where Azure tells only the resource."""
    resource: str
    """The Azure resource that it stands for; empty where it stands for a name alone."""

    @property
    def pull(self) -> int:
        """Its weight among those that are in use: 0 while it is disabled."""
        return self.weight if self.enabled else 0

    @property
    def is_passed_over(self) -> bool:
        """Whether its share goes to other endpoints for now. One that always serves is called Unmonitored instead."""
        return self.enabled and self.health.lower() in _NOT_ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile: by which method it divides, and between whom."""

    name: str
    enabled: bool
    method: str
    """In Traffic Manager's words, such as Weighted."""
    ttl: timedelta
    """How long a DNS answer lives."""
    fqdn: str
    endpoints: tuple[Endpoint, ...]
    document: Mapping[str, Any]
    """As it was read, without what only Azure can set."""

    @property
    def is_weighted(self) -> bool:
        """Whether it can send any share of the users to an endpoint."""
        return self.method.lower() == WEIGHTED

    @property
    def is_by_priority(self) -> bool:
        """Whether it sends everyone to the first endpoint that is well."""
        return self.method.lower() == PRIORITY

    def endpoint(self, name: str) -> Endpoint:
        """Return the endpoint of that name, in any case. Raises `RejectedError` unless there is exactly one."""
        found = [endpoint for endpoint in self.endpoints if endpoint.name.lower() == name.lower()]
        match found:
            case [one]:
                return one
            case []:
                known = ", ".join(endpoint.name for endpoint in self.endpoints) or "none"
                raise RejectedError(f"profile {self.name} has no endpoint {name}; it has {known}: mend `places`")
            case _:
                raise RejectedError(f"profile {self.name} has {len(found)} endpoints {name}: give each its own name")


@dataclass(frozen=True, slots=True)
class Pair:
    """The endpoints of the two versions, and all the others of the profile."""

    stable: Endpoint
    candidate: Endpoint
    others: tuple[Endpoint, ...]

    @property
    def is_alone(self) -> bool:
        """Whether no other endpoint is in use: then only the relation of the two weights counts."""
        return not any(other.enabled for other in self.others)


def pair_of(profile: Profile, stable: str, candidate: str) -> Pair:
    """Return the endpoints with these names. Raises `RejectedError` when one is missing."""
    first, second = profile.endpoint(stable), profile.endpoint(candidate)
    return Pair(first, second, tuple(one for one in profile.endpoints if one not in (first, second)))


def located_pair(profile: Profile, target: Target) -> Pair:
    """Return the endpoints that the rollout found. Raises `RejectedError` before it has looked."""
    if target.located is None:
        raise RejectedError(f"{target.name}: nobody has found yet which endpoint serves which version")
    return pair_of(profile, target.located.stable, target.located.candidate)


def read_profile(document: Mapping[str, Any], writable: Mapping[str, Any]) -> Profile:
    """Read what Azure answered.

    Raises AttributeError, KeyError, OverflowError, TypeError or ValueError where it is of another shape.
    """
    properties = document["properties"]
    dns = properties["dnsConfig"]
    return Profile(
        name=str(document["name"]),
        enabled=_is_enabled(properties.get("profileStatus")),
        method=str(properties["trafficRoutingMethod"]),
        ttl=_ttl(dns["ttl"]),
        fqdn=str(dns.get("fqdn") or ""),
        endpoints=tuple(_read_endpoint(entry) for entry in properties.get("endpoints") or ()),
        document=writable,
    )


def _read_endpoint(entry: Mapping[str, Any]) -> Endpoint:
    properties = entry["properties"]
    return Endpoint(
        name=str(entry["name"]),
        kind=str(entry["type"]).rpartition("/")[2],
        enabled=_is_enabled(properties.get("endpointStatus")),
        # Azure gives each endpoint both numbers, whatever the method; 1 is what it gives by itself.
        weight=int(properties.get("weight") or 1),
        priority=int(properties.get("priority") or 1),
        health=str(properties.get("endpointMonitorStatus") or ""),
        host=str(properties.get("target") or ""),
        resource=str(properties.get("targetResourceId") or ""),
    )


def _ttl(seconds: Any) -> timedelta:
    if not 0 <= int(seconds) <= _LONGEST_TTL:
        raise ValueError("a life of answers that DNS does not know")
    return timedelta(seconds=int(seconds))


def _is_enabled(status: Any) -> bool:
    # What was never set is enabled.
    return str(status or "Enabled").lower() == "enabled"
