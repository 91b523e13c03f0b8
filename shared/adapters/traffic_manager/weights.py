"""Weights of endpoints for a share: whole numbers from 1 to 1000, so a share is rounded to what two of them can say.

Alone in a profile, two endpoints can say each share from 0.1 % to 99.9 % to within 0.013 percentage points, and each
tenth of a percent exactly; a smaller share is raised to 0.1 % (1 of 1001) and a greater one lowered to 99.9 %, so that
a step never becomes nothing, nor everyone. That is `rounding.nearest`, which a plan shows before anything runs.

Beside other endpoints the two keep the weight that they have together, for otherwise the other endpoints' shares would
move. A share is then rounded to whole parts of that total, at least one for each.
"""

from shared.domain.rollout.weight import ALL, Weight


def within(total: int, share: Weight) -> tuple[int, int]:
    """Return the weights of candidate and stable that make up `total`, from 2 to 1000, and come nearest to a share."""
    candidate = min(max(round(total * share / ALL), 1), total - 1)
    return candidate, total - candidate
