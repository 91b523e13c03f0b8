"""Which of a profile's two named endpoints serves users, and which one waits with the candidate."""

from datetime import timedelta

from shared.adapters.traffic_manager import priorities, weighted
from shared.adapters.traffic_manager.profile import Endpoint, Pair, Profile, pair_of
from shared.adapters.traffic_manager.profiles import TrafficManagerProfiles
from shared.adapters.traffic_manager.traffic_router import refuse_method
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.spec import Located, Target
from shared.domain.rollout.weight import NONE

SETTLING = timedelta(seconds=30)
"""What is added to the life of a DNS answer: for the name servers to hear of a change, and for resolvers that round."""


class TrafficManagerPlaces:
    """The `PlaceFinder` of Traffic Manager profiles."""

    def __init__(self, profiles: TrafficManagerProfiles) -> None:
        self._profiles = profiles

    def find_places(self, target: Target, candidate: Version) -> Located:  # noqa: ARG002 - endpoints have names
        """Return the endpoint with more weight, or the one that comes first, as stable and the other as candidate.

        Changes nothing. Which version an endpoint serves is read from the endpoint itself, later.
        """
        profile = self._profiles.open(target).read()
        pair = _order(profile, _named_pair(profile, target))
        _refuse_what_is_unwell(profile, pair)
        follows = profile.ttl + SETTLING
        return Located(
            stable=pair.stable.name,
            candidate=pair.candidate.name,
            settles=follows,
            pins=follows,
            says=_says(profile, pair, follows),
        )


def _named_pair(profile: Profile, target: Target) -> Pair:
    """Return the two endpoints of the spec, in its order, of a profile that can divide users between them."""
    if not profile.enabled:
        raise RejectedError(f"profile {profile.name} is disabled, so it answers nobody: enable it")
    if len(target.places) != 2:
        raise RejectedError(f"{target.name}: `places` names {len(target.places)} endpoints; it must name two")
    return pair_of(profile, *(place.name for place in target.places))


def _order(profile: Profile, named: Pair) -> Pair:
    """Return the pair with the one that serves most users as stable."""
    first, second = named.stable, named.candidate
    if not (first.enabled or second.enabled):
        raise RejectedError(
            f"profile {profile.name}: {first.name} and {second.name} are both disabled: enable the one that is to serve"
        )
    if profile.is_by_priority:
        return named if priorities.read_share(named) == NONE else _turned(named)
    if not profile.is_weighted:
        refuse_method(profile)
    if first.pull == second.pull:
        raise RejectedError(
            f"profile {profile.name}: {first.name} and {second.name} have the same weight, {first.weight}, so neither "
            f"is the stable one: disable the endpoint that waits for the candidate"
        )
    pair = named if first.pull > second.pull else _turned(named)
    if not pair.is_alone and weighted.total_of(pair) < weighted.LEAST_TOTAL:
        raise RejectedError(f"profile {profile.name}: {weighted.too_little(pair)}")
    return pair


def _turned(pair: Pair) -> Pair:
    return Pair(pair.candidate, pair.stable, pair.others)


def _refuse_what_is_unwell(profile: Profile, pair: Pair) -> None:
    """Wait while Traffic Manager passes an endpoint over: the weights would not be what users get."""
    for endpoint, other in ((pair.stable, pair.candidate), (pair.candidate, pair.stable)):
        if endpoint.is_passed_over:
            raise TryLaterError(
                f"profile {profile.name}: its health checks call {endpoint.name} {endpoint.health}, so that its users "
                f"are sent to {other.name if other.enabled else 'other endpoints'}: {_mend(endpoint)}"
            )


def _mend(endpoint: Endpoint) -> str:
    return f"mend {endpoint.name}, or the path and the status codes that the profile checks"


def _says(profile: Profile, pair: Pair, follows: timedelta) -> str:
    how = "weights" if profile.is_weighted else "priorities, so nobody or everyone can be sent to the candidate"
    return (
        f"{pair.stable.name} serves, {pair.candidate.name} waits; divided by {how}; DNS answers live for "
        f"{profile.ttl.total_seconds():g} s, so clients follow a change within {follows.total_seconds():g} s, later "
        f"where they keep a connection open or come by a profile above this one with a longer life of its answers"
    )
