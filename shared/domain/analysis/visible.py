"""What can be seen so far: the smallest regression that would have shown, and where a difference lies."""

from math import log, sqrt

from shared.domain.analysis.bets import FACTORS
from shared.domain.analysis.rates import Counts, Promise, growth

SURELY = 1.5
"""A regression shows, nearly surely, once its expected evidence is this multiple of what is needed."""
MOST_VISIBLE = 1000.0
BEYOND_TOLERANCE = 1.35
"""The least that is bet on is a little less than this multiple of what is tolerated."""


def smallest_visible(counts: Counts, promise: Promise, needed: float, phi: float) -> float | None:
    """Return the smallest multiple of stable's rate that would have shown with so many requests, or None.

    `needed` is the logarithm of the evidence that decides. The expected evidence of a candidate with `factor` times the
    tolerated rate is `growth` at its own expected counts.
    """
    if counts.n_c <= 0:
        return None
    stable_rate = counts.f_s / counts.n_s if counts.n_s > 0 else 0.0
    tolerated = promise.tolerated(stable_rate)
    if tolerated <= 0 or tolerated >= 1:
        return None
    low, high = 1.0, min(MOST_VISIBLE, 1.0 / tolerated)
    if expected_growth(counts, promise, high) / phi < SURELY * needed:
        return None
    for _ in range(9):
        middle = sqrt(low * high)
        if expected_growth(counts, promise, middle) / phi < SURELY * needed:
            low = middle
        else:
            high = middle
    return high * tolerated / stable_rate if stable_rate > 0 else None


def least_to_see(smallest: float, stable_rate: float, promise: Promise) -> float:
    """Return the smallest regression that can be asked for, as a multiple of stable's rate, nearest to `smallest`.

    What is tolerated is never shown, however long one looks: it takes clearly more than that.
    """
    return max(smallest, BEYOND_TOLERANCE * promise.tolerated(stable_rate) / stable_rate)


def expected_growth(counts: Counts, promise: Promise, factor: float) -> float:
    """Return the evidence that is expected of a candidate of `factor` times the tolerated rate, of these requests."""
    stable_rate = counts.f_s / counts.n_s if counts.n_s > 0 else 0.0
    bad = counts.n_c * factor * promise.tolerated(stable_rate)
    expected = Counts(counts.n_c, bad, counts.n_s, counts.n_s * stable_rate)
    nearest = max((each for each in FACTORS if each <= factor), default=FACTORS[0])
    return growth(expected, promise, nearest)


def difference_interval(counts: Counts, phi: float, alpha: float) -> tuple[float, float] | None:
    """Return a confidence sequence for the candidate's rate less stable's: valid at every look together.

    The asymptotic sequence of Waudby-Smith et al. (2021), most narrow at about 500 candidate requests.
    """
    if counts.n_c <= 0 or counts.n_s <= 0:
        return None
    p_c, p_s = counts.f_c / counts.n_c, counts.f_s / counts.n_s
    if max(p_c, p_s) > 1.0:
        return None  # several events an opportunity: no share, and no interval of shares
    spread_c, spread_s = (counts.f_c + 0.5) / (counts.n_c + 1.0), (counts.f_s + 0.5) / (counts.n_s + 1.0)
    variance = phi * (spread_c * (1 - spread_c) / counts.n_c + spread_s * (1 - spread_s) / counts.n_s)
    weight = counts.n_c / 500.0
    half = sqrt(variance * (weight + 1.0) / weight * log((weight + 1.0) / alpha**2))
    return max(-1.0, p_c - p_s - half), min(1.0, p_c - p_s + half)
