"""Dividing live traffic between two places of a target."""

from typing import Protocol

from shared.domain.rollout.spec import Target
from shared.domain.rollout.weight import Weight


class TrafficRouter(Protocol):
    """Moves live traffic between a target's production place and its candidate place.

    Where places are not fixed, `target.located` says which they are: the candidate's gets the share, the stable
    version's gets the rest, and any other gets nothing. Without it such a target raises `RejectedError`.

    Both methods raise `TryLaterError` when the router is unwell, after at most 20 seconds, and
    `RejectedError` when it refuses for good (the resource is gone, access is denied). `set_share` raises
    `UnansweredError` when nobody knows whether it was done.
    """

    def set_share(self, target: Target, share: Weight) -> None:
        """Send `share` of the target's traffic to the candidate place. Safe to repeat; touches no other rule."""
        ...

    def read_share(self, target: Target) -> Weight:
        """Return the share in force, which may differ from the last one set."""
        ...
