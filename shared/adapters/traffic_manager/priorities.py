"""Blue-green by priority: everyone goes to the first of the two endpoints, and the other one stands by.

The two exchange their numbers in one PUT of the whole profile: two endpoints must not have the same number at any
moment, so that single calls would need a third number and a moment in which another endpoint may be first. What
somebody else changes between our read and our PUT, a fraction of a second, is undone by it. The one behind stays
enabled, as the profile had it: Traffic Manager falls back to it when the first one fails its health checks.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from shared.adapters.traffic_manager.profile import Pair, Profile
from shared.domain.errors import RejectedError
from shared.domain.rollout.weight import ALL, NONE, Weight, to_percent


def read_share(pair: Pair) -> Weight:
    """Return everything while the candidate comes first, and nothing otherwise."""
    if not pair.candidate.enabled:
        return NONE
    return ALL if not pair.stable.enabled or pair.candidate.priority < pair.stable.priority else NONE


def with_share(profile: Profile, pair: Pair, share: Weight) -> Mapping[str, Any] | None:
    """Return the profile to write, or None where the share is in force already.

    Raises `RejectedError` for a share between nothing and everything.
    """
    if share not in (NONE, ALL):
        raise RejectedError(
            f"profile {profile.name} divides by priority, so it can send nobody or everyone to an endpoint, not "
            f"{to_percent(share):g} %: change its routing method to Weighted, or release with a single step of 100 %"
        )
    first, behind = (pair.candidate, pair.stable) if share == ALL else (pair.stable, pair.candidate)
    if first.enabled and read_share(pair) == share:
        return None
    numbers = sorted((first.priority, behind.priority))
    document: dict[str, Any] = deepcopy(dict(profile.document))
    for entry in document["properties"]["endpoints"]:
        if entry["name"] == first.name:
            entry["properties"] |= {"priority": numbers[0], "endpointStatus": "Enabled"}
        elif entry["name"] == behind.name:
            entry["properties"] |= {"priority": numbers[1]}
    return document
