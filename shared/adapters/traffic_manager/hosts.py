"""The host names of a target's endpoints, as the spec or the profile tells them."""

from time import monotonic

from shared.adapters.traffic_manager.profile_calls import ProfileCalls
from shared.adapters.traffic_manager.profiles import TrafficManagerProfiles
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.spec import Place, Target
from shared.wire.profile_id import parse_profile_id

_KEPT_SECONDS = 600.0
_READ_SECONDS = 5.0


class TrafficManagerHosts:
    """Reads the hosts of endpoints and keeps them for ten minutes: an endpoint made anew may stand for another one."""

    def __init__(self, profiles: TrafficManagerProfiles) -> None:
        self._profiles = profiles
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    def host_of(self, target: Target, place: Place) -> str:
        """Return the endpoint's own host, which it also serves as a Host header. Takes at most 5 seconds.

        The `host` that the spec gives the place comes first. An endpoint that is itself a profile has that profile's
        name; behind it the name must be served, and for https bear a certificate, so such a place needs a `host`
        where its servers know only names of their own. Raises `TryLaterError` or `RejectedError`.
        """
        name = _endpoint_at(target, place)
        given = next((named.host for named in target.places if named.name.lower() == name.lower()), "")
        if given:
            return given
        key = (target.resource.lower(), name.lower())
        read_at, host = self._known.get(key, (-_KEPT_SECONDS, ""))
        if monotonic() - read_at < _KEPT_SECONDS and host:
            return host
        host = _read_host(self._profiles.open(target, seconds=_READ_SECONDS), name)
        self._known[key] = (monotonic(), host)
        return host


def _endpoint_at(target: Target, place: Place) -> str:
    if target.located is None:
        raise RejectedError(f"{target.name}: nobody has found yet which endpoint serves which version")
    return target.located.stable if place is Place.PRODUCTION else target.located.candidate


def _read_host(calls: ProfileCalls, name: str) -> str:
    profile = calls.read()
    endpoint = profile.endpoint(name)
    host = endpoint.host
    if not host and endpoint.kind.lower() == "nestedendpoints":
        host = calls.read_other(parse_profile_id(endpoint.resource)).fqdn
    if not host:
        raise TryLaterError(f"profile {profile.name}: its endpoint {endpoint.name} has no host name yet")
    return host
