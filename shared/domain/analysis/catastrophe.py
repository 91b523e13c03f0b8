"""The candidate that fails as a whole, at once: exact at any rate, and quick.

The Poisson form is loose where most requests fail. Here the promise is `p_c <= p_s + 10 points` (up to 20 with few
requests), or what the guard on errors tolerates where that is more, tested by the exact likelihood ratio of Bernoulli
trials, with stable's rate of the same window rounded up. One window may decide alone only where the candidate fails at
least 50 points more than stable: below that two must agree, since the arms can be out of step by a window.
"""

from dataclasses import dataclass, replace
from math import exp, log, sqrt

from shared.domain.analysis.bets import PATIENCE, short
from shared.domain.analysis.rates import Promise

ALLOWED = 0.10
FEW = 10.0
"""So many failures more are allowed, up to as much again: among few requests one client's retries are many points."""
AT_ONCE_ABOVE = 0.50
LARGER = 3.0
"""Where history has bursts, only what is so many times as large as the largest decides in one window."""
FAILING = (0.25, 0.5, 0.8, 0.98)
"""The failure rates that are bet on."""


@dataclass(frozen=True, slots=True)
class Catastrophe:
    """Money on each of `FAILING`, now and before the newest window."""

    money: tuple[float, ...] = (0.15, 0.15, 0.15, 0.15)
    before: tuple[float, ...] | None = None
    rest: float = 0.4
    """Money in hand, that is laid little by little as in any bet: many fail at once only after hours."""
    minutes: float = 0.0

    @property
    def evidence(self) -> float:
        """Evidence that the candidate fails as a whole, as odds."""
        return sum(self.money) + self.rest


def observe(
    state: Catastrophe,
    candidate: tuple[float, float],
    stable: tuple[float, float],
    *,
    phi: float,
    cap: float,
    unwell: bool,
    late_outage: bool,
    spared: bool,
    burst: float = 0.0,
    promise: Promise | None = None,
    minutes: float = 1.0,
) -> Catastrophe:
    """Take (failures, requests) of both in.

    `late_outage`: stable fell ill one window after the candidate; `spared`: this window is forgiven; `burst`: the
    most failures that ever came at once before.
    """
    f, n = candidate
    g, m = stable
    start = state.money
    if late_outage and state.before is not None:
        start = tuple(map(min, start, state.before))
    if n <= 0 or spared:
        return replace(state, money=start, before=start)
    stable_rate = (g + 1.0) / (m + 2.0) if m > 0 else 0.0
    noise = sqrt(stable_rate * (1.0 - stable_rate) / (m + 2.0)) if m > 0 else 0.0
    tolerated = promise.tolerated(stable_rate) if promise is not None else 0.0
    few = min(ALLOWED, FEW / n)
    allowed = max(ALLOWED + few + stable_rate, tolerated) + 3.0 * noise
    left = state.rest * (state.minutes + PATIENCE) / (state.minutes + minutes + PATIENCE)
    moved = (state.rest - left) / len(FAILING)
    alone = f / n - (g / m if m > 0 else 0.0) >= AT_ONCE_ABOVE and not unwell and f > LARGER * burst
    most = 300.0 if alone else cap / 6.0 if unwell else cap
    money = tuple(
        short((each + moved) * exp(min(most, _growth(f, n, allowed, rate) / phi)))
        for each, rate in zip(start, FAILING, strict=True)
    )
    return Catastrophe(money, start, short(left), state.minutes + minutes)


def _growth(f: float, n: float, allowed: float, rate: float) -> float:
    if rate <= allowed:
        return 0.0
    return f * log(rate / allowed) + (n - f) * log((1.0 - rate) / (1.0 - allowed))
