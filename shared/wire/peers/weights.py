"""Weights of other tools as steps of a canary: rising, below 100, and not too many."""

from collections.abc import Sequence
from typing import Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts

DEFAULT_STEPS: Final = (5, 25, 50)
MOST_STEPS: Final = 50


def rising(weights: Sequence[int], part: Part, accounts: Accounts) -> list[int]:
    """Return the weights above 0 and below 100 that rise; 100 is the promotion. What is left out is said."""
    kept: list[int] = []
    for weight in weights:
        if 0 < weight < 100 and (not kept or weight > kept[-1]):
            kept.append(weight)
    falling = [weight for weight in weights if 0 < weight < 100 and weight not in kept]
    if falling:
        accounts.no_equal(part, "weights only rise", f"those that do: {', '.join(map(str, kept))}")
    if len(kept) > MOST_STEPS:
        every = -(-len(kept) // MOST_STEPS)
        kept = kept[every - 1 :: every]
        accounts.no_equal(part, f"a canary has at most {MOST_STEPS} steps", f"each weight in {every}")
    if not kept:
        accounts.chosen("strategy.canary.steps", "5, 25 and 50: no weight between 0 and 100 is named")
    return kept or list(DEFAULT_STEPS)
