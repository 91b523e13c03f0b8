"""What senders push: the numbers of one version in one window each, and when such a window is closed.

A window has many senders, and nobody says how many. It is closed when everyone who reported the window before has
reported this one as fully, or at the end of the next window, whoever is missing then. What comes later changes nothing.
A sender that is silent says nothing: only a report of zero requests is zero requests.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.analysis.state import LATENESS, LATENESS_WINDOWS
from shared.domain.names import ApplicationName, TargetName, Version
from shared.domain.rollout.measuring import ValueKind, ValueQuery

KEPT_WINDOWS = 260
"""How many closed windows are kept: somewhat more than the history that a rollout begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one sender saw of one version in the window `[start, start + length)`, or in a part of that window.

    Application, target, version, window, sender and part together are the observation: a second one of them is a
    repeat, whatever it says.
    """

    application: ApplicationName
    target: TargetName
    version: Version
    start: datetime
    """A multiple of `length` since 1970."""
    length: timedelta
    sender: str
    sample: Sample
    part: str = ""
    """Which part of the window, for senders that report more often than windows end; empty: all of it."""
    is_last: bool = True
    """Whether the sender has nothing more to say of this window, as far as its clock tells."""
    series: tuple[str, ...] = ()
    """Which series it is made of, for senders that may tell of them in several requests."""

    @property
    def end(self) -> datetime:
        """The end of the window."""
        return self.start + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where something is observed: one target of one application, in windows of one length."""

    application: ApplicationName
    target: TargetName
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedWindow:
    """What all senders together saw in one window, by version, ascending; a version without a sample was not seen."""

    start: datetime
    length: timedelta
    samples: tuple[tuple[Version, Sample], ...]

    def of(self, version: Version) -> Sample | None:
        """Return what users of this version met, or None when nobody reported it."""
        return next((sample for name, sample in self.samples if name == version), None)

    def of_others(self, version: Version, values: Sequence[ValueQuery]) -> Sample | None:
        """Return what users of all other versions met together, or None when nobody reported any."""
        others = [sample for name, sample in self.samples if name != version]
        return _added_up(others, values, in_their_unit=False) if others else None


def lateness(length: timedelta) -> timedelta:
    """Return how long after its end a window of this length may still be reported: as long as it can still count."""
    return max(LATENESS, LATENESS_WINDOWS * length)


def grace_ends(start: datetime, length: timedelta) -> datetime:
    """Return when the window is closed at the latest, whoever has not reported."""
    return start + 2 * length


def time_refusal(start: datetime, length: timedelta, now: datetime) -> str | None:
    """Say why a report of this window cannot be true or comes too late, or None when it may be taken."""
    end = start + length
    if end > now + length:
        ahead = (end - now).total_seconds()
        return f"the window ends {ahead:g} s from now: at most one window ahead is taken, so look at the sender's clock"
    if end < now - lateness(length):
        age, most = (now - end).total_seconds(), lateness(length).total_seconds()
        return f"the window ended {age:g} s ago: it is reported within {most:g} s or not at all"
    return None


def is_complete(before: Iterable[Observation], rows: Collection[Observation]) -> bool:
    """Say whether each sender has told all of this window of each version that it told of in the window before.

    All is its last report, and each series as often as in the window before: a report may come in several requests.
    With nobody in the window before nothing is known of who is still to come, and with a sender of series that is new
    nothing of what is still to come from it: then the window is not complete.
    """
    awaited, told = _told(before), _told(rows)
    done = {(row.sender, row.version) for row in rows if row.is_last}
    are_known = all(who in awaited for who, series in told.items() if series)
    as_fully = all(series <= told[who] for who, series in awaited.items() if who in done)
    return bool(awaited) and awaited.keys() <= done and are_known and as_fully


def _told(rows: Iterable[Observation]) -> dict[tuple[str, Version], Counter[str]]:
    """Return how often each sender told of each series of a version."""
    told: dict[tuple[str, Version], Counter[str]] = {}
    for row in rows:
        told.setdefault((row.sender, row.version), Counter()).update(row.series)
    return told


