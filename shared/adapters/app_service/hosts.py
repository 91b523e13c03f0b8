"""The host names of a target's places, as the management API tells them."""

from time import monotonic

from shared.adapters.app_service.sites import AppServiceSites
from shared.domain.rollout.spec import Place, Target

_KEPT_SECONDS = 600.0
_READ_SECONDS = 5.0


class AppServiceHosts:
    """Reads the host names of places and keeps them for ten minutes: a slot made anew may bear another."""

    def __init__(self, sites: AppServiceSites) -> None:
        self._sites = sites
        self._known: dict[tuple[str, str, Place], tuple[float, str]] = {}

    def host_of(self, target: Target, place: Place) -> str:
        """Return the place's own host name, with a port where it has one. Takes at most 5 seconds.

        Raises `TryLaterError` or `RejectedError`.
        """
        key = (target.resource.lower(), target.slot.lower(), place)
        read_at, host = self._known.get(key, (-_KEPT_SECONDS, ""))
        if monotonic() - read_at < _KEPT_SECONDS and host:
            return host
        host = self._sites.open(target, seconds=_READ_SECONDS).read_host(place)
        self._known[key] = (monotonic(), host)
        return host
