"""Reading what the core needs to see. A reading that fails is a reading too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from shared.application.claims import Claims
from shared.calls.deadline import Deadline
from shared.domain.errors import RejectedError, SlipwayError
from shared.domain.names import Version
from shared.domain.rollout.measuring import Source
from shared.domain.rollout.readings import (
    AudienceSeen,
    ClaimSeen,
    FaultsSeen,
    HealthSeen,
    Need,
    ReadAudience,
    ReadClaim,
    ReadFaults,
    ReadHealth,
    ReadHook,
    Readings,
    ReadPlaces,
    ReadPreview,
    ReadShare,
    ReadStaying,
    ReadSwap,
    ReadVersion,
    ReadWindows,
    Seen,
    StayingSeen,
    SwapSeen,
    TargetNeed,
    Trouble,
)
from shared.domain.rollout.spec import Place, Spec, Target
from shared.ports.audience import Audience
from shared.ports.hook_caller import HookCaller
from shared.ports.metrics_source import Arm, MetricsSource, WindowQuestion
from shared.ports.place_finder import PlaceFinder
from shared.ports.place_probe import PlaceProbe
from shared.ports.promoter import Promoter, SwapState
from shared.ports.traffic_router import TrafficRouter

SECONDS = 15.0
"""No reading is begun after this: what is left is trouble, and the next look reads it."""

MetricsSources = Mapping[type[Source], MetricsSource]
"""What reads each kind of source. A kind that is not in it cannot be read here."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Asks the ports for what the core wants to see, and for nothing else."""

    router: TrafficRouter
    promoter: Promoter
    probe: PlaceProbe
    metrics: MetricsSources
    finder: PlaceFinder
    hooks: HookCaller
    audience: Audience
    claims: Claims

    def read(self, spec: Spec | None, needs: Iterable[Need]) -> Readings:
        """Return each reading, or the trouble with it. Never raises for a source that is unwell."""
        deadline = Deadline(SECONDS)
        return Readings({need: self._read(spec, need, deadline) for need in needs})

    def _read(self, spec: Spec | None, need: Need, deadline: Deadline) -> Seen:
        try:
            deadline.left()
            if isinstance(need, ReadHook):
                return self.hooks.look(need.call, need.token, need.call_id)
            return self._ask(spec, need) if spec is not None else Trouble("no rollout is watched")
        except SlipwayError as error:
            return Trouble(str(error))

    def _ask(self, spec: Spec, need: TargetNeed) -> Seen:
        target = spec.target(need.target)
        match need:
            case ReadPlaces():
                return self.finder.find_places(target, need.candidate)
            case ReadVersion():
                return self.probe.read_version(target, need.place)
            case ReadHealth():
                health = self.probe.read_health(target, need.place)
                return HealthSeen(health.healthy, health.detail)
            case ReadShare():
                return self.router.read_share(target)
            case ReadAudience():
                return AudienceSeen(self.audience.read_audience(target))
            case ReadSwap():
                status = self.promoter.read_swap(target, need.token)
                return SwapSeen(
                    running=status.state is SwapState.RUNNING,
                    failed=status.why if status.state is SwapState.FAILED else None,
                )
            case ReadPreview():
                return self.promoter.read_preview(target)
            case ReadStaying():
                return StayingSeen(self.promoter.read_staying(target))
            case ReadClaim():
                return ClaimSeen(self.claims.other(spec.application, target.resource))
            case ReadWindows():
                return self._source(spec).read_windows(_question(spec, need, need.measured_at))
            case ReadFaults():
                return FaultsSeen(self._source(spec).find_faults(_question(spec, need, Place.CANDIDATE)))
            case _:
                assert_never(need)

    def _source(self, spec: Spec) -> MetricsSource:
        kind = type(spec.measuring.source)
        source = self.metrics.get(kind)
        if source is None:
            raise RejectedError(f"metrics.source: {kind.__name__} cannot be read here")
        return source


def _question(spec: Spec, need: ReadWindows | ReadFaults, candidate_at: Place) -> WindowQuestion:
    """Ask for the candidate where it is, and for the stable version at the other place."""
    stable_at = Place.CANDIDATE if candidate_at is Place.PRODUCTION else Place.PRODUCTION
    target = spec.target(need.target)
    return WindowQuestion(
        application=spec.application,
        target=target,
        source=spec.measuring.source,
        candidate=Arm(version=_measured_as(target, need.candidate, candidate_at), place=candidate_at),
        stable=Arm(version=_measured_as(target, need.stable, stable_at), place=stable_at),
        since=need.since,
        until=need.until,
        length=need.length,
        values=spec.measuring.values,
    )


def _measured_as(target: Target, version: Version | None, place: Place) -> Version | None:
    """Return what an arm is called where it is measured: who gets a variant of a flag knows no version of it."""
    if target.kind.holds_versions or target.located is None:
        return version
    return Version(target.located.candidate if place is Place.CANDIDATE else target.located.stable)
