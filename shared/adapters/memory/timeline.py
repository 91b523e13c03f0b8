"""What a target's places served since when, and the windows that follow from it exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

from shared.domain.analysis.measurement import Histogram, Lack, Missing, Sample, Value
from shared.domain.names import Version
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.measuring import ValueKind, ValueQuery
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
    healthy_prepared: bool = True
    """Whether it is well with production's settings too, before it is there."""
    latencies: Histogram | None = None
    """How requests divide by response time, in whatever total; None where nobody measures that."""
    values: tuple[tuple[str, float], ...] = ()
    """Figures of a team's own by name: how many a request of a counter, the level of a gauge."""


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
    marked: Weight = NONE
    """The share of users whose requests bear the mark of an audience, whoever that is."""
    audience: RequestMark | None = None
    """The mark whose bearers are sent to one place; None: nobody is for a mark."""
    audience_at: Place = Place.CANDIDATE
    """Which place that is."""
    rate: float = 0.0
    """Requests a second, both places together."""

    def at(self, place: Place) -> Deployed | None:
        """Return what a place serves."""
        return self.production if place is Place.PRODUCTION else self.candidate

    def requests_a_second(self, place: Place) -> float:
        """Return a place's part of the requests: users pinned or of an audience, and the rule's share of the others."""
        by_rule = float(self.share)
        if self.audience is not None:
            marked = ALL if self.audience_at is Place.CANDIDATE else NONE
            by_rule = (self.marked * marked + (ALL - self.marked) * self.share) / ALL
        to_candidate = self.pinned + (ALL - self.pinned) * by_rule / ALL
        part = to_candidate if place is Place.CANDIDATE else ALL - to_candidate
        return self.rate * part / ALL


def sample(
    eras: Sequence[Era], place: Place, start: datetime, end: datetime, values: tuple[ValueQuery, ...] = ()
) -> Sample | Missing:
    """Return what a place met in `[start, end)`, without rounding. `eras` ascend; the last one goes on."""
    if not eras or start < eras[0].since:
        return Missing(Lack.NO_DATA, "nothing is known of this time")
    parts = [(era, seconds) for era, seconds in _parts(eras, start, end) if seconds > 0]
    met = reduce(Sample.plus, (_sample_era(era, place, seconds) for era, seconds in parts))
    return replace(met, values=tuple(value for query in values for value in _value(query, place, parts)))


def _parts(eras: Sequence[Era], start: datetime, end: datetime) -> Iterator[tuple[Era, float]]:
    """Yield each era with its seconds in `[start, end)`, which are not above zero where it has no part of it."""
    for era, following in zip(eras, [*[era.since for era in eras[1:]], end], strict=True):
        yield era, (min(following, end) - max(era.since, start)).total_seconds()


def _sample_era(era: Era, place: Place, seconds: float) -> Sample:
    deployed = era.at(place)
    requests = era.requests_a_second(place) * seconds
    if deployed is None:
        return Sample(requests=requests, failures=requests)
    return Sample(
        requests=requests,
        failures=requests * deployed.error_rate,
        latency_ms=deployed.latency_ms if requests else None,
        histogram=_scaled(deployed.latencies, requests),
    )


def _scaled(latencies: Histogram | None, requests: float) -> Histogram | None:
    if latencies is None:
        return None
    return Histogram(latencies.edges, tuple(requests * count / latencies.total for count in latencies.counts))


def _value(query: ValueQuery, place: Place, parts: Sequence[tuple[Era, float]]) -> Iterator[Value]:
    """Yield a counter's sum, or a gauge's mean over the time for which it is known; nothing where it never is."""
    known = [
        (figure, era.requests_a_second(place) * seconds, seconds)
        for era, seconds in parts
        if (deployed := era.at(place)) is not None
        for name, figure in deployed.values
        if name == query.name
    ]
    if not known:
        return
    if query.kind is ValueKind.COUNTER:
        yield Value(name=query.name, value=sum(figure * requests for figure, requests, _ in known))
    else:
        time = sum(seconds for _, _, seconds in known)
        yield Value(name=query.name, value=sum(figure * seconds for figure, _, seconds in known) / time)
