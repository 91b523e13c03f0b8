"""Experiments that are drawn at random, with many looks at each."""

from collections.abc import Iterator

import numpy as np

from shared.domain.experiments.confidence import Rate

RNG = np.random.Generator
LOOKS = 25


def looks(
    rng: RNG, shares: tuple[float, float], planned: float, *, first: int = 50, last: int = 200_000, count: int = LOOKS
) -> Iterator[tuple[Rate, Rate]]:
    """Draw one experiment, and return the counts of (candidate, stable) at each look, ever more requests later."""
    totals = np.unique(np.geomspace(first, last, count).astype(int))
    requests = np.diff(totals, prepend=0)
    candidate = rng.binomial(requests, planned)
    stable = requests - candidate
    events = rng.binomial(candidate, shares[0]), rng.binomial(stable, shares[1])
    sums = (np.cumsum(each) for each in (events[0], candidate, events[1], stable))
    for f_c, n_c, f_s, n_s in zip(*sums, strict=True):
        yield Rate(float(f_c), float(n_c)), Rate(float(f_s), float(n_s))
