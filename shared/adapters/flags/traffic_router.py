"""Dividing users between two variants of a flag."""

from shared.adapters.flags.splits import mover_of, split_of, variants_of
from shared.domain.flags.managing.rolling_out import share_in
from shared.domain.names import Version
from shared.domain.rollout.spec import Target
from shared.domain.rollout.weight import NONE, Weight
from shared.ports.driven_flags import DrivenFlags


class FlagRouter:
    """The `TrafficRouter` of flags. Shares are exact: a weight of a split is in 1/100,000 too.

    The candidate stands first on the line that each user has a fixed place on, so whoever has it keeps it while its
    share grows.
    """

    def __init__(self, flags: DrivenFlags) -> None:
        self._flags = flags

    def set_share(self, target: Target, share: Weight) -> None:
        """Give `share` of the split's users the candidate's variant, and the rest the stable one."""
        stable, candidate = variants_of(target)
        mover = mover_of(target)
        self._flags.drive(
            split_of(target),
            share,
            rollout=mover.rollout,
            candidate=candidate,
            stable=stable,
            version=None if mover.version == Version(candidate) else mover.version,
            returns=mover.returns,
        )

    def read_share(self, target: Target) -> Weight:
        """Return the share that was decided. It is served within the age that flags may have."""
        stable, candidate = variants_of(target)
        if stable == candidate:
            return NONE  # what is to be released is served already: there is nothing to divide
        return Weight(share_in(self._flags.state(split_of(target)), split_of(target), candidate))
