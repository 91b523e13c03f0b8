"""Making a target hold new versions back before anybody announces one."""

from typing import Protocol

from shared.domain.rollout.spec import Target


class TrafficPinner(Protocol):
    """Sends a target's traffic to the versions that serve it by name, so that the very next one waits."""

    def pin_traffic(self, target: Target) -> str:
        """Make it so where the target `converts`, without moving any user; return what was changed, if anything.

        Safe to repeat. Raises `TryLaterError` while the target is unwell or being updated, and `RejectedError`, with
        the fix, where a person must change it first.
        """
        ...
