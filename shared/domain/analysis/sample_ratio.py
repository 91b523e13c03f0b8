"""Does the candidate get, and report, the share of the requests that was asked for?

This finds what error rates cannot see: instances that die before they report. It only pauses and warns, since clients
that stick to a version lag behind a change of weight and look like lost requests: what may be expected of them moves
from the old weight to the new one in a few minutes, and a minute after each change is not looked at.

The likelihood ratio of a binomial with other odds, against the edge of what is tolerated (Lindon and Malek,
"Anytime-valid inference for multinomial count data", 2022, with a band instead of one value).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from math import exp, log

from shared.domain.analysis.bets import short

LOST = (0.05, 0.3, 0.5, 0.7, 0.85, 0.93)
"""Multiples of the least tolerated odds: requests lost."""
GAINED = (1.07, 1.15, 1.3, 2.0)
"""Multiples of the highest tolerated odds."""
ALPHA = 0.001
SETTLES = timedelta(minutes=4)
"""The time constant with which sticky clients are expected to follow a change of weight at least."""


@dataclass(frozen=True, slots=True)
class ShareTest:
    """What is remembered of the candidate's share."""

    followed: float = 0.0
    """The share that sticky clients have at least by now."""
    lost: tuple[float, ...] = (1.0,) * len(LOST)
    gained: tuple[float, ...] = (1.0,) * len(GAINED)
    n_c: float = 0.0
    n_s: float = 0.0
    silent_seconds: float = 0.0
    """For how long the candidate has reported nothing while stable has."""

    @property
    def evidence(self) -> float:
        """The odds against the share being right."""
        return max(sum(self.lost) / len(LOST), sum(self.gained) / len(GAINED)) / 2.0


def follow(state: ShareTest, share: float, length: timedelta) -> ShareTest:
    """Let the share that is expected of sticky clients move towards `share`."""
    moved = (share - state.followed) * (1.0 - exp(-(length / SETTLES)))
    return replace(state, followed=share if share < state.followed else round(state.followed + moved, 9))


def observe(state: ShareTest, n_c: float, n_s: float, share: float, tolerance: float, phi: float) -> ShareTest:
    """Take the requests of one window in, measured wholly at the candidate's `share`."""
    if n_c + n_s <= 0 or not 0.0 < share < 1.0:
        return state
    low = _odds(min(share, state.followed)) * (1.0 - tolerance)
    high = _odds(share) * (1.0 + tolerance)
    return replace(
        state,
        lost=_played(state.lost, LOST, low, n_c, n_s, phi),
        gained=_played(state.gained, GAINED, high, n_c, n_s, phi),
        n_c=state.n_c + n_c,
        n_s=state.n_s + n_s,
    )


def _played(
    money: tuple[float, ...], factors: tuple[float, ...], odds: float, n_c: float, n_s: float, phi: float
) -> tuple[float, ...]:
    if odds <= 0:
        return money
    edge = odds / (1.0 + odds)
    played = []
    for each, factor in zip(money, factors, strict=True):
        other = odds * factor / (1.0 + odds * factor)
        grown = (n_c * log(other / edge) + n_s * log((1.0 - other) / (1.0 - edge))) / phi
        played.append(short(max(1e-9, each * exp(max(-50.0, min(grown, 50.0))))))
    return tuple(played)


def _odds(share: float) -> float:
    return share / (1.0 - share)
