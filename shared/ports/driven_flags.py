"""Flags of ours as places where users are divided: what was decided about them, and a rollout's way to decide."""

from typing import Protocol

from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.split_names import SplitName
from shared.domain.names import RolloutId, VariantName, Version


class DrivenFlags(Protocol):
    """Reads and drives splits, each as one decision on the flag as it stands, never on what is served.

    Every method raises `TryLaterError` when the store is unwell.
    """

    def state(self, split: SplitName) -> FlagState:
        """Return the flag as it was decided; an empty one where there never was any."""
        ...

    def drive(
        self,
        split: SplitName,
        weight: int,
        *,
        rollout: RolloutId,
        candidate: VariantName,
        stable: VariantName,
        version: Version | None,
        returns: bool,
    ) -> None:
        """Give the candidate its weight, in 1/100,000, and keep others from writing the split from now on.

        Safe to repeat. Returns when it is served so, or will be without being asked again. Raises `RejectedError`
        where another rollout drives the split, this one has let go of it, a variant is gone, or it would begin on a
        flag that is killed, unless it `returns`.
        """
        ...

    def let_go(self, split: SplitName, rollout: RolloutId, share: int | None = None) -> None:
        """Let others write again all that this rollout drives of the flag, and have no late write of it land any more.

        `share` is the candidate's, in 1/100,000, that the rollout ended at: where that is none or all, a write that
        landed late is undone. Safe to repeat, and where nothing is driven.
        """
        ...
