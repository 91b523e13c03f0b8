"""Ids of effects, as every aggregate gives them."""

from shared.domain.names import EffectId


def next_effect_id(made: int) -> EffectId:
    """Return the id of the effect made after `made` others; ids sort in that order."""
    return EffectId(f"{made + 1:010d}")
