"""Reading what the core needs to see. A reading that fails is a reading too."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from shared.calls.deadline import Deadline
from shared.domain.analysis.measurement import Window
from shared.domain.errors import SlipwayError
from shared.domain.rollout.readings import (
    HealthSeen,
    Need,
    ReadHealth,
    Readings,
    ReadShare,
    ReadSwap,
    ReadVersion,
    ReadWindows,
    Seen,
    SwapSeen,
    Trouble,
)
from shared.domain.rollout.spec import Place, Spec
from shared.ports.metrics_source import MetricsSource, PlaceWindow
from shared.ports.place_probe import PlaceProbe
from shared.ports.promoter import Promoter, SwapState
from shared.ports.traffic_router import TrafficRouter

SECONDS = 15.0
"""No reading is begun after this: what is left is trouble, and the next look reads it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Asks the ports for what the core wants to see, and for nothing else."""

    router: TrafficRouter
    promoter: Promoter
    probe: PlaceProbe
    metrics: MetricsSource

    def read(self, spec: Spec | None, needs: Iterable[Need]) -> Readings:
        """Return each reading, or the trouble with it. Never raises for a source that is unwell."""
        deadline = Deadline(SECONDS)
        return Readings({need: self._read(spec, need, deadline) for need in needs} if spec else {})

    def _read(self, spec: Spec, need: Need, deadline: Deadline) -> Seen:
        try:
            deadline.left()
            return self._ask(spec, need)
        except SlipwayError as error:
            return Trouble(str(error))

    def _ask(self, spec: Spec, need: Need) -> Seen:
        target = spec.target(need.target)
        match need:
            case ReadVersion():
                return self.probe.read_version(target, need.place)
            case ReadHealth():
                health = self.probe.read_health(target, need.place)
                return HealthSeen(health.healthy, health.detail)
            case ReadShare():
                return self.router.read_share(target)
            case ReadSwap():
                status = self.promoter.read_swap(target, need.token)
                return SwapSeen(
                    running=status.state is SwapState.RUNNING,
                    failed=status.why if status.state is SwapState.FAILED else None,
                )
            case ReadWindows():
                read = self.metrics.read_windows(target, need.since, need.until, need.length)
                return tuple(_arms(window, need.measured_at) for window in read)
            case _:
                assert_never(need)


def _arms(window: PlaceWindow, candidate_at: Place) -> Window:
    """Credit each place's numbers to the version that held it."""
    swapped = candidate_at is Place.PRODUCTION
    return Window(
        start=window.start,
        end=window.end,
        candidate=window.production if swapped else window.candidate,
        stable=window.candidate if swapped else window.production,
    )
