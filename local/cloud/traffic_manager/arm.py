"""The part of the Azure management API that `azure-mgmt-trafficmanager` 2 calls for profiles and their endpoints.

Same URLs, api-version, status codes and error bodies. As Azure does, a PATCH of a profile refuses endpoints, a PATCH of
an endpoint leaves what it does not name as it is, and a PUT of a profile replaces its endpoints.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from local.cloud.arm_words import check_version, no_such_call, not_found
from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.traffic_manager.profiles import Profiles
from local.cloud.traffic_manager.reading import bad, check, read_endpoint, read_profile
from local.cloud.traffic_manager.state import KINDS, Endpoint, Profile, profile_id

API_VERSION = "2026-09-01"
_KINDS = {kind.lower(): kind for kind in KINDS}


class ProfilesApi:
    """Answers calls on `Microsoft.Network/trafficManagerProfiles`."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    @staticmethod
    def takes(call: JsonCall) -> bool:
        """Say whether a call is for this API."""
        return call.segments[4:7] == ["providers", "microsoft.network", "trafficmanagerprofiles"]

    def answer(self, call: JsonCall) -> Reply:
        """Carry out one call. Raises `ApiError`."""
        check_version(call, API_VERSION)
        # Names keep the case in which they were first written.
        _, subscription, _, group, _, _, _, *names = [part for part in call.path.split("/") if part]
        match names:
            case [name]:
                return self._answer_profile(subscription.lower(), group, name, call)
            case [name, kind, endpoint] if kind.lower() in _KINDS:
                profile = self._find(subscription.lower(), group, name)
                return self._answer_endpoint(profile, _KINDS[kind.lower()], endpoint, call)
            case _:
                raise no_such_call(call)

    def _answer_profile(self, subscription: str, group: str, name: str, call: JsonCall) -> Reply:
        match call.method:
            case "GET":
                return Reply(200, self._describe(self._find(subscription, group, name)))
            case "PUT":
                known = self._profiles.find(profile_id(subscription, group, name))
                written = self._save(read_profile(subscription, group, known.name if known else name, call.body))
                return Reply(200 if known else 201, self._describe(written))
            case "PATCH":
                found = self._find(subscription, group, name)
                merged = _merged(self._describe(found), _patch_of_profile(call.body))
                return Reply(200, self._describe(self._save(read_profile(subscription, group, found.name, merged))))
            case _:
                raise no_such_call(call)

    def _answer_endpoint(self, profile: Profile, kind: str, name: str, call: JsonCall) -> Reply:
        known = profile.endpoint(name)
        found = known if known is not None and known.kind == kind else None
        match call.method:
            case "GET":
                return Reply(200, self._describe_endpoint(profile, found or _refuse(profile, kind, name)))
            case "PUT":
                written = read_endpoint(profile, kind, found.name if found else name, _properties(call.body))
                return Reply(201, self._write_endpoint(profile, written))
            case "PATCH":
                before = found or _refuse(profile, kind, name)
                properties = _merged(before.properties, _properties(call.body))
                return Reply(200, self._write_endpoint(profile, read_endpoint(profile, kind, before.name, properties)))
            case _:
                raise no_such_call(call)

    def _write_endpoint(self, profile: Profile, endpoint: Endpoint) -> dict[str, Any]:
        changed = self._save(check(profile.with_endpoint(endpoint)))
        return self._describe_endpoint(changed, endpoint)

    def _save(self, profile: Profile) -> Profile:
        """Write a profile down, if its DNS name is its own and its endpoints stand for something."""
        holder = self._profiles.named(profile.fqdn)
        if holder is not None and holder.id.lower() != profile.id.lower():
            raise ApiError(409, "Conflict", f"The domain name '{profile.fqdn}' is already in use.")
        for endpoint in profile.endpoints:
            if not self._profiles.host_of(endpoint):
                target = endpoint.properties.get("targetResourceId")
                raise bad(f"The target resource '{target}' of endpoint '{endpoint.name}' is not one of the sandbox.")
        self._profiles.save(profile)
        return profile

    def _find(self, subscription: str, group: str, name: str) -> Profile:
        found = self._profiles.find(profile_id(subscription, group, name))
        if found is None:
            raise not_found(f"Microsoft.Network/trafficManagerProfiles/{name}", group)
        return found

    def _describe(self, profile: Profile) -> dict[str, Any]:
        endpoints = [self._describe_endpoint(profile, endpoint) for endpoint in profile.endpoints]
        dns = {**profile.properties["dnsConfig"], "fqdn": profile.fqdn}
        monitor = {**profile.properties["monitorConfig"], "profileMonitorStatus": _health_of_all(profile, endpoints)}
        parts = {"dnsConfig": dns, "monitorConfig": monitor, "endpoints": endpoints}
        return {
            "id": profile.id,
            "name": profile.name,
            "type": "Microsoft.Network/trafficManagerProfiles",
            "location": "global",
            "tags": dict(profile.tags),
            "properties": {**profile.properties, **parts},
        }

    def _describe_endpoint(self, profile: Profile, endpoint: Endpoint) -> dict[str, Any]:
        told = {
            "endpointMonitorStatus": self._profiles.health(profile, endpoint),
            "target": self._profiles.host_of(endpoint),
        }
        return {
            "id": f"{profile.id}/{endpoint.kind}/{endpoint.name}",
            "name": endpoint.name,
            "type": f"Microsoft.Network/trafficManagerProfiles/{endpoint.kind}",
            "properties": {**endpoint.properties, **told},
        }


def _patch_of_profile(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise bad("The body must be a JSON object.")
    if "endpoints" in (body.get("properties") or {}):
        message = "The 'endpoints' property cannot be specified when updating a profile using PATCH. "
        raise bad(f"{message}Please use PUT to update the profile instead.")
    return body


def _properties(body: Any) -> Mapping[str, Any]:
    match body:
        case {"properties": dict(properties)}:
            return properties
        case _:
            raise bad("An endpoint needs properties.")


def _merged(before: Any, patch: Any) -> Any:
    """Return what a PATCH makes of what was: objects are merged member by member, all else is replaced."""
    if not isinstance(before, Mapping) or not isinstance(patch, Mapping):
        return patch
    return {**before, **{name: _merged(before.get(name), value) for name, value in patch.items()}}


def _health_of_all(profile: Profile, endpoints: list[dict[str, Any]]) -> str:
    found = {endpoint["properties"]["endpointMonitorStatus"] for endpoint in endpoints}
    if not profile.enabled:
        return "Disabled"
    if "Degraded" in found:
        return "Degraded"
    if found & {"Online", "Unmonitored"}:
        return "Online"
    return "CheckingEndpoints" if "CheckingEndpoint" in found else "Inactive"


def _refuse(profile: Profile, kind: str, name: str) -> NoReturn:
    raise not_found(f"Microsoft.Network/trafficManagerProfiles/{profile.name}/{kind}/{name}", profile.resource_group)
