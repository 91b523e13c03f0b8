"""The sandbox's name server, and the part of its control API that is about profiles.

A name server over HTTP and JSON: what matters of DNS here is who is answered what, and for how long. It keeps nothing
of whom it answered, as Traffic Manager does not; `local.cloud.traffic_manager.resolver` is the resolver to go with it.

GET /sandbox/dns/{name}
    {"name", "host", "ttl"}: one answer for the DNS name of a profile, dealt anew each time; 404 is NXDOMAIN.
GET /sandbox/profiles/{profile}
    {"profile", "name", "answers": {endpoint: n}}: how many answers named which endpoint since the process began.
POST /sandbox/profiles/{profile}/endpoints/{endpoint} {"health"}
    Orders what the profile's health checks find from now on: Online, CheckingEndpoint, Degraded, Stopped or Inactive.
"""

from local.cloud.fields import Fields
from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.traffic_manager.profiles import HEALTHS, Profiles
from local.cloud.traffic_manager.state import Profile


class NamesApi:
    """Answers the calls that the module's docstring lists."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def answer(self, call: JsonCall) -> Reply:
        """Carry out one call. Raises `ApiError` or `BadFieldError`."""
        match call.method, call.segments[1:]:
            case "GET", ["dns", name]:
                return self._resolve(name)
            case "GET", ["profiles", name]:
                return Reply(200, self._describe(self._find(name)))
            case "POST", ["profiles", name, "endpoints", endpoint]:
                return self._order_health(self._find(name), endpoint, call)
            case _:
                raise ApiError(404, "NotFound", f"there is no {call.method} {call.path}")

    def _resolve(self, name: str) -> Reply:
        answer = self._profiles.resolve(name)
        if answer is None:
            raise ApiError(404, "NXDOMAIN", f"{name} leads to nobody")
        return Reply(200, {"name": name, "host": answer.host, "ttl": answer.ttl})

    def _describe(self, profile: Profile) -> dict[str, object]:
        answers = {one.name: self._profiles.answered[profile.name, one.name] for one in profile.endpoints}
        return {"profile": profile.id, "name": profile.fqdn, "answers": answers}

    def _order_health(self, profile: Profile, name: str, call: JsonCall) -> Reply:
        endpoint = profile.endpoint(name)
        if endpoint is None:
            raise ApiError(404, "NotFound", f"profile {profile.name} has no endpoint {name}")
        self._profiles.order_health(profile, endpoint, Fields(call.body, "health").choice("health", HEALTHS))
        return Reply(200, {"endpoint": endpoint.name, "health": self._profiles.health(profile, endpoint)})

    def _find(self, name: str) -> Profile:
        profile = self._profiles.named(name)
        if profile is None:
            raise ApiError(404, "NotFound", f"there is no profile {name}")
        return profile
