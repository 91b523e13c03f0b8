"""The peers, re-implemented from their documented rules, as drivers. Each says which rule it is.

They ask a metrics server once a minute, as their documentation shows, whatever the window length. Where a source lags
they begin to ask once it can have data: in favour of those that count an empty answer as a failed check. None of them
looks on after its promotion.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from math import inf, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from shared.domain.analysis.measurement import Histogram, Sample, Window
from tests.simulation.judgement.latency import SLOW_FROM_MS
from tests.simulation.judgement.loop import Answer, Driver
from tests.simulation.judgement.traffic import EPOCH

TEN_BY_TEN = (0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True, slots=True)
class Minute:
    """What a metrics server answers for the newest minute: both arms, None where it has nothing."""

    candidate: Sample | None
    stable: Sample | None
    since: float
    """When the newest window in it began, in minutes of the release; minus infinity for an empty answer."""


class OncePerMinute(ABC):
    """A driver that asks once a minute and climbs a ramp; after the last weight the candidate has everything."""

    def __init__(self, ramp: tuple[float, ...], length: timedelta) -> None:
        self.ramp = ramp
        self.windows_a_minute = max(1, round(timedelta(minutes=1) / length))
        self.position = 0
        self.opened = self.now = 0.0
        """When the weight in force was set, and when this is."""
        self.looks = 0
        self.answered = False
        self.pending: list[Window] = []

    def begin(self, history: list[Window]) -> Answer:
        """Open the first step; the past does not matter."""
        return Answer(weight=self.ramp[0])

    def look(self, minute: float, windows: list[Window]) -> Answer:
        """Ask at whole minutes only."""
        self.now = minute
        self.pending += windows
        self.looks += 1
        if self.looks % self.windows_a_minute:
            return self._stay()
        since = max(map(_minute_of, self.pending), default=-inf)
        asked = Minute(_together(self.pending, "candidate"), _together(self.pending, "stable"), since)
        self.pending = []
        self.answered = self.answered or asked.stable is not None
        return self.ask(asked) if self.answered else self._stay()

    @abstractmethod
    def ask(self, asked: Minute) -> Answer:
        """Decide on one answer of the metrics server."""

    def _stay(self) -> Answer:
        return Answer(weight=self.ramp[self.position])

    def _advance(self) -> Answer:
        if self.position + 1 == len(self.ramp):
            return Answer(weight=1.0, passed=True, finished=True)
        self.position += 1
        self.opened = self.now
        return self._stay()


BACK = Answer(weight=0.0, rolled_back=True)


class Flagger(OncePerMinute):
    """Flagger with the metrics of its documentation: success rate at least 99 %, p99 at most 500 ms, threshold 5.

    Each minute one check: the first metric that is out of range, or has no values, fails it, and the weight stays. The
    count of failed checks is never reset while the weights rise; with 5 of them the next minute takes back. A check
    that passes raises the weight by one step, and promotes once the largest weight is reached.
    """

    THRESHOLD = 5

    def __init__(self, ramp: tuple[float, ...], length: timedelta) -> None:
        super().__init__(ramp, length)
        self.failed_checks = 0

    def ask(self, asked: Minute) -> Answer:
        """Check both metrics."""
        if self.failed_checks >= self.THRESHOLD:
            return BACK
        candidate = asked.candidate
        if _success_rate(candidate) >= 0.99 and _quantile_ms(candidate, 0.99) <= 500:
            return self._advance()
        self.failed_checks += 1
        return self._stay()


class ArgoRollouts(OncePerMinute):
    """Argo Rollouts: a background analysis of the success rate every minute, beside steps with 5-minute pauses.

    A measurement below the success condition is a failed one; more than `failureLimit: 3` of them abort. An empty
    answer is an error: more than four in a row (the default of `consecutiveErrorLimit`) abort too.
    """

    FAILURE_LIMIT = 3
    CONSECUTIVE_ERROR_LIMIT = 4
    PAUSE_MINUTES = 5

    def __init__(self, ramp: tuple[float, ...], length: timedelta, *, at_least: float) -> None:
        super().__init__(ramp, length)
        self.at_least = at_least
        self.failed = self.errors = 0

    def look(self, minute: float, windows: list[Window]) -> Answer:
        """Let the pauses run by the clock, while the analysis runs beside them."""
        answer = super().look(minute, windows)
        paused = minute - self.PAUSE_MINUTES * self.position < self.PAUSE_MINUTES
        return answer if answer.rolled_back or paused else self._advance()

    def ask(self, asked: Minute) -> Answer:
        """Take one measurement."""
        rate = _success_rate(asked.candidate)
        self.errors = self.errors + 1 if rate == -inf else 0
        self.failed += rate != -inf and not rate >= self.at_least
        aborts = self.failed > self.FAILURE_LIMIT or self.errors > self.CONSECUTIVE_ERROR_LIMIT
        return BACK if aborts else self._stay()


class Kayenta(OncePerMinute):
    """Kayenta's judge at 10 % for an hour, on one data point a minute: error rate and mean latency, both critical.

    A metric is high when the lower end of the 98 % Mann-Whitney interval of the shift exceeds a quarter of the
    absolute Hodges-Lehmann estimate; a critical metric that is high makes the score 0, else it is the share of the
    metrics that pass. It is judged every 30 minutes on all points so far: below 50 (marginal) ends the canary at once,
    at the end it must reach 75 (pass). The stable version stands in for a baseline of the same size.
    """

    CONFIDENCE = 0.98
    TOLERANCE = 0.25
    INTERVAL_MINUTES = 30
    LIFETIME_MINUTES = 60

    def __init__(self, length: timedelta) -> None:
        super().__init__((0.10,), length)
        self.minutes: list[Minute] = []

    def ask(self, asked: Minute) -> Answer:
        """Collect, and judge when it is time."""
        self.minutes.append(asked)
        if self.now % self.INTERVAL_MINUTES:
            return self._stay()
        high = [self._is_high(metric) for metric in (lambda s: s.failures / s.requests, lambda s: s.latency_ms)]
        if any(high):
            return BACK
        return self._advance() if self.now >= self.LIFETIME_MINUTES else self._stay()

    def _is_high(self, metric: Callable[[Sample], float]) -> bool:
        candidate = _points(metric, [each.candidate for each in self.minutes])
        stable = _points(metric, [each.stable for each in self.minutes])
        if not candidate.size or not stable.size or np.array_equal(candidate, stable):
            return False
        shift, low = _shift(candidate, stable, self.CONFIDENCE)
        return low > self.TOLERANCE * abs(shift)


class RepeatedTest(OncePerMinute):
    """The naive way: a one-sided two-proportion z-test (pooled variance) at .01 on all counts so far, at every look.

    Errors and requests slower than 250 ms are tested alike. What is not significant by the first minute that was
    measured at a weight goes on to the next.
    """

    LEVEL = 0.01

    def __init__(self, ramp: tuple[float, ...], length: timedelta) -> None:
        super().__init__(ramp, length)
        self.counts = np.zeros((2, 3))

    def ask(self, asked: Minute) -> Answer:
        """Add the counts, and test."""
        if asked.candidate is None or asked.stable is None:
            return self._stay()
        for arm, sample in enumerate((asked.candidate, asked.stable)):
            self.counts[arm] += (sample.requests, sample.failures, _slow(sample))
        if any(self._is_significant(column) for column in (1, 2)):
            return BACK
        return self._advance() if asked.since >= self.opened else self._stay()

    def _is_significant(self, column: int) -> bool:
        (n, bad), (m, other) = ((arm[0], arm[column]) for arm in self.counts)
        if not n or not m:
            return False
        pooled = (bad + other) / (n + m)
        deviation = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        return deviation > 0 and (bad / n - other / m) / deviation > norm.isf(self.LEVEL)


class Alarm(OncePerMinute):
    """CodeDeploy's linear 10 % every minute with an alarm on the candidate: one period above the limit takes back.

    The limit is 5 % of the requests, or any error at all (the sum of errors above 0, as in the documentation's
    example). No data is no alarm ("missing").
    """

    RAMP = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

    def __init__(self, length: timedelta, *, limit: float) -> None:
        super().__init__(self.RAMP, length)
        self.limit = limit

    def look(self, minute: float, windows: list[Window]) -> Answer:
        """Let the weight follow the clock."""
        answer = super().look(minute, windows)
        return self._advance() if not answer.rolled_back and minute % 1 == 0 else answer

    def ask(self, asked: Minute) -> Answer:
        """Look at one period."""
        sample = asked.candidate
        rings = sample is not None and sample.requests > 0 and sample.failures / sample.requests > self.limit
        return BACK if rings else self._stay()


def _minute_of(window: Window) -> float:
    return (window.start - EPOCH) / timedelta(minutes=1)


def _together(windows: list[Window], side: str) -> Sample | None:
    samples = [sample for window in windows if isinstance(sample := getattr(window, side), Sample)]
    if not samples:
        return None
    total = samples[0]
    for sample in samples[1:]:
        total = total.plus(sample)
    return total


def _success_rate(sample: Sample | None) -> float:
    """Return the rate; minus infinity without an answer, NaN (which keeps no limit) without requests."""
    if sample is None:
        return -inf
    return 1 - sample.failures / sample.requests if sample.requests else nan


def _quantile_ms(sample: Sample | None, share: float) -> float:
    """Return the quantile as a metrics server does: interpolated within its bucket, the last edge beyond it."""
    histogram = sample.histogram if sample else None
    if histogram is None or not histogram.total:
        return inf
    return _interpolate(histogram, share)


def _interpolate(histogram: Histogram, share: float) -> float:
    cumulative = np.cumsum(histogram.counts)
    rank = share * cumulative[-1]
    bucket = int(np.searchsorted(cumulative, rank))
    if bucket >= len(histogram.edges):
        return histogram.edges[-1]
    low = histogram.edges[bucket - 1] if bucket else 0.0
    below = cumulative[bucket - 1] if bucket else 0.0
    return low + (histogram.edges[bucket] - low) * (rank - below) / histogram.counts[bucket]


def _slow(sample: Sample) -> float:
    return (sample.histogram.above(SLOW_FROM_MS) if sample.histogram else None) or 0.0


def _points(metric: Callable[[Sample], float], samples: list[Sample | None]) -> NDArray[np.float64]:
    return np.array([metric(each) for each in samples if each is not None and each.requests > 0], dtype=float)


def _shift(one: NDArray[np.float64], other: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the Hodges-Lehmann estimate of one - other and the lower end of its interval.

    Normal approximation with the variance for ties (Hollander and Wolfe, Nonparametric Statistical Methods, 4.3).
    """
    differences = np.sort(np.subtract.outer(one, other), axis=None)
    n, m = len(one), len(other)
    _, ties = np.unique(np.concatenate((one, other)), return_counts=True)
    total = n + m
    variance = n * m / 12 * (total + 1 - (ties**3 - ties).sum() / (total * (total - 1)))
    rank = int(np.floor(n * m / 2 - norm.isf((1 - confidence) / 2) * sqrt(variance)))
    return float(np.median(differences)), float(differences[rank - 1]) if rank >= 1 else -inf


PEERS: dict[str, Callable[[tuple[float, ...], timedelta], Driver]] = {
    "flagger": lambda _, length: Flagger(TEN_BY_TEN, length),
    "flagger-ramp": Flagger,
    "argo-99": partial(ArgoRollouts, at_least=0.99),
    "argo-95": partial(ArgoRollouts, at_least=0.95),
    "kayenta": lambda _, length: Kayenta(length),
    "z-test": RepeatedTest,
    "alarm-5": lambda _, length: Alarm(length, limit=0.05),
    "alarm-any": lambda _, length: Alarm(length, limit=0.0),
}
