"""Response times as bucket probabilities: a lognormal, scaled and mixed, cut at the edges of a histogram."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import lognorm

Row = NDArray[np.float64]

EDGES_MS: tuple[float, ...] = (25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000, 5000)
MEDIAN_MS = 80.0
SIGMA = 0.7
SLOW_FROM_MS = 250
"""Slower requests count as harmed: close to the stable's 95th percentile."""

_FIRST_SLOW = EDGES_MS.index(SLOW_FROM_MS) + 1


@cache
def buckets(factor: float) -> Row:
    """Return the probability of each bucket when all takes `factor` times as long."""
    below = lognorm.cdf(np.array(EDGES_MS) / factor, SIGMA, scale=MEDIAN_MS)
    row = np.diff(below, prepend=0.0, append=1.0)
    row.setflags(write=False)
    return row


@cache
def outlier(milliseconds: float) -> Row:
    """Return the bucket probabilities of a request that takes exactly so long."""
    row = np.zeros(len(EDGES_MS) + 1)
    row[np.searchsorted(EDGES_MS, milliseconds)] = 1.0
    row.setflags(write=False)
    return row


def with_heavier_tail(rows: Row, factor: float, from_ms: float = 200) -> Row:
    """Return the rows with `factor` times the share above an edge, taken evenly from what lies below it."""
    first = EDGES_MS.index(from_ms) + 1
    above = rows[..., first:].sum(axis=-1, keepdims=True)
    below = (1 - factor * above) / (1 - above)
    return np.concatenate((rows[..., :first] * below, rows[..., first:] * factor), axis=-1)


def share_slow(rows: Row) -> Row:
    """Return the share of requests above 250 ms for each row of bucket probabilities."""
    return rows[..., _FIRST_SLOW:].sum(axis=-1)


_LOW = np.array((0, *EDGES_MS), dtype=float)
_HIGH = np.array((*EDGES_MS, 2 * EDGES_MS[-1]), dtype=float)
_MIDDLES = (_LOW + _HIGH) / 2


def mean_ms(counts: Row) -> Row:
    """Return the average that a source would report, from bucket middles; NaN for a row without requests."""
    total = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (counts @ _MIDDLES) / total