def is_closed(
    start: datetime, length: timedelta, before: Iterable[Observation], rows: Collection[Observation], now: datetime
) -> bool:
    """Say whether the window is closed, by what is known of it and of the one before."""
    return grace_ends(start, length) <= now or is_complete(before, rows)


def close_window(
    start: datetime, length: timedelta, rows: Iterable[Observation], values: Sequence[ValueQuery]
) -> ClosedWindow:
    """Return what all senders said of the window together. Figures of a team's own come out in our units."""
    by_version: dict[Version, list[Sample]] = {}
    for row in sorted(rows, key=lambda row: (row.sender, row.part)):
        by_version.setdefault(row.version, []).append(row.sample)
    samples = tuple((name, _added_up(by_version[name], values, in_their_unit=True)) for name in sorted(by_version))
    return ClosedWindow(start=start, length=length, samples=samples)


def add_up(samples: Sequence[Sample], values: Sequence[ValueQuery]) -> Sample:
    """Return all samples together, figures of a team's own in the unit that they came in.

    Counts add up. The average response time is weighted by requests, and so are gauges. A histogram comes out where
    every sample with requests has one, on the edges that all of them share.
    """
    return _added_up(samples, values, in_their_unit=False)


def merged(histograms: Sequence[Histogram]) -> Histogram | None:
    """Return all together, exactly, on the edges that each of them has; None where they share no edge."""
    if not histograms:
        return None
    shared = set(histograms[0].edges).intersection(*(each.edges for each in histograms[1:]))
    edges = tuple(sorted(shared))
    if not edges:
        return None
    each_on_them = [on_edges(each, edges) for each in histograms]
    return Histogram(edges, tuple(map(sum, zip(*each_on_them, strict=True))))


def on_edges(histogram: Histogram, edges: Sequence[float]) -> tuple[float, ...]:
    """Return the counts between some of the histogram's own edges, one more than there are of them."""
    counts, index = [0.0] * (len(edges) + 1), 0
    for edge, count in zip((*histogram.edges, float("inf")), histogram.counts, strict=True):
        while index < len(edges) and edges[index] < edge:
            index += 1
        counts[index] += count
    return tuple(counts)


def _added_up(samples: Sequence[Sample], values: Sequence[ValueQuery], *, in_their_unit: bool) -> Sample:
    with_requests = [sample for sample in samples if sample.requests > 0]
    timed = [(sample.latency_ms, sample.requests) for sample in with_requests if sample.latency_ms is not None]
    weight = sum(requests for _, requests in timed)
    histograms = [sample.histogram for sample in with_requests if sample.histogram is not None]
    figures = (_figure(samples, query, query.unit.factor if in_their_unit else 1.0) for query in values)
    return Sample(
        requests=sum(sample.requests for sample in samples),
        failures=sum(sample.failures for sample in samples),
        latency_ms=sum(ms * requests for ms, requests in timed) / weight if weight else None,
        histogram=merged(histograms) if len(histograms) == len(with_requests) else None,
        values=tuple(figure for figure in figures if figure is not None),
    )


def _figure(samples: Sequence[Sample], query: ValueQuery, factor: float) -> Value | None:
    told = [(value, sample.requests) for sample in samples if (value := sample.named(query.name)) is not None]
    if not told:
        return None
    if query.kind is ValueKind.GAUGE:
        weights = [requests for _, requests in told] if any(requests for _, requests in told) else [1.0] * len(told)
        mean = sum(value.value * weight for (value, _), weight in zip(told, weights, strict=True)) / sum(weights)
        return Value(name=query.name, value=mean * factor)
    of_all_requests = len(told) == len(samples) and all(value.of is None for value, _ in told)
    of = sum(requests if value.of is None else value.of for value, requests in told)
    total = sum(value.value for value, _ in told)
    return Value(name=query.name, value=total * factor, of=None if of_all_requests else of)
