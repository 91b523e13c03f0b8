"""Which requests go to the candidate whatever its share: those of testers, previews and experiments."""

from typing import Protocol

from shared.domain.rollout.audience import CarriedIn, RequestMark
from shared.domain.rollout.spec import Target

__all__ = ["Audience", "CarriedIn", "RequestMark"]


class Audience(Protocol):
    """Sends marked requests to the candidate's place, and leaves the division of all others alone.

    `target.located` says which place that is; without it a target raises `RejectedError`. Both methods raise
    `TryLaterError` when the router is unwell, after at most 20 seconds, and `RejectedError` when it refuses for good.
    """

    def set_audience(self, target: Target, mark: RequestMark | None) -> None:
        """Send requests with this mark, and no others of an audience, to the candidate; None: send none any more.

        Safe to repeat. Taking the audience away leaves the target as it was before there was one. Raises
        `UnansweredError` when nobody knows whether it was done.
        """
        ...

    def read_audience(self, target: Target) -> RequestMark | None:
        """Return the mark in force, or None while there is no audience."""
        ...
