"""Does the candidate get, and report, the share of the requests that was asked for?

This finds what error rates cannot see: instances that die before they report. It only pauses and warns, since clients
that stick to a version lag behind a change of weight and look like lost requests. Time tells the two apart: lost
requests make every weight smaller by the same factor at once, sticky clients move from the old share to the new one.
So the likelihood of "a constant share of the requests is lost (or added)" is held against that of the best fitting pace
of sticky clients, from "at once" to most of an hour. For each pace the ratio is a fair bet (Lindon and Malek,
"Anytime-valid inference for multinomial count data", 2022); the least of them is evidence against all.
"""

from dataclasses import dataclass, replace
from math import exp, log

PACES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 40.0)
"""Minutes in which sticky clients follow a change of weight, but for 1/e of them."""
TIMES = (0.02, 0.3, 0.5, 0.7, 0.85, 0.92, 1.1, 1.3, 2.0)
"""Times the odds that were asked for, with the tolerance on top: requests lost, and requests too many."""
ALPHA = 0.001
LATE = -20.0
"""No factor falls further behind the best pace (in logarithms), so that a loss that begins late is found as well."""
SPLIT_PHI = 1.5
PACE_ERROR = 0.07
"""No pace fits exactly: this relative error of the share is nothing."""


@dataclass(frozen=True, slots=True)
class ShareTest:
    """What is remembered of the candidate's share."""

    followed: tuple[float, ...] = (0.0,) * len(PACES)
    """The share of clients that have followed by now, at each pace."""
    paces: tuple[float, ...] = (0.0,) * len(PACES)
    """Logarithm of the likelihood of each pace."""
    times: tuple[float, ...] = (0.0,) * len(TIMES)
    """The same of each constant factor."""
    n_c: float = 0.0
    n_s: float = 0.0

    @property
    def evidence(self) -> float:
        """The odds that requests are lost or too many."""
        most = max(self.times)
        mean = most + log(sum(exp(each - most) for each in self.times) / len(TIMES))
        return exp(max(-200.0, min(mean - max(self.paces), 200.0)))

    @property
    def likeliest(self) -> float:
        """The factor that fits best."""
        return TIMES[self.times.index(max(self.times))]


def follow(state: ShareTest, share: float, minutes: float) -> ShareTest:
    """Let sticky clients move towards `share` for so long."""
    followed = tuple(
        round(old + (share - old) * (1.0 - (exp(-minutes / pace) if pace > 0 else 0.0)), 9)
        for old, pace in zip(state.followed, PACES, strict=True)
    )
    return replace(state, followed=followed)


def observe(state: ShareTest, n_c: float, n_s: float, share: float, tolerance: float) -> ShareTest:
    """Take the requests of one window in, measured wholly at the candidate's `share`."""
    if n_c + n_s <= 0 or not 0.0 < share < 1.0:
        return state
    odds = share / (1.0 - share)
    phi = SPLIT_PHI + PACE_ERROR**2 * n_c
    paces = tuple(_likelihood(n_c, n_s, _odds(followed), phi) for followed in state.followed)
    times = tuple(
        _likelihood(n_c, n_s, odds * times * (1.0 - tolerance if times < 1.0 else 1.0 + tolerance), phi)
        for times in TIMES
    )
    # Only differences matter: without the largest the numbers stay small however long it goes on.
    best = max(a + b for a, b in zip(state.paces, paces, strict=True))
    return replace(
        state,
        paces=_added(state.paces, paces, best, -1e4),
        times=_added(state.times, times, best, LATE),
        n_c=state.n_c + n_c,
        n_s=state.n_s + n_s,
    )


def _added(old: tuple[float, ...], new: tuple[float, ...], best: float, least: float) -> tuple[float, ...]:
    return tuple(round(max(least, a + b - best), 4) for a, b in zip(old, new, strict=True))


def _likelihood(n_c: float, n_s: float, odds: float, phi: float) -> float:
    share = odds / (1.0 + odds)
    return (n_c * log(share) + n_s * log(1.0 - share)) / phi


def _odds(share: float) -> float:
    bounded = min(max(share, 1e-6), 1.0 - 1e-6)
    return bounded / (1.0 - bounded)
