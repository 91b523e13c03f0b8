"""Points of time series, as OpenTelemetry has them, cut into observations of windows.

A point speaks of the time from its start to its end. It belongs to the window that holds its end, and only when it
is no longer than a window: nothing is ever shared out over windows by guess.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.names import ApplicationName, TargetName, Version
from shared.domain.observations import Observation, add_up
from shared.domain.rollout.measuring import ValueKind, ValueQuery
from shared.domain.rollout.timing import window_ceiling

LARGEST = 1e15
"""No figure is further from zero: sums of such are finite, whatever they are of."""
SERIES_NAMED_AT_MOST = 500
"""So many series of an observation are kept by name; more are one together."""
_NAME_LENGTH = 8


class Kind(StrEnum):
    """What a point tells."""

    REQUESTS = "requests"
    """How many requests ended, and how long they took."""
    SUM = "sum"
    """How much was counted of something else."""
    LEVEL = "level"
    """How high something else stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted. `count` is the level itself where a level is told."""

    count: float
    total_ms: float | None = None
    """All response times together."""
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One figure of one series over `(start, end]`, or since `start` where it is cumulative."""

    series: str
    """Names the series: its metric and all its attributes."""
    metric: str
    kind: Kind
    rank: int = 0
    """Of metrics that count the same requests, the one of the lowest rank counts."""
    start: datetime | None
    """None where the sender does not say."""
    end: datetime
    counted: Counted
    is_cumulative: bool = False
    is_failure: bool = False
    """Whether the requests failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The points of one version of one application, from one sender."""

    application: ApplicationName
    target: TargetName | None
    """None: the only one that the application has."""
    version: Version
    sender: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """So many points were not taken, and why."""

    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Cut:
    """An observation, and how many points it is made of."""

    observation: Observation
    points: int


def wanted(points: Iterable[Point], values: Sequence[ValueQuery]) -> tuple[Point, ...]:
    """Return the points that count requests, or one of these figures of a team's own."""
    names = {query.name for query in values}
    return tuple(point for point in points if point.kind is Kind.REQUESTS or point.metric in names)


def sound(points: Iterable[Point]) -> tuple[tuple[Point, ...], tuple[LeftOut, ...]]:
    """Return the points whose figures can be reckoned with, and those that are left out."""
    kept: list[Point] = []
    refused: dict[str, int] = {}
    for point in points:
        why_not = _figure_refusal(point)
        if why_not is None:
            kept.append(point)
        else:
            refused[why_not] = refused.get(why_not, 0) + 1
    return tuple(kept), tuple(LeftOut(count, why) for why, count in refused.items())


def cut(
    report: Report,
    target: TargetName,
    points: Sequence[Point],
    length: timedelta,
    values: Sequence[ValueQuery],
) -> tuple[tuple[Cut, ...], tuple[LeftOut, ...]]:
    """Return the observations that these points of a report make, none of them cumulative any more.

    Points with the same end were told together and make one observation. Figures of a team's own are taken along
    where requests are told beside them: by themselves they do not say how many requests there were.
    """
    refused: dict[str, int] = {}
    by_end: dict[datetime, list[Point]] = {}
    for point in points:
        why_not = _refusal(point, length)
        if why_not is not None:
            refused[why_not] = refused.get(why_not, 0) + 1
        else:
            by_end.setdefault(point.end, []).append(point)
    cuts = [
        Cut(_observation(report, target, requests, by_end[end], length, values), len(requests))
        for end in sorted(by_end)
        if (requests := _counting(by_end[end]))
    ]
    return tuple(cuts), tuple(LeftOut(count, why) for why, count in refused.items())


def _figure_refusal(point: Point) -> str | None:
    if not abs(point.counted.count) <= LARGEST:  # so that NaN is none either
        return f"{point.metric} has points that are no number, or one beyond {LARGEST:g}"
    if point.kind is not Kind.LEVEL and point.counted.count < 0:
        return f"{point.metric} has points below zero: it is a counter"
    return None


def _refusal(point: Point, length: timedelta) -> str | None:
    """Say why nobody can tell which window a point belongs to; None when it can be told."""
    if point.kind is Kind.LEVEL:
        return None
    if point.start is None:
        return f"{point.metric} has points without startTimeUnixNano: what time they are of is not known"
    if point.end < point.start:
        return f"{point.metric} has points that end before they start"
    if point.end - point.start > length:
        seconds, most = (point.end - point.start).total_seconds(), length.total_seconds()
        return (
            f"{point.metric} has points that span {seconds:g} s, and a window has {most:g} s: "
            "report at least once a window"
        )
    return None


def _counting(points: Iterable[Point]) -> list[Point]:
    """Return the points of the best of the metrics that count requests."""
    requests = [point for point in points if point.kind is Kind.REQUESTS]
    best = min((point.rank for point in requests), default=0)
    return [point for point in requests if point.rank == best]


def _observation(
    report: Report,
    target: TargetName,
    requests: Sequence[Point],
    together: Sequence[Point],
    length: timedelta,
    values: Sequence[ValueQuery],
) -> Observation:
    end = requests[0].end
    span = end - min(point.start or end for point in requests)
    closes = window_ceiling(end, length)
    return Observation(
        application=report.application,
        target=target,
        version=report.version,
        start=closes - length,
        length=length,
        sender=report.sender,
        sample=_sample(requests, together, values),
        part=f"{end.isoformat()} {_named(sorted(point.series for point in requests))}",
        is_last=end == closes or end + span > closes,
        series=_names(requests),
    )


def _names(requests: Iterable[Point]) -> tuple[str, ...]:
    """Name the series shortly. Very many get one name together: then any other set of them is another one."""
    names = sorted({point.series for point in requests})
    if len(names) > SERIES_NAMED_AT_MOST:
        names = [sha256("\n".join(names).encode()).hexdigest()]
    return tuple(name[:_NAME_LENGTH] for name in names)


def _named(series: Sequence[str]) -> str:
    """Name the set: a sender whose points of one moment come in two requests makes two observations of them."""
    return f"{len(series)} from {series[0]} to {series[-1]}"


def _sample(requests: Sequence[Point], together: Sequence[Point], values: Sequence[ValueQuery]) -> Sample:
    counted = add_up([_sample_of(point) for point in requests], ())
    figures = (_figure(together, query) for query in values)
    return Sample(
        requests=counted.requests,
        failures=counted.failures,
        latency_ms=counted.latency_ms,
        histogram=counted.histogram,
        values=tuple(figure for figure in figures if figure is not None),
    )


def _sample_of(point: Point) -> Sample:
    counted = point.counted
    timed = counted.total_ms is not None and counted.count > 0
    return Sample(
        requests=counted.count,
        failures=counted.count if point.is_failure else 0.0,
        latency_ms=(counted.total_ms or 0.0) / counted.count if timed else None,
        histogram=counted.histogram,
    )


def _figure(points: Iterable[Point], query: ValueQuery) -> Value | None:
    kind = Kind.LEVEL if query.kind is ValueKind.GAUGE else Kind.SUM
    figures = [point.counted.count for point in points if point.metric == query.name and point.kind is kind]
    if not figures:
        return None
    return Value(name=query.name, value=sum(figures) / (len(figures) if kind is Kind.LEVEL else 1))
