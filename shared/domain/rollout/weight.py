"""A share of traffic as an integer, so that weights add up and compare exactly."""

from typing import NewType

Weight = NewType("Weight", int)
"""Thousandths of a percent: 0 to 100,000."""

NONE = Weight(0)
ALL = Weight(100_000)
ROUNDING = Weight(1_000)
"""The coarsest routers take whole percents."""


def from_percent(percent: float) -> Weight:
    """Return the weight nearest to a percentage. Raises ValueError outside 0 to 100."""
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent} is not a percentage from 0 to 100")
    return Weight(round(percent * 1000))


def to_percent(weight: Weight) -> float:
    """Return the percentage; a whole number where it is one."""
    return weight / 1000


def rest(weight: Weight) -> Weight:
    """Return what the other side gets."""
    return Weight(ALL - weight)
