"""The sites of a world, with a way to see what is there without asking through a port."""

from datetime import datetime
from typing import TYPE_CHECKING

from shared.adapters.memory.site import MemorySite, turned
from shared.domain.analysis.measurement import Missing, Sample
from shared.domain.errors import SlipwayError
from shared.domain.names import Version
from shared.domain.rollout.spec import Place, Target, TargetKind
from shared.domain.rollout.weight import Weight
from shared.ports.promoter import SwapState

if TYPE_CHECKING:
    from tests.simulation.protocol.simulated_flags import SimulatedFlags


class SimulatedSites(MemorySite):
    """Sites in memory that the laws can look at: what they see is no call of the application's."""

    flags: "SimulatedFlags"
    """Divide the users of targets that are flags: the sites follow what these serve."""

    def peek_share(self, target: Target) -> Weight:
        """Return the share of the candidate's place in force."""
        if target.kind is TargetKind.FEATURE_FLAG:
            return self.flags.share_decided(target)
        share = self.read_share(target)
        self.calls.pop()
        return share

    def deploy_at(self, target: Target, place: Place, version: Version) -> None:
        """Let the place serve a version that is well: the one that is meant, where places take turns."""
        self.deploy(target, turned(target, place), version)

    def peek(self, target: Target, place: Place) -> Version | None:
        """Return the version at a place, or None."""
        try:
            return self.read_version(target, place)
        except SlipwayError:
            return None
        finally:
            self.calls.pop()

    def is_well(self, target: Target, place: Place) -> bool:
        """Whether what serves there says that it is well."""
        well = self.read_health(target, place).healthy
        self.calls.pop()
        return well

    def peek_sample(self, target: Target, place: Place, start: datetime, end: datetime) -> Sample | Missing:
        """Return what users met at a place."""
        return self._site(target).sample(place, start, end, ())

    def is_swapping(self, target: Target) -> bool:
        """Whether a swap is running."""
        running = self.read_swap(target, None).state is SwapState.RUNNING
        self.calls.pop()
        return running
