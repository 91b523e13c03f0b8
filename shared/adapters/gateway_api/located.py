"""Which of a route's backends hold the two versions of a rollout, as it was found when the rollout began."""

from shared.domain.errors import RejectedError
from shared.domain.rollout.spec import Located, Place, Target


def located_of(target: Target) -> Located:
    """Return it. Raises `RejectedError` where nobody has looked yet."""
    if target.located is None:
        raise RejectedError(f"{target.name}: which backend of the route serves users was not found yet")
    return target.located


def host_of(target: Target, place: Place) -> str:
    """Return the host name at which a place's backend answers past the division of traffic: the spec names it.

    Raises `RejectedError` where it does not.
    """
    located = located_of(target)
    name = located.stable if place is Place.PRODUCTION else located.candidate
    host = next((named.host for named in target.places if named.name == name), "")
    if not host:
        raise RejectedError(
            f"{target.name}: places names no host for {name}, and a route has none of its own for one backend: "
            f"add host to it, a name at which {name} alone answers"
        )
    return host
