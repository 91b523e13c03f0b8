"""Layers: parts of all users that do not overlap.

All flags of a layer divide users in the same way, for the layer's name is the seed. Whoever is in one part is in no
other, so that experiments in parts of one layer never meet in one user.
"""

from collections.abc import Callable

from shared.domain.flags.buckets import slipway_place
from shared.domain.flags.model import WHOLE, Json


def layer_place(layer: str) -> Callable[[Json], int]:
    """Return the function from a user to its place in the layer, in 1/100,000: 0 to 99,999."""
    place = slipway_place(layer)
    return lambda key: (place(key) * WHOLE) >> 64
