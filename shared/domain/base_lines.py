"""Cumulative series as increases: what was counted since the point before.

A counter says how much it counted since its process began, so a point says something only beside the one before it.
The first that is seen of a sender is therefore a base line and nothing else. A counter that began anew after that
point counts in full, and so does a series that a metric did not have when the sender told of it a moment ago: it begins
with its first request. The first series of a metric that was not told before may be as old as the sender: nobody may
have asked for that metric until now. Whatever is not clear makes a new base line and counts nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.analysis.measurement import Histogram
from shared.domain.observations import on_edges
from shared.domain.points import Counted, LeftOut, Point

SERIES_AT_MOST = 500
NUMBERS_AT_MOST = 20_000
"""So many series of one sender are remembered, and so many numbers of their histograms; more are not taken."""


@dataclass(frozen=True, slots=True)
class SeriesSeen:
    """The newest point of a cumulative series."""

    start: datetime | None
    end: datetime
    counted: Counted


@dataclass(frozen=True, slots=True)
class Heard:
    """When a metric of a sender was told of."""

    until: datetime
    """When its newest points ended."""
    before: datetime | None
    """When the newest points before those ended; None: there were none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseLine:
    """The newest points of one sender's cumulative series, by the name of the series."""

    until: datetime
    """When the newest of them ended."""
    before: datetime | None = None
    """When the newest points before those ended; None: there were none."""
    series: tuple[tuple[str, SeriesSeen], ...] = ()
    metrics: tuple[tuple[str, Heard], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Increases:
    """What cumulative points come to."""

    base: BaseLine | None
    """What to compare the next points with."""
    points: tuple[Point, ...]
    """The increases, as points that are not cumulative, and all points that never were."""
    repeated: int = 0
    """How many points were counted before."""
    left_out: tuple[LeftOut, ...] = ()


def increases(base: BaseLine | None, points: Sequence[Point], longest: timedelta) -> Increases:
    """Return what was counted since the base line. `longest` is how long a sender may be silent and yet be known."""
    counted = [point for point in points if not point.is_cumulative]
    cumulative = sorted((point for point in points if point.is_cumulative), key=lambda point: point.end)
    seen = dict(base.series) if base else {}
    metrics = dict(base.metrics) if base else {}
    times = Heard(base.until, base.before) if base else None
    repeated = left_out = 0
    for point in cumulative:
        times = _heard(times, point)
        metrics[point.metric] = _heard(metrics.get(point.metric), point)
        before = seen.get(point.series)
        if before is None and not _has_room(seen, point):
            left_out += 1
            continue
        if before is not None and point.end <= before.end:
            repeated += 1
            continue
        increase = _since(before, point) if before else _of_new_series(point, times, metrics[point.metric], longest)
        seen[point.series] = SeriesSeen(point.start, point.end, point.counted)
        if increase is not None:
            counted.append(increase)
    too_many = LeftOut(left_out, "there are more cumulative series of one sender than are remembered: send deltas")
    return Increases(
        base=BaseLine(
            until=times.until,
            before=times.before,
            series=tuple(sorted(seen.items(), key=lambda item: item[0])),
            metrics=tuple(sorted(metrics.items(), key=lambda item: item[0])),
        )
        if times is not None
        else None,
        points=tuple(counted),
        repeated=repeated,
        left_out=(too_many,) if left_out else (),
    )


def _has_room(seen: Mapping[str, SeriesSeen], point: Point) -> bool:
    if len(seen) >= SERIES_AT_MOST:
        return False
    histograms = [each.counted.histogram for each in seen.values()] + [point.counted.histogram]
    edges = {histogram.edges for histogram in histograms if histogram is not None}
    counts = sum(len(histogram.counts) for histogram in histograms if histogram is not None)
    return counts + sum(map(len, edges)) <= NUMBERS_AT_MOST


def _heard(heard: Heard | None, point: Point) -> Heard:
    if heard is None:
        return Heard(point.end, None)
    return Heard(point.end, heard.until) if point.end > heard.until else heard


def _of_new_series(point: Point, sender: Heard, metric: Heard, longest: timedelta) -> Point | None:
    """A series that was not there when its metric was last told of, a moment ago, has counted all since then."""
    if point.end == sender.until and point.start is not None and sender.before and point.start >= sender.before:
        return replace(point, is_cumulative=False)
    if point.end == metric.until and metric.before and point.end - metric.before <= longest:
        return replace(point, is_cumulative=False, start=metric.before)
    return None


def _since(before: SeriesSeen, point: Point) -> Point | None:
    if point.start == before.start:
        counted = _difference(before.counted, point.counted)
        # A count that fell began anew at some time since: what it shows is what it counted since then.
        return replace(point, is_cumulative=False, start=before.end, counted=counted or point.counted)
    began_since = point.start is not None and point.start >= before.end
    if began_since:
        return replace(point, is_cumulative=False)
    fell = point.counted.count < before.counted.count
    return replace(point, is_cumulative=False, start=before.end) if fell else None


def _difference(before: Counted, now: Counted) -> Counted | None:
    """Return what was counted meanwhile, or None when the count fell."""
    if now.count < before.count:
        return None
    timed = now.total_ms is not None and before.total_ms is not None and now.total_ms >= before.total_ms
    return Counted(
        count=now.count - before.count,
        total_ms=(now.total_ms or 0.0) - (before.total_ms or 0.0) if timed else None,
        histogram=_difference_of(before.histogram, now.histogram),
    )


def _difference_of(before: Histogram | None, now: Histogram | None) -> Histogram | None:
    """Return the difference on the edges that both have; None where there is none, or where a count fell."""
    if before is None or now is None:
        return None
    edges = tuple(sorted(set(before.edges) & set(now.edges)))
    if not edges:
        return None
    pairs = zip(on_edges(before, edges), on_edges(now, edges), strict=True)
    counts = tuple(later - earlier for earlier, later in pairs)
    return Histogram(edges, counts) if min(counts) >= 0 else None
