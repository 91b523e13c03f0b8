"""Response times by size, out of classic and native histograms, in milliseconds.

Classic buckets are cumulative (`le`: at most so long); their edges are the application's own and are kept.

Native buckets are exponential, at a resolution that each process chooses and may lower, and empty ones are left out:
the edges of one minute are not those of the next. A tail is judged at one edge through a whole release, so all native
histograms are put on one grid: two to the power of each quarter, where a bucket of schema 2 ends and one of each finer
schema too, and round times that people write in guards. A bucket that lies across one of these edges is divided as
Prometheus' own `histogram_quantile` does, evenly over the logarithm of time; so are the buckets of coarser schemas.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from math import inf, isfinite, isnan, log

from shared.adapters.prometheus.answer import Bucket
from shared.domain.analysis.measurement import Histogram

_ROUND = (
    *(1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, 100.0, 150.0, 200.0, 250.0, 300.0, 400.0),
    *(500.0, 600.0, 750.0, 800.0, 1e3, 1.5e3, 2e3, 2.5e3, 3e3, 4e3, 5e3, 7.5e3, 1e4, 1.5e4, 2e4, 3e4, 6e4, 1.2e5),
)
_SHORTEST, _LONGEST = 0.25, 130_000.0
_SAME = 1e-9
_RACE = 0.01
"""The share by which a cumulative bucket may be less than the one before it: clients count without a lock."""


class ImplausibleError(Exception):
    """What was answered is no histogram; the message says why."""


def from_classic(at_most: Mapping[float, float], series: Mapping[float, float], factor: float) -> Histogram | None:
    """Return the histogram of cumulative counts by `le`; None where `+Inf` is the only bucket.

    `series` says how many series each `le` has. An edge that not all of them have, as when two versions with other
    buckets are one arm, is left out: what lies below it is known for some only. Raises `ImplausibleError`.
    """
    if inf not in at_most or any(isnan(le) for le in at_most):
        raise ImplausibleError("no bucket with le=+Inf")
    if not all(isfinite(count) and count >= 0 for count in at_most.values()):
        raise ImplausibleError("a bucket whose count is no count")
    edges = sorted(le for le in at_most if series.get(le, 0.0) >= series.get(inf, 0.0))
    if len(edges) < 2:
        return None
    total, below = at_most[inf], 0.0
    counts: list[float] = []
    for le in edges:
        if at_most[le] < below - _RACE * total or at_most[le] > total * (1 + _RACE):
            raise ImplausibleError(f"more requests took at most less than {le:g} than at most {le:g}")
        reached = min(max(at_most[le], below), total)
        counts.append(reached - below)
        below = reached
    return Histogram(tuple(round(le * factor, 6) for le in edges[:-1]), tuple(counts))


@cache
def native_edges(factor: float) -> tuple[float, ...]:
    """Return the grid for a metric in a unit of `factor` milliseconds."""
    # Ten digits, so that an edge is the same number on every machine.
    roots = [float(f"{2.0 ** (quarter / 4) * factor:.10g}") for quarter in range(-80, 120)]
    kept = [edge for edge in roots if _SHORTEST <= edge <= _LONGEST]
    extra = [edge for edge in _ROUND if not any(abs(edge - each) <= _SAME * each for each in kept)]
    return tuple(sorted((*kept, *extra)))


def from_native(buckets: Iterable[Bucket], factor: float) -> Histogram:
    """Return the histogram on the grid of the unit. Raises `ImplausibleError`."""
    edges = native_edges(factor)
    counts = [0.0] * (len(edges) + 1)
    for bucket in buckets:
        if not isfinite(bucket.count) or bucket.count < 0 or not bucket.low <= bucket.high:
            raise ImplausibleError("a bucket whose count is no count")
        for cell, share in _shares(edges, bucket.low * factor, bucket.high * factor):
            counts[cell] += share * bucket.count
    return Histogram(edges, tuple(counts))


def _shares(edges: tuple[float, ...], low: float, high: float) -> Iterator[tuple[int, float]]:
    """Yield which cells of the grid a bucket lies in, and which share of it in each."""
    first, last = bisect_right(edges, low * (1 + _SAME)), bisect_left(edges, high * (1 - _SAME))
    reached = 0.0
    if low > 0 and high < inf:
        for cell in range(first, last):
            below = log(edges[cell] / low) / log(high / low)
            yield cell, below - reached
            reached = below
    yield last, 1.0 - reached
