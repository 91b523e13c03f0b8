"""Targets of every kind behind one port: each call goes to the adapter of the target's kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.domain.errors import RejectedError
from shared.domain.names import Version
from shared.domain.rollout.spec import Located, Place, Target, TargetKind
from shared.domain.rollout.weight import Weight
from shared.ports.audience import Audience, RequestMark
from shared.ports.place_finder import PlaceFinder
from shared.ports.place_probe import Health, PlaceProbe
from shared.ports.traffic_pinner import TrafficPinner
from shared.ports.traffic_router import TrafficRouter


@dataclass(frozen=True, slots=True, kw_only=True)
class KindAdapters:
    """What moves and finds the targets of one kind."""

    router: TrafficRouter
    host_of: Callable[[Target, Place], str]
    """Names a place's own host, within 5 seconds."""
    finder: PlaceFinder | None = None
    """None where places are fixed."""
    pinner: TrafficPinner | None = None
    """None where a new version gets no users by itself."""
    audience: Audience | None = None
    """None where no mark of a request can send it to a place."""


@dataclass(frozen=True, slots=True)
class TargetsByKind:
    """The `TrafficRouter`, `Audience`, `PlaceFinder` and `TrafficPinner` of all kinds, and their hosts.

    A kind without adapters is refused.
    """

    kinds: Mapping[TargetKind, KindAdapters]

    def set_share(self, target: Target, share: Weight) -> None:
        """Send `share` of the target's traffic to the candidate place."""
        self._of(target).router.set_share(target, share)

    def read_share(self, target: Target) -> Weight:
        """Return the share in force."""
        return self._of(target).router.read_share(target)

    def set_audience(self, target: Target, mark: RequestMark | None) -> None:
        """Send requests with this mark, and no others of an audience, to the candidate place."""
        self._audience_of(target).set_audience(target, mark)

    def read_audience(self, target: Target) -> RequestMark | None:
        """Return the mark in force, or None."""
        return self._audience_of(target).read_audience(target)

    def find_places(self, target: Target, candidate: Version) -> Located:
        """Return the places of the two versions."""
        finder = self._of(target).finder
        if finder is None:
            raise RejectedError(f"{target.name}: the places of targets of kind {target.kind} are fixed")
        return finder.find_places(target, candidate)

    def pin_traffic(self, target: Target) -> str:
        """Make the target hold new versions back; return what was changed for that."""
        pinner = self._of(target).pinner
        return pinner.pin_traffic(target) if pinner is not None else ""

    def host_of(self, target: Target, place: Place) -> str:
        """Return the place's own host name, with a port where it has one."""
        return self._of(target).host_of(target, place)

    def _audience_of(self, target: Target) -> Audience:
        audience = self._of(target).audience
        if audience is None:
            raise RejectedError(f"{target.name}: targets of kind {target.kind} cannot send marked requests to a place")
        return audience

    def _of(self, target: Target) -> KindAdapters:
        found = self.kinds.get(target.kind)
        if found is None:
            raise RejectedError(f"{target.name}: targets of kind {target.kind} cannot be moved here")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatDivides:
    """What moves, finds and looks at the places of some targets."""

    router: TrafficRouter
    finder: PlaceFinder
    probe: PlaceProbe


@dataclass(frozen=True, slots=True)
class FlagsBeside:
    """The `TrafficRouter`, `PlaceFinder` and `PlaceProbe` of flags of ours and of everything outside."""

    flags: WhatDivides
    outside: WhatDivides

    def set_share(self, target: Target, share: Weight) -> None:
        """Send `share` of the target's traffic to the candidate place."""
        self._of(target).router.set_share(target, share)

    def read_share(self, target: Target) -> Weight:
        """Return the share in force."""
        return self._of(target).router.read_share(target)

    def find_places(self, target: Target, candidate: Version) -> Located:
        """Return the places of the two versions."""
        return self._of(target).finder.find_places(target, candidate)

    def read_version(self, target: Target, place: Place) -> Version:
        """Return the version that the place serves right now."""
        return self._of(target).probe.read_version(target, place)

    def read_health(self, target: Target, place: Place) -> Health:
        """Look once whether the place is well."""
        return self._of(target).probe.read_health(target, place)

    def _of(self, target: Target) -> WhatDivides:
        return self.flags if target.kind is TargetKind.FEATURE_FLAG else self.outside
