"""Weights of endpoints for a share: whole numbers from 1 to 1000, so a share is rounded to what two of them can say.

Alone in a profile, two endpoints can say each share from 0.1 % to 99.9 % to within 0.013 percentage points, and each
tenth of a percent exactly; a smaller share is raised to 0.1 % (1 of 1001) and a greater one lowered to 99.9 %, so that
a step never becomes nothing, nor everyone.

Beside other endpoints the two keep the weight that they have together, for otherwise the other endpoints' shares would
move. A share is then rounded to whole parts of that total, at least one for each.
"""

from math import ceil, floor

from shared.domain.rollout.weight import ALL, Weight

MOST = 1000
"""The greatest weight of an endpoint."""
_ROUND_TOTAL = 1000
"""Of equal pairs the one nearest to this total is taken, which people can read as tenths of a percent."""
_EQUAL = 9
"""Digits after which two errors are the same but for floating point."""


def share_of(candidate: int, stable: int) -> Weight:
    """Return the share that the first of two weights has; nothing where both are 0."""
    total = candidate + stable
    return Weight(round(ALL * candidate / total)) if total else Weight(0)


def nearest(share: Weight) -> tuple[int, int]:
    """Return the weights of candidate and stable that come nearest to a share above nothing and below everything."""
    pairs = ((mine, theirs) for mine in range(1, MOST + 1) for theirs in _beside(mine, share))
    return min(pairs, key=lambda pair: (_error(pair, share), abs(sum(pair) - _ROUND_TOTAL), pair))


def within(total: int, share: Weight) -> tuple[int, int]:
    """Return the weights of candidate and stable that make up `total`, from 2 to 1000, and come nearest to a share."""
    candidate = min(max(round(total * share / ALL), 1), total - 1)
    return candidate, total - candidate


def _beside(candidate: int, share: Weight) -> set[int]:
    exact = candidate * (ALL - share) / share
    return {min(max(whole, 1), MOST) for whole in (floor(exact), ceil(exact))}


def _error(pair: tuple[int, int], share: Weight) -> float:
    candidate, stable = pair
    return round(abs(ALL * candidate / (candidate + stable) - share), _EQUAL)
