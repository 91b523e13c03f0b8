"""What a target's places served since when, and the windows that follow from it exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.analysis.measurement import Lack, Missing, Sample
from shared.domain.names import Version
from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import ALL, NONE, Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A version at a place, and how it behaves."""

    version: Version
    error_rate: float = 0.0
    """The share of requests that fail, from 0 to 1."""
    latency_ms: float = 10.0
    healthy: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """A time in which nothing changed."""

    since: datetime
    production: Deployed | None = None
    candidate: Deployed | None = None
    share: Weight = NONE
    """What the rule sends to the candidate's place."""
    pinned: Weight = NONE
    """The share of users that cookies keep at the candidate's place, whatever the rule says."""
    rate: float = 0.0
    """Requests a second, both places together."""

    def at(self, place: Place) -> Deployed | None:
        """Return what a place serves."""
        return self.production if place is Place.PRODUCTION else self.candidate

    def requests_a_second(self, place: Place) -> float:
        """Return a place's part of the requests: the pinned users, and the rule's share of the others."""
        to_candidate = self.pinned + (ALL - self.pinned) * self.share / ALL
        part = to_candidate if place is Place.CANDIDATE else ALL - to_candidate
        return self.rate * part / ALL


def sample(eras: Sequence[Era], place: Place, start: datetime, end: datetime) -> Sample | Missing:
    """Return what a place met in `[start, end)`, without rounding. `eras` ascend; the last one goes on."""
    if not eras or start < eras[0].since:
        return Missing(Lack.NO_DATA, "nothing is known of this time")
    total = Sample(requests=0.0, failures=0.0)
    for era, following in zip(eras, [*[era.since for era in eras[1:]], end], strict=True):
        seconds = (min(following, end) - max(era.since, start)).total_seconds()
        if seconds > 0:
            total = total.plus(_sample_era(era, place, seconds))
    return total


def _sample_era(era: Era, place: Place, seconds: float) -> Sample:
    deployed = era.at(place)
    requests = era.requests_a_second(place) * seconds
    if deployed is None:
        return Sample(requests=requests, failures=requests)
    latency = deployed.latency_ms if requests else None
    return Sample(requests=requests, failures=requests * deployed.error_rate, latency_ms=latency)
