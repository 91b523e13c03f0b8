"""Native histograms, fetched series by series and counted here.

Classic buckets are counters, and Prometheus counts them as it counts requests. Native histograms it cannot: the servers
that first had them (2.40 and later) lose them in `last_over_time`, in a difference and in `label_replace`, and
`increase()` stretches them, so that half the requests would look like all of them. So each series is read at the edges
of windows, as it stands there, and its growth is counted here: there is one series where a classic histogram has
fifteen, but each value is long. Long spans are asked for in pieces.

- More observations than at the window's start: the buckets' differences count.
- Fewer: the process began again, and what it shows counts.
- No value at the window's start, or buckets that do not go on from it (a process may lower its resolution): how much
  is of this window cannot be known, and the series is left out of it. Requests are counted all the same; only their
  response times are not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from shared.adapters.prometheus.answer import Bucket, NativeHistogram, Row
from shared.adapters.prometheus.parts import Grid, Side
from shared.adapters.prometheus.plan import Plan
from shared.adapters.prometheus.selector import Selector
from shared.adapters.prometheus.server import PrometheusServer

_WINDOWS_A_QUESTION = 6

Growths = dict[tuple[str, int], list[NativeHistogram]]


@dataclass(frozen=True, slots=True)
class NativeTimes:
    """Response times by version and window."""

    growths: Mapping[tuple[str, int], list[NativeHistogram]]
    is_plain: bool
    """Whether the series are plain numbers, and so no histograms."""

    def of(self, side: Side, index: int) -> NativeHistogram | None:
        """Return all histograms of a side in a window together, buckets in no order; None where there are none."""
        found = [
            each
            for (version, at), histograms in self.growths.items()
            if at == index and side.covers(version)
            for each in histograms
        ]
        return _together(found) if found else None


NO_TIMES = NativeTimes({}, is_plain=False)


def ask_native(server: PrometheusServer, plan: Plan, selector: Selector) -> NativeTimes:
    """Return the growth of the selector's histograms in each window."""
    growths: Growths = {}
    is_plain = False
    grid = plan.grid
    for first in range(0, grid.windows, _WINDOWS_A_QUESTION):
        count = min(_WINDOWS_A_QUESTION, grid.windows - first)
        piece = Grid(grid.since + first * grid.window, grid.window, count, 1)
        for row in server.ask_range(str(selector), piece.since, piece.until, grid.window):
            is_plain = is_plain or bool(row.values)
            for index, growth in _growths(row, piece):
                growths.setdefault((row.label(plan.source.version_label), first + index), []).append(growth)
    return NativeTimes(growths, is_plain and not growths)


def _growths(row: Row, grid: Grid) -> Iterator[tuple[int, NativeHistogram]]:
    start, length = round(grid.since.timestamp() * 1000), round(grid.window.total_seconds() * 1000)
    for index in range(grid.windows):
        before, now = (row.histograms.get(start + edge * length) for edge in (index, index + 1))
        if before is not None and now is not None and (growth := _growth(before, now)) is not None:
            yield index, growth


def _growth(before: NativeHistogram, now: NativeHistogram) -> NativeHistogram | None:
    if now.count < before.count:
        return now
    old, new = _by_edges(before), _by_edges(now)
    if not old.keys() <= new.keys() or any(new[key] < count for key, count in old.items()):
        return None
    buckets = tuple(Bucket(*key, count - old.get(key, 0.0)) for key, count in new.items())
    return NativeHistogram(now.count - before.count, now.sum - before.sum, buckets)


def _by_edges(histogram: NativeHistogram) -> dict[tuple[float, float], float]:
    return {(bucket.low, bucket.high): bucket.count for bucket in histogram.buckets}


def _together(histograms: Iterable[NativeHistogram]) -> NativeHistogram:
    count = total = 0.0
    buckets: dict[tuple[float, float], float] = {}
    for histogram in histograms:
        count, total = count + histogram.count, total + histogram.sum
        for bucket in histogram.buckets:
            key = (bucket.low, bucket.high)
            buckets[key] = buckets.get(key, 0.0) + bucket.count
    return NativeHistogram(count, total, tuple(Bucket(*key, each) for key, each in buckets.items()))
