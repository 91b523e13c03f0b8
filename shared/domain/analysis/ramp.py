"""From the smallest regression that is to be seen to the weights and the time that it takes.

To see a regression takes a number of candidate requests that follows from its size (see `visible`) and not from the
weight. So they are gathered where they hurt least: at the lowest weight that gets them in half an hour. What comes
after is as quick as evidence allows, since what was to be seen would have shown by then.
"""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil, log

from shared.domain.analysis.guards import Guard, GuardConfig, Metric, Ratio
from shared.domain.analysis.rates import Counts, Promise
from shared.domain.analysis.visible import SURELY, expected_growth, least_to_see
from shared.domain.analysis.weighing import weights_of

FIRST_WEIGHTS = (1_000, 2_000, 5_000, 10_000, 20_000)
"""What a ramp can begin with, in thousandths of a percent."""
LATER_WEIGHTS = (5_000, 20_000, 50_000)
LONGEST_FIRST = timedelta(minutes=30)
LONGEST_DWELL = timedelta(days=7)
"""What cannot be seen in a week at a fifth of the traffic is not waited for any longer."""
ROUGH = 1.5
"""The dispersion that is reckoned with: history may turn out to be rougher, and then the first weight lasts longer."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """Rising weights, and how long the first one is to last at least."""

    weights: tuple[int, ...]
    dwell: timedelta


def ramp_for(smallest: float, rate: float, requests_per_second: float, config: GuardConfig) -> Ramp:
    """Return the ramp that sees `smallest` times stable's error `rate` before it leaves its first weight.

    Where half an hour is too short even at a fifth of the traffic, the first weight is that and lasts as long as it
    takes: a small regression at little traffic costs hours, and this says how many. Raises ValueError without traffic.
    """
    needed = requests_to_see(smallest, rate, config)
    if requests_per_second <= 0:
        raise ValueError("without traffic nothing can be seen")
    for weight in FIRST_WEIGHTS:
        seconds = needed / (requests_per_second * weight / 100_000)
        if seconds <= LONGEST_FIRST.total_seconds() or weight == FIRST_WEIGHTS[-1]:
            break
    windows = max(1, ceil(min(seconds, LONGEST_DWELL.total_seconds()) / config.window.total_seconds()))
    later = tuple(each for each in LATER_WEIGHTS if each > weight)
    return Ramp((weight, *later), max(config.dwell, windows * config.window))


def requests_to_see(smallest: float, rate: float, config: GuardConfig) -> float:
    """Return how many candidate requests a regression to `smallest` times the rate takes to be seen, nearly surely."""
    guard = next((each for each in config.guards if _compares_errors(each)), None)
    promise = Promise(guard.test.maximum, guard.test.slack) if guard and isinstance(guard.test, Ratio) else _USUAL
    usual = max(rate, 1e-5)
    factor = least_to_see(smallest, usual, promise) * usual / promise.tolerated(usual)
    share = weights_of(config).get(guard.name, 1.0) if guard else 1.0
    wanted = SURELY * ROUGH * log(1.0 / (config.alpha * share))
    # The candidate has a small share of the traffic, so stable is known about twenty times as well.
    gained = expected_growth(Counts(1.0, 0.0, 20.0, 20.0 * usual), promise, factor)
    return wanted / gained


_USUAL = Promise(Ratio().maximum, Ratio().slack)


def _compares_errors(guard: Guard) -> bool:
    return guard.metric is Metric.ERROR_RATE and isinstance(guard.test, Ratio)
