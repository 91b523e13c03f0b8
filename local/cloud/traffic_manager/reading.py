"""What callers of the management API send, read into profiles and endpoints. Each function raises `ApiError`."""

from collections.abc import Mapping
from typing import Any

from local.cloud.http_json import ApiError
from local.cloud.traffic_manager.state import KINDS, Endpoint, Profile

_METHODS = {
    name.lower(): name for name in ("Performance", "Priority", "Weighted", "Geographic", "MultiValue", "Subnet")
}
_STATUSES = {"enabled": "Enabled", "disabled": "Disabled"}
_MOST_TTL = 2**31 - 1
_MONITORING = {"intervalInSeconds": 30, "toleratedNumberOfFailures": 3, "timeoutInSeconds": 10}
_SET_BY_AZURE = ("endpointMonitorStatus", "NestedProfile")


def read_profile(subscription: str, group: str, name: str, body: Any) -> Profile:
    """Read a whole profile, its endpoints included."""
    match body:
        case {"location": str(location), "properties": dict(stated)} if location.lower() == "global":
            dns, monitor = stated.get("dnsConfig"), stated.get("monitorConfig")
        case _:
            raise bad("A Traffic Manager profile needs properties, and its location must be 'global'.")
    if not isinstance(dns, dict) or not isinstance(monitor, dict):
        raise bad("A Traffic Manager profile needs properties.dnsConfig and properties.monitorConfig.")
    if not isinstance(dns.get("relativeName"), str) or not dns["relativeName"]:
        raise bad("The property 'dnsConfig.relativeName' is required.")
    ttl = _integer(dns, "ttl", 0, _MOST_TTL, 60)
    checked = {key: value for key, value in monitor.items() if key != "profileMonitorStatus"}
    others = {key: value for key, value in stated.items() if key != "endpoints"}
    profile = Profile(
        subscription=subscription,
        resource_group=group,
        name=name,
        tags=dict(body.get("tags") or {}),
        properties={
            "trafficViewEnrollmentStatus": "Disabled",
            **others,
            "profileStatus": _one_of(stated, "profileStatus", _STATUSES, "Enabled"),
            "trafficRoutingMethod": _one_of(stated, "trafficRoutingMethod", _METHODS, None),
            "dnsConfig": {"relativeName": dns["relativeName"], "ttl": ttl},
            "monitorConfig": _MONITORING | checked,
        },
    )
    endpoints = stated.get("endpoints") or ()
    if not isinstance(endpoints, list | tuple):
        raise bad("The endpoints of a profile are a list.")
    for entry in endpoints:
        profile = profile.with_endpoint(_read_listed(profile, entry))
    return check(profile)


def _read_listed(profile: Profile, entry: Any) -> Endpoint:
    match entry:
        case {"name": str(name), "type": str(kind), "properties": dict(properties)} if name.strip():
            kinds = {known.lower(): known for known in KINDS}
            found = kinds.get(kind.rpartition("/")[2].lower())
            if found is None:
                raise bad(f"The type '{kind}' specified for endpoint '{name}' is invalid.")
            if profile.endpoint(name) is not None:
                raise bad(f"There are duplicates in the list of endpoints: {name}.")
            return read_endpoint(profile, found, name, properties)
        case _:
            raise bad("Endpoint names cannot be empty, and an endpoint needs name, type and properties.")


def read_endpoint(profile: Profile, kind: str, name: str, properties: Mapping[str, Any]) -> Endpoint:
    """Read one endpoint of a profile that is as it was before."""
    taken = {int(one.properties["priority"]) for one in profile.endpoints if one.name.lower() != name.lower()}
    next_free = next(number for number in range(1, 1001) if number not in taken)
    stated = {key: value for key, value in properties.items() if value is not None and key not in _SET_BY_AZURE}
    if kind == "externalEndpoints" and not isinstance(stated.get("target"), str):
        raise bad(f"The property 'target' of endpoint '{name}' is required.")
    if kind != "externalEndpoints" and not isinstance(stated.get("targetResourceId"), str):
        raise bad(f"The property 'targetResourceId' of endpoint '{name}' is required.")
    read = {
        "endpointStatus": _one_of(stated, "endpointStatus", _STATUSES, "Enabled"),
        "weight": _integer(stated, "weight", 1, 1000, 1),
        "priority": _integer(stated, "priority", 1, 1000, next_free),
    }
    return Endpoint(name=name, kind=kind, properties=stated | read)


def check(profile: Profile) -> Profile:
    """Return the profile, if its endpoints go together."""
    for member in ("priority", "target", "targetResourceId"):
        values = [str(one.properties[member]).lower() for one in profile.endpoints if member in one.properties]
        if len(set(values)) < len(values):
            raise bad(f"Two endpoints of the profile '{profile.name}' have the same {member}.")
    return profile


def bad(message: str) -> ApiError:
    """Return the refusal of a body."""
    return ApiError(400, "BadRequest", message)


def _integer(properties: Mapping[str, Any], name: str, least: int, most: int, default: int) -> int:
    value = properties.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise bad(f"The property '{name}' must be a whole number from {least} to {most}, not {value!r}.")
    return value


def _one_of(properties: Mapping[str, Any], name: str, words: Mapping[str, str], default: str | None) -> str:
    value = properties.get(name, default)
    if not isinstance(value, str) or value.lower() not in words:
        raise bad(f"The property '{name}' must be one of {', '.join(words.values())}, not {value!r}.")
    return words[value.lower()]
