"""OpenTelemetry's exponential histograms as histograms with edges.

A bucket with index `i` at scale `s` holds what is above `2 ** (i / 2 ** s)` and at most `2 ** ((i + 1) / 2 ** s)`
(OpenTelemetry metrics data model, ExponentialHistogram). Every scale has the edges of every coarser one, so all are
brought to four edges an octave, exactly: then those of many senders add up.
"""

import math
from collections.abc import Sequence
from typing import Final

from shared.domain.analysis.measurement import Histogram

SCALE: Final = 2
"""Four edges an octave, each 19 % above the one before."""
SECONDS_TO: Final = (-40, 28)
"""The numbers of the edges that are kept for times in seconds, 1 ms to 128 s: `2 ** (number / 4)`."""
MILLISECONDS_TO: Final = (0, 68)
FINEST: Final = 20
COARSEST: Final = -10
"""Scales outside of these are not in use."""


def edged(
    scale: int, offset: int, counts: Sequence[float], zeros: float, threshold: float, numbers: tuple[int, int]
) -> Histogram | None:
    """Return the histogram, or None where it cannot be told exactly: a scale out of use, a zero bucket too wide.

    `offset` is the index of the first bucket, `zeros` how many values are at most `threshold`, `numbers` the first
    and the last edge that is wanted.
    """
    if not COARSEST <= scale <= FINEST:
        return None
    width = 1 << max(0, SCALE - scale)
    fine = 1 << max(0, scale - SCALE)
    first, last = numbers
    kept = range(-(-first // width) * width, last + 1, width)
    if not kept or not threshold <= _edge(kept[0]):
        return None
    slots = [0.0] * (len(kept) + 1)
    slots[0] += zeros
    for index, count in enumerate(counts, start=offset):
        number = -(-(index + 1) // fine) * width
        slots[min(max(0, (number - kept[0]) // width), len(kept))] += count
    return Histogram(tuple(map(_edge, kept)), tuple(slots))


def _edge(number: int) -> float:
    return math.exp2(number / (1 << SCALE))
