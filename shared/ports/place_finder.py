"""Finding where the two versions of a rollout are."""

from typing import Protocol

from shared.domain.names import Version
from shared.domain.rollout.spec import Located, Target


class PlaceFinder(Protocol):
    """Tells which place behind a target serves users, and which one waits with the candidate."""

    def find_places(self, target: Target, candidate: Version) -> Located:
        """Return the places of the stable version and of the candidate. Who serves most is stable.

        Changes nothing, unless the target `converts`: then what is not set up for two versions is made so, without
        moving any user, and `says` tells. Raises `TryLaterError` while no place can be the candidate's yet or the
        target is unwell, after at most 20 seconds, and `RejectedError`, with the fix, for what a person must change
        first (one revision at a time, another owner of the rules, a place that does not exist).
        """
        ...
