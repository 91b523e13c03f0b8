"""Two versions' rates in one window, and what the window says of a promise about them.

The promise is `p_c <= margin * p_s + slack` in every window, where stable's rate p_s may be anything and change with
time: bursts and the time of day cancel, since only what stands side by side is compared. The counts are taken as
Poisson or Bernoulli given the rates. For a candidate with `factor` times the tolerated rate the likelihood ratio with
stable's rate profiled out is

    R     = (margin * factor * n_c + n_s) / (margin * n_c + n_s)
    log e = f_c log(factor) - (f_c + f_s) log(R) - n_c * slack * (factor / R - 1)

and E[e] <= 1 under the promise for every n_c, n_s and p_s: with a = factor / R and b = 1 / R the exponent
n_c (margin p_s + slack) (a - 1) + n_s p_s (b - 1) - n_c slack (a - 1) is zero by the choice of R. (The conditional
binomial test of Lindon and Malek, 2022, with a margin and a slack.)
"""

from dataclasses import dataclass
from math import log


@dataclass(frozen=True, slots=True)
class Counts:
    """Events `f` of `n` opportunities of the candidate and of the stable version in one window."""

    n_c: float = 0.0
    f_c: float = 0.0
    n_s: float = 0.0
    f_s: float = 0.0

    def plus(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(self.n_c + other.n_c, self.f_c + other.f_c, self.n_s + other.n_s, self.f_s + other.f_s)

    @property
    def pooled(self) -> float:
        """The events of both."""
        return self.f_c + self.f_s


@dataclass(frozen=True, slots=True)
class Promise:
    """`p_c <= margin * p_s + slack`."""

    margin: float
    slack: float

    def tolerated(self, stable_rate: float) -> float:
        """Return the highest candidate rate that keeps the promise."""
        return self.margin * stable_rate + self.slack


def growth(counts: Counts, promise: Promise, factor: float) -> float:
    """Return `log e` of the window for a candidate of `factor` times the tolerated rate (below 1: better than it)."""
    weighed = promise.margin * counts.n_c
    base = weighed + counts.n_s
    spread = (weighed * factor + counts.n_s) / base if base > 0 else 1.0
    lost = counts.pooled * log(spread) + counts.n_c * promise.slack * (factor / spread - 1.0)
    return counts.f_c * log(factor) - lost


def looks_like_burst(counts: Counts, usual: float) -> bool:
    """Whether so many events came that something may have hit everyone: else no factor need be looked at again."""
    return counts.pooled > 3.0 * usual * (counts.n_c + counts.n_s) + 3.0


def shared_burst_factor(counts: Counts, promise: Promise, factor: float, usual: float) -> float:
    """Return the factor to bet on in this window, less than `factor` where both versions suffer from something else.

    What the candidate adds to the usual rate does not multiply with an outage that hits everyone: with a background B
    above the usual rate the candidate has (B + d) where `factor` times the tolerated usual rate is d above usual. B is
    what the pooled events leave for it. Given the pooled events the likelihood ratio of any factor is a fair bet (for
    the slack: up to the chance that noise alone looks like an outage), so it may be chosen by them. 1 or less: no bet.
    """
    total = counts.n_c + counts.n_s
    added = factor * promise.tolerated(usual) - usual
    background = (counts.pooled - counts.n_c * added) / total if total > 0 else 0.0
    if background <= 3.0 * usual + 3.0 / max(total, 1.0):
        return factor
    return min(factor, (background + added) / promise.tolerated(background))
