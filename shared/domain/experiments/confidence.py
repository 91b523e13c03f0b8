"""Where the effect lies: intervals for the difference and the ratio of two rates, valid at every look together.

A difference d (or a ratio) is ruled out when the likelihood ratio against it is too large: with each arm's share p^ of
n, and KL(p^, p) = p^ log(p^ / p) + (1 - p^) log((1 - p^) / (1 - p)),

    min over p of  n_c KL(p^_c, p + d) + n_s KL(p^_s, p)  >  dispersion * (w + 1) / w * log((w + 1) / alpha^2) / 2

The left side is the profile likelihood (Miettinen and Nurminen, 1985, for the restricted maximum); twice it is the
square of the usual z. The right side is half the squared boundary of the asymptotic confidence sequence of Waudby-Smith
et al. (2021), with w = n / 500 requests of the scarcer arm: the one of `analysis.visible.difference_interval`, so that
for many events the two agree. For few the likelihood knows what a standard error does not: that a count is skewed, and
that no events are little evidence of a rate of zero.

Difference 0 and ratio 1 say the same and are ruled out by the same looks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log, log1p, sqrt

NARROWEST = 500.0
"""Requests of the scarcer arm at which the sequence is about its most narrow."""
FARTHEST = 1e9
"""No ratio above this, or below its inverse, is looked at."""
SEEN = 1.2816
"""The normal quantile of nine in ten."""
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """Events of so many opportunities: at most one each."""

    events: float
    of: float

    @property
    def share(self) -> float:
        """Events per opportunity. Only where there was one."""
        return self.events / self.of

    def cost(self, share: float) -> float:
        """Return `n KL(p^, share)`: how unlikely the count is at this share, in logarithms."""
        return _term(self.events, self.of, share) + _term(self.of - self.events, self.of, 1.0 - share)

    def slope(self, share: float) -> float:
        """Return the derivative of the cost."""
        if not 0.0 < share < 1.0:
            return -inf if share <= 0.0 else inf
        return (self.of * share - self.events) / (share * (1.0 - share))


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, and the range that holds the true one at every look together. Unbounded above: `high` is infinite."""

    estimate: float
    low: float
    high: float


def boundary(scarcer: float, alpha: float) -> float:
    """Return the logarithm of the likelihood ratio that rules a value out, with so many requests of the scarcer arm."""
    w = scarcer / NARROWEST
    return (w + 1.0) / w * (log1p(w) - 2.0 * log(alpha)) / 2.0


def against_difference(candidate: Rate, stable: Rate, moved: float) -> float:
    """Return the logarithm of the likelihood ratio against the candidate's share being stable's and `moved` more."""
    return _profile(candidate, stable, lambda share: share + moved, 1.0, candidate.share - moved)


def against_ratio(candidate: Rate, stable: Rate, times: float) -> float:
    """Return the logarithm of the likelihood ratio against the candidate's share being `times` stable's."""
    return _profile(candidate, stable, lambda share: share * times, times, candidate.share / times)


def difference(candidate: Rate, stable: Rate, allowed: float) -> Interval:
    """Return the candidate's share less stable's. Both had opportunities; `allowed` is boundary times dispersion."""

    def cost(moved: float) -> float:
        return against_difference(candidate, stable, moved)

    estimate = candidate.share - stable.share
    return Interval(estimate, _crossing(cost, allowed, estimate, -1.0), _crossing(cost, allowed, estimate, 1.0))


def ratio(candidate: Rate, stable: Rate, allowed: float) -> Interval | None:
    """Return the candidate's share as a multiple of stable's; None where neither had an event."""
    if candidate.events <= 0 and stable.events <= 0:
        return None

    def cost(size: float) -> float:
        return against_ratio(candidate, stable, FARTHEST**size)

    estimate = candidate.share / stable.share if stable.events > 0 else inf
    size = max(-1.0, min(log(estimate) / log(FARTHEST), 1.0)) if 0.0 < estimate < inf else 1.0 if estimate else -1.0
    low, high = _crossing(cost, allowed, size, -1.0), _crossing(cost, allowed, size, 1.0)
    return Interval(estimate, 0.0 if low <= -1.0 else FARTHEST**low, inf if high >= 1.0 else FARTHEST**high)


def visible_difference(candidate: Rate, stable: Rate, allowed: float, dispersion: float) -> float | None:
    """Return the difference that would be told from none by now, nine times in ten; None: none would.

    It is looked for from the share of both together towards one half. The root of twice the likelihood ratio is about
    normal, around its value for the counts that are expected, with the dispersion as its variance.
    """
    pooled = (candidate.events + stable.events) / (candidate.of + stable.of)
    needed = (sqrt(2.0 * allowed) + SEEN * sqrt(dispersion)) ** 2 / 2.0

    def cost(moved: float) -> float:
        share = pooled + moved if pooled <= 0.5 else pooled - moved
        expected = Rate(candidate.of * share, candidate.of), Rate(stable.of * pooled, stable.of)
        return equality(*expected)

    room = max(pooled, 1.0 - pooled)
    seen = _crossing(cost, needed, 0.0, room)
    return seen if seen < room else None


def equality(candidate: Rate, stable: Rate) -> float:
    """Return the logarithm of the likelihood ratio against both having the same share."""
    pooled = (candidate.events + stable.events) / (candidate.of + stable.of)
    return max(0.0, candidate.cost(pooled) + stable.cost(pooled))


def _term(events: float, of: float, share: float) -> float:
    if events <= 0:
        return 0.0
    return events * log(events / (of * share)) if share > 0 else inf


def _profile(
    candidate: Rate, stable: Rate, moved: Callable[[float], float], stretch: float, candidate_wants: float
) -> float:
    """Return the least cost of both arms over stable's share, where the candidate's share is `moved` of it.

    The sum is convex in stable's share, and its least lies between what each arm wants by itself. `stretch` is the
    derivative of `moved`.
    """
    low, high = sorted((stable.share, candidate_wants))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if candidate.slope(moved(middle)) * stretch + stable.slope(middle) < 0:
            low = middle
        else:
            high = middle
    middle = (low + high) / 2.0
    return max(0.0, candidate.cost(min(max(moved(middle), 0.0), 1.0)) + stable.cost(min(max(middle, 0.0), 1.0)))


def _crossing(cost: Callable[[float], float], allowed: float, inside: float, outside: float) -> float:
    """Return the last value from `inside` towards `outside` that costs no more than is allowed."""
    if cost(outside) <= allowed:
        return outside
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2.0
        if cost(middle) <= allowed:
            inside = middle
        else:
            outside = middle
    return inside
