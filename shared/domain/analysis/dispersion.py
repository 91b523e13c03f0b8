"""How much rougher than chance a rate is: clusters, moods of a minute, drifts.

Errors come in clusters (retries of one client), and rates have moods. A test that takes them for independent sees
regressions everywhere. Dividing `log e` by a dispersion keeps it honest: for clusters of at most m that is exact (by
convexity), for the rest it holds as far as the history shows. It is estimated before the rollout, on stable alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

SHORT_HISTORY = 60
"""Minutes of history that a dispersion is meant to rest on."""
CALM_SHARE = 0.3
"""At most this share of the history is set aside as bursts."""


WILD_SHARE = 0.15
"""In at most this share of the minutes may events burst: else that is how it always is."""


@dataclass(frozen=True, slots=True)
class Dispersion:
    """What a history of one rate says."""

    phi: float
    """The variance of its counts, as a multiple of chance's."""
    usual: float
    """The rate outside bursts."""
    burst: float = 0.0
    """The most events above the usual in a time of minutes far beyond chance: an outage, or one client gone wild; 0:
    there was none."""
    burst_minutes: float = 0.0
    """How long the longest such time was."""
    bursts_an_hour: float = 0.0
    """How many such times there were in an hour."""


def disperse(minutes: Sequence[tuple[float, float]]) -> Dispersion:
    """Return the dispersion of a history of (events, opportunities) by minute.

    The short-range estimate is the mean of squared differences of successive minutes over what chance allows, without
    its top twentieth, 15 % up, and further up for few events; the long-range one is the same over blocks of five
    minutes, which sees drifts and moods that last. Less than an hour of history raises it.
    """
    counted = [(f, n) for f, n in minutes if n > 0]
    if len(counted) < 3:
        return Dispersion(phi=4.0, usual=_rate(counted))
    bursts = _outages(counted)
    calm = [each for index, each in enumerate(counted) if index not in bursts]
    usual = _rate(calm)
    events = sum(f for f, _ in calm)
    short = _differences(calm)
    kept = sorted(short)[: max(1, len(short) - len(short) // 20)]
    rough = max(1.0, 1.15 * sum(kept) / len(kept))
    # What comes in clusters is known as badly as if only the clusters had been counted.
    phi_short = rough + min(3.0, 20.0 * rough / (events + 1.0))
    blocks = sorted(_differences(_blocks(calm, 5)))[:-1]
    phi_long = sum(blocks) / len(blocks) if blocks else 1.0
    phi = max(phi_short, 0.8 * phi_long)
    if len(counted) < SHORT_HISTORY:
        phi *= 1.0 + 0.5 * (1.0 - len(counted) / SHORT_HISTORY)
    wild = _wild(counted, usual)
    return Dispersion(
        phi=round(phi, 6),
        usual=float(f"{usual:.9g}"),
        burst=round(max((sum(counted[i][0] - usual * counted[i][1] for i in run) for run in wild), default=0.0), 3),
        burst_minutes=float(max(map(len, wild), default=0)),
        bursts_an_hour=round(len(wild) * 60.0 / len(counted), 3),
    )


def _outages(minutes: Sequence[tuple[float, float]]) -> frozenset[int]:
    """Return the minutes that are outages rather than noise, and the edges of them: far above the median, by many."""
    rates = sorted(f / n for f, n in minutes)
    median = rates[len(rates) // 2]
    line = max(3.0 * median, median + 0.05)
    found = frozenset(i for i, (f, n) in enumerate(minutes) if f / n > line and f > 3.0 * median * n + 20.0)
    edges = frozenset(
        near
        for index in found
        for near in (index - 1, index + 1)
        if 0 <= near < len(minutes) and minutes[near][0] > 2.0 * median * minutes[near][1] + 5.0
    )
    return found | edges if len(found) <= CALM_SHARE * len(minutes) else frozenset()


def _wild(minutes: Sequence[tuple[float, float]], usual: float) -> list[list[int]]:
    """Return the times, as runs of minutes, in which far more events came than chance allows; none if that is usual."""
    found = [i for i, (f, n) in enumerate(minutes) if f - usual * n > 10.0 + 5.0 * sqrt(usual * n + 1.0)]
    if len(found) > WILD_SHARE * len(minutes):
        return []
    runs: list[list[int]] = []
    for index in found:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _rate(minutes: Sequence[tuple[float, float]]) -> float:
    total = sum(n for _, n in minutes)
    return sum(f for f, _ in minutes) / total if total else 0.0


def _blocks(minutes: Sequence[tuple[float, float]], size: int) -> list[tuple[float, float]]:
    whole = len(minutes) - len(minutes) % size
    return [
        (sum(f for f, _ in minutes[i : i + size]), sum(n for _, n in minutes[i : i + size]))
        for i in range(0, whole, size)
    ]


def _differences(minutes: Sequence[tuple[float, float]]) -> list[float]:
    """Return for each pair of successive minutes the squared difference of their rates over what chance allows."""
    found = []
    for (f, n), (g, m) in pairwise(minutes):
        rate = (f + g) / (n + m)
        # What can come more than once an opportunity has the variance of a count, not that of a share.
        allowed = rate * max(1.0 - rate, 0.5) * (1.0 / n + 1.0 / m)
        found.append((g / m - f / n) ** 2 / allowed if allowed > 0 else 0.0)
    return found
