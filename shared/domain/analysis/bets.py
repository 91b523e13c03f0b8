"""A bet against a promise: money that only grows when the promise is broken.

A bet begins with 1. Under the promise no strategy makes it grow on average, so by Ville's inequality the chance that it
ever reaches 1 / alpha is at most alpha, however often one looks (Shafer and Vovk's testing by betting; Ramdas et al.,
"Game-theoretic statistics and safe anytime-valid inference", 2023). What a bet has is its evidence: 41 means 41 : 1
against the promise. Throwing money away is always allowed, so anything may be forgiven at no risk.

The money is spread over several ideas of how bad the candidate may be, and over when it may have become bad: a rest
stays in hand and moves in little by little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import exp, log

FACTORS = (1.3, 1.7, 2.4, 3.6, 6.0, 12.0, 40.0, 250.0)
"""How many times the tolerated rate the candidate may have."""
PRIOR = (0.12, 0.18, 0.18, 0.16, 0.14, 0.10, 0.07, 0.05)
AT_ONCE = 0.6
"""The share of the money that is laid from the start: most regressions are there at once."""
PATIENCE = 25.0
"""Minutes after which half of the rest is laid, for regressions that begin later; a quarter is left after three times
as long, and so on: after days there still is some."""
MOST = 1e150
LEAST = 1e-60


@dataclass(frozen=True, slots=True)
class Bet:
    """Money laid on each of `FACTORS`, the rest in hand, and how many minutes it has been played."""

    laid: tuple[float, ...] = tuple(AT_ONCE * share for share in PRIOR)
    rest: float = 1.0 - AT_ONCE
    minutes: float = 0.0

    @property
    def money(self) -> float:
        """All of it: the evidence."""
        return sum(self.laid) + self.rest

    def play(self, growths: Sequence[float], cap: float, length: timedelta) -> "Bet":
        """Return the bet after a window in which each factor's money grew by `exp(growth)`, at most by `exp(cap)`."""
        minutes = self.minutes + length.total_seconds() / 60.0
        left = self.rest * (self.minutes + PATIENCE) / (minutes + PATIENCE)
        moved = self.rest - left
        laid = tuple(
            short((money + moved * share) * exp(min(growth, cap)))
            for money, share, growth in zip(self.laid, PRIOR, growths, strict=True)
        )
        return Bet(laid, short(left), minutes)

    def least(self, other: "Bet") -> "Bet":
        """Return what both have at least: the bet without what it won since, or lost."""
        return Bet(tuple(map(min, self.laid, other.laid)), min(self.rest, other.rest), self.minutes)


def short(money: float) -> float:
    """Return the money in few digits, between nothing worth and `MOST`: a state is to stay small."""
    return 0.0 if money < LEAST else float(f"{min(money, MOST):.6g}")


def cap_of(alpha: float, weight: float, reach: float = 0.6) -> float:
    """Return the most that the logarithm of a bet may grow in one window: one alone never decides, two can.

    `weight` is the bet's share among those that are averaged. A factor with a typical share of the money needs
    `log(1 / (alpha * weight * AT_ONCE * 0.16))` to decide by itself; one window gives at most six tenths of it.
    """
    return min(reach * log(1.0 / (alpha * weight * AT_ONCE * 0.16)), log(0.9 / (alpha * AT_ONCE)))
