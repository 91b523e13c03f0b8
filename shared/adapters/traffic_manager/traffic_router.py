"""Dividing traffic by the weights, or the priorities, of two endpoints of a profile."""

from typing import NoReturn

from shared.adapters.traffic_manager import priorities, weighted
from shared.adapters.traffic_manager.profile import Profile, located_pair
from shared.adapters.traffic_manager.profiles import TrafficManagerProfiles
from shared.domain.errors import RejectedError
from shared.domain.rollout.spec import Target
from shared.domain.rollout.weight import Weight


class TrafficManagerRouter:
    """The `TrafficRouter` of Traffic Manager profiles.

    A share is the candidate's part of what the two endpoints get together; other endpoints of the profile, such as
    other regions, stay as they are. It is the part that is configured. While Traffic Manager's own health checks fail
    for one of the two, its users go to the other: no weight changes that, so it does not count as a change of weight.
    """

    def __init__(self, profiles: TrafficManagerProfiles) -> None:
        self._profiles = profiles

    def set_share(self, target: Target, share: Weight) -> None:
        """Send `share` of the pair's DNS answers to the candidate endpoint. Writes only what differs.

        Raises `RejectedError` too for a share that the routing method cannot give.
        """
        calls = self._profiles.open(target)
        profile = calls.read()
        pair = located_pair(profile, target)
        if profile.is_weighted:
            for endpoint, setting in weighted.changes(pair, share):
                calls.set_endpoint(endpoint, setting)
        elif profile.is_by_priority:
            document = priorities.with_share(profile, pair, share)
            if document is not None:
                calls.replace(document)
        else:
            refuse_method(profile)

    def read_share(self, target: Target) -> Weight:
        """Return the share that the profile's weights, or priorities, give to the candidate endpoint."""
        profile = self._profiles.open(target).read()
        pair = located_pair(profile, target)
        if profile.is_weighted:
            return weighted.read_share(pair)
        if profile.is_by_priority:
            return priorities.read_share(pair)
        return refuse_method(profile)


def refuse_method(profile: Profile) -> NoReturn:
    """Raise `RejectedError`, with the fix, for a method that can give an endpoint no share."""
    raise RejectedError(
        f"profile {profile.name} divides by {profile.method}, which gives no endpoint a share of the users: put the "
        f"two endpoints into a profile of their own with the method Weighted, make that profile a nested endpoint of "
        f"{profile.name}, and name it as the resource"
    )
