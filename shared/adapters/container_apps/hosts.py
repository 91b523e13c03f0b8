"""The host names of a target's revisions, as the management API tells them."""

from time import monotonic

from shared.adapters.container_apps.apps import ContainerApps
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.spec import Place, Target

_KEPT_SECONDS = 600.0
_READ_SECONDS = 5.0


class ContainerAppHosts:
    """Reads the host names of revisions and keeps them for ten minutes."""

    def __init__(self, apps: ContainerApps) -> None:
        self._apps = apps
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    def host_of(self, target: Target, place: Place) -> str:
        """Return the own host name of the revision at a place, past the division of traffic. Takes at most 5 seconds.

        Raises `TryLaterError`, or `RejectedError` while it is not known which revision that is.
        """
        if target.located is None:
            raise RejectedError(f"{target.name}: its revisions are not known yet: a preflight finds them")
        revision = target.located.stable if place is Place.PRODUCTION else target.located.candidate
        key = (target.resource.lower(), revision)
        read_at, host = self._known.get(key, (-_KEPT_SECONDS, ""))
        if monotonic() - read_at < _KEPT_SECONDS and host:
            return host
        app = self._apps.open(target, seconds=_READ_SECONDS)
        host = app.read_revision(revision).host
        if not host:
            raise TryLaterError(app.says(f"its revision {revision} has no host name"))
        self._known[key] = (monotonic(), host)
        return host
