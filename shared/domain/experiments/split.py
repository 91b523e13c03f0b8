"""Were the requests divided as planned? Where they were not, the arms cannot be compared, whatever they differ in.

An arm that loses requests loses the unhappy ones first: a mismatch turns an experiment's result round more often than
the version does. So it voids the verdict.

The evidence is the one of Lindon and Malek ("Anytime-valid inference for multinomial count data", 2022) for two arms:
the planned share against a beta mixture around it,

    E = B(a + n_c, b + n_s) / B(a, b) / (share^n_c (1 - share)^n_s)         a = 100 share, b = 100 (1 - share)

which may be looked at at any time. Counts are divided by a dispersion, since users send several requests each: for
clusters of at most so many that is exact, by convexity. And a split that is off by nearly nothing is as planned: the
denominator is that of the best share within the tolerance.
"""

from dataclasses import dataclass
from math import exp, lgamma, log

from shared.domain.analysis.sample_ratio import ALPHA, SPLIT_PHI

TOLERANCE = 0.01
"""This relative deviation of the odds is nothing: caches, health probes, clients that keep their version."""
CONCENTRATION = 100.0
_MOST = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How the requests were divided, and what that says."""

    planned: float
    """The candidate's share that was planned."""
    observed: float | None
    """The one that it got; None: there was no request."""
    evidence: float
    """The odds that it is not the planned one."""

    @property
    def is_mismatch(self) -> bool:
        """Whether the requests were not divided as planned, but for a chance of 1 in 1,000 over all looks."""
        return self.evidence >= 1.0 / ALPHA


def split(
    n_c: float, n_s: float, planned: float, *, tolerance: float = TOLERANCE, dispersion: float = SPLIT_PHI
) -> Split:
    """Return what the requests of candidate and stable say of the planned share, which is above 0 and below 1."""
    if n_c + n_s <= 0:
        return Split(planned=planned, observed=None, evidence=1.0)
    observed = n_c / (n_c + n_s)
    counted_c, counted_s = n_c / dispersion, n_s / dispersion
    a, b = CONCENTRATION * planned, CONCENTRATION * (1.0 - planned)
    nearest = min(max(observed, _share(planned, 1.0 / (1.0 + tolerance))), _share(planned, 1.0 + tolerance))
    mixture = _log_beta(a + counted_c, b + counted_s) - _log_beta(a, b)
    evidence = mixture - counted_c * log(nearest) - counted_s * log(1.0 - nearest)
    return Split(planned=planned, observed=observed, evidence=exp(max(-_MOST, min(evidence, _MOST))))


def _share(planned: float, times: float) -> float:
    odds = times * planned / (1.0 - planned)
    return odds / (1.0 + odds)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
