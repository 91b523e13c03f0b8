"""What routers can say of a share: some take whole percents, some two weights, some everything that a `Weight` is.

A share above nothing never becomes nothing, and one below everything never everyone: it was given to have some users
on either side.
"""

from functools import lru_cache
from math import ceil, floor

from shared.domain.rollout.spec import TargetKind
from shared.domain.rollout.weight import ALL, NONE, Weight

MOST = 1000
"""The greatest weight of an endpoint of Traffic Manager; the least is 1."""
_ROUND_TOTAL = 1000
"""Of equal pairs the one nearest to this total is taken, which people can read as tenths of a percent."""
_EQUAL = 9
"""Digits after which two errors are the same but for floating point."""


def expressible(kind: TargetKind, share: Weight) -> Weight:
    """Return the share that a target of this kind has when it is told `share`.

    Of a Traffic Manager profile that is so where it has no endpoints but the two; beside others it may be rounded more.
    """
    match kind:
        case TargetKind.CONTAINER_APP:
            return Weight(whole_percent(share) * 1000)
        case TargetKind.TRAFFIC_MANAGER:
            return share if share in (NONE, ALL) else share_of(*nearest(share))
        case TargetKind.APP_SERVICE_SLOT | TargetKind.HTTP_ROUTE | TargetKind.FEATURE_FLAG:
            return share


def whole_percent(share: Weight) -> int:
    """Return the nearest whole percentage; half a percent goes up. So 0.1 % becomes 1 %, and 99.9 % becomes 99 %."""
    if share in (NONE, ALL):
        return share // 1000
    return min(max((share + 500) // 1000, 1), 99)


def share_of(candidate: int, stable: int) -> Weight:
    """Return the share that the first of two weights has; nothing where both are 0."""
    total = candidate + stable
    return Weight(round(ALL * candidate / total)) if total else NONE


@lru_cache(maxsize=1024)
def nearest(share: Weight) -> tuple[int, int]:
    """Return the weights of candidate and stable, from 1 to 1000, that come nearest to a share of some, not all."""
    pairs = ((mine, theirs) for mine in range(1, MOST + 1) for theirs in _beside(mine, share))
    return min(pairs, key=lambda pair: (_error(pair, share), abs(sum(pair) - _ROUND_TOTAL), pair))


def _beside(candidate: int, share: Weight) -> set[int]:
    exact = candidate * (ALL - share) / share
    return {min(max(whole, 1), MOST) for whole in (floor(exact), ceil(exact))}


def _error(pair: tuple[int, int], share: Weight) -> float:
    candidate, stable = pair
    return round(abs(ALL * candidate / (candidate + stable) - share), _EQUAL)
