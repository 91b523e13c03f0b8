"""Draws what the windows of one run measure, for whatever weight is in force.

Requests are Poisson, split binomially by the real share of the candidate; failures are binomial or clustered;
response times are multinomial over exact bucket probabilities. What does not depend on the weight (bursts, noise,
faults) is drawn once when the run begins, so that all drivers of a run live in the same world.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp

import numpy as np
from numpy.typing import NDArray

from shared.domain.analysis.measurement import Histogram, Lack, Missing, Sample, Window
from tests.simulation.judgement.latency import EDGES_MS, buckets, mean_ms, outlier, share_slow, with_heavier_tail
from tests.simulation.judgement.scenarios import Scenario

Floats = NDArray[np.float64]

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
HISTORY_MINUTES = 60
HORIZON_MINUTES = 60
WILD_PER_HOUR = 3.0
WILD_SECONDS = 2.0
NOT_THERE = Missing(Lack.NO_DATA, "no data for this window")
NO_TRAFFIC = Missing(Lack.NO_DATA, "no traffic yet")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Windows from `first` on, all at one weight."""

    first: int
    windows: list[Window]
    requests: Floats
    """Expected requests of the candidate."""
    harmed: Floats
    """Expected requests of the candidate that would have gone well on the stable version."""


class Traffic:
    """The world of one run."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        base: float,
        rps: float,
        window_seconds: int,
        rng: np.random.Generator,
        horizon: int = HORIZON_MINUTES,
    ) -> None:
        self.scenario = scenario
        self.rng = rng
        self.minutes = window_seconds / 60
        self.length = timedelta(seconds=window_seconds)
        self.horizon = horizon
        """Minutes that are looked at; users are counted to its end."""
        self.count = round(horizon / self.minutes)
        self.past = round(HISTORY_MINUTES / self.minutes)
        self.starts = (np.arange(self.past + self.count) - self.past) * self.minutes
        """Minutes from the begin of the release to the begin of each window; history is below zero."""
        self.requests = np.full(len(self.starts), rps * window_seconds)
        self.stable_rate = np.full(len(self.starts), base)
        self.burst = self._bursts()
        self.stable_noise = self._noise()
        self.candidate_noise = self._noise()
        if scenario.day_and_night:
            swing = np.sin(2 * np.pi * (self.starts / 60 + rng.random()))
            self.requests = self.requests * (1 + 0.6 * swing)
            self.stable_rate = self.stable_rate * 2.0**swing
        self.wild_stable, self.wild_candidate = self._wild_clients(rps)
        self.faults = rng.random(len(self.starts))
        self.share = 0.0
        self.weight = 0.0
        self.changed_at = 0.0
        self.cold_share = 0.0
        self.cold_since = 0.0

    def history(self) -> list[Window]:
        """Return the hour before the release, with the stable version alone."""
        rows = slice(0, self.past)
        expected = self.requests[rows]
        rate, latency = self._stable(rows)
        stable = self._samples(self.rng.poisson(expected), rate, latency, self.wild_stable[rows])
        return [
            Window(start=start, end=start + self.length, candidate=NO_TRAFFIC, stable=sample)
            for start, sample in zip(self._times(-self.past, self.past), stable, strict=True)
        ]

    def at_weight(self, weight: float, first: int) -> Stretch:
        """Return the windows from the one numbered `first` to the horizon, if the weight stays what it is now."""
        rows = slice(self.past + first, len(self.starts))
        starts = self.starts[rows]
        share = self._share(weight, starts)
        self._warm(weight, starts[0])
        stable_rate, stable_latency = self._stable(rows)
        candidate_rate, candidate_latency, excess = self._candidate(rows, weight, stable_latency)
        expected = self.requests[rows]
        total = self.rng.poisson(expected)
        candidate = self.rng.binomial(total, share)
        stable = total - candidate
        if self.scenario.reports < 1:
            candidate = self.rng.binomial(candidate, self.scenario.reports)
        candidates: list[Sample | Missing]
        if self.scenario.silent:
            candidates = [NOT_THERE] * len(starts)
        else:
            candidates = self._samples(candidate, candidate_rate, candidate_latency, self.wild_candidate[rows])
        stables = self._samples(stable, stable_rate, stable_latency, self.wild_stable[rows])
        windows = [
            Window(start=start, end=start + self.length, candidate=one, stable=other)
            for start, one, other in zip(self._times(first, len(starts)), candidates, stables, strict=True)
        ]
        served = expected * share
        return Stretch(first, windows, served, served * excess)

    def visible_after(self, index: int) -> float | None:
        """Return how many minutes later than usual a window can be seen; None: never."""
        chance = self.faults[self.past + index]
        if chance < self.scenario.lost:
            return None
        return self.scenario.late_minutes if chance < self.scenario.lost + self.scenario.late else 0.0

    def gap(self, window: Window) -> Window:
        """Return what a source answers that has nothing yet for the window."""
        return Window(start=window.start, end=window.end, candidate=NOT_THERE, stable=NOT_THERE)

    def revised(self, window: Window) -> Window:
        """Return the window with other numbers, as a source that counts again would."""
        sides = [
            Sample(
                requests=side.requests * 1.1 + 5,
                failures=side.failures + 0.1 * side.requests,
                latency_ms=side.latency_ms,
                histogram=side.histogram,
            )
            if isinstance(side, Sample)
            else side
            for side in (window.candidate, window.stable)
        ]
        return Window(start=window.start, end=window.end, candidate=sides[0], stable=sides[1])

    def _times(self, first: int, count: int) -> list[datetime]:
        return [EPOCH + (first + offset) * self.length for offset in range(count)]

    def _overlap(self, start: float, end: float, starts: Floats | None = None) -> Floats:
        """Return which fraction of each window lies in [start, end), in minutes of the release."""
        begins = self.starts if starts is None else starts
        return np.clip(np.minimum(begins + self.minutes, end) - np.maximum(begins, start), 0, None) / self.minutes

    def _bursts(self) -> Floats:
        bursts = self.scenario.bursts
        if bursts is None:
            return np.zeros(len(self.starts))
        if bursts.per_hour:
            hours = (HISTORY_MINUTES + self.horizon) / 60
            begins = self.rng.uniform(-HISTORY_MINUTES, self.horizon, self.rng.poisson(bursts.per_hour * hours))
        else:
            begins = self.rng.uniform(0, bursts.within, 1)
        covered = [self._overlap(begin, begin + bursts.minutes) for begin in begins]
        return np.clip(np.sum(covered, axis=0), 0, 1) if covered else np.zeros(len(self.starts))

    def _noise(self) -> Floats:
        """Return the factor on one arm's error rate for each window; it changes from minute to minute."""
        scenario = self.scenario
        minutes = HISTORY_MINUTES + self.horizon
        factor = np.ones(minutes)
        if scenario.gamma_cv:
            shape = scenario.gamma_cv**-2
            factor = self.rng.gamma(shape, 1 / shape, minutes)
        if scenario.ar_sd:
            shocks = self.rng.normal(0, scenario.ar_sd, minutes)
            level = shocks[0]
            for minute, shock in enumerate(shocks):
                level = shock if minute == 0 else scenario.ar_rho * level + (1 - scenario.ar_rho**2) ** 0.5 * shock
                factor[minute] *= exp(level)
        return factor[(np.floor(self.starts) + HISTORY_MINUTES).astype(int)]

    def _wild_clients(self, rps: float) -> tuple[Floats, Floats]:
        """Return the extra failing requests of each window in the stable and in the candidate arm."""
        arms = np.zeros(len(self.starts)), np.zeros(len(self.starts))
        if not self.scenario.wild_client:
            return arms
        before = self.rng.uniform(-HISTORY_MINUTES, 0, max(1, self.rng.poisson(WILD_PER_HOUR)))
        after = self.rng.uniform(0, self.horizon, self.rng.poisson(WILD_PER_HOUR * self.horizon / 60))
        for time in (*before, *after):
            self._send_wild(arms[0], time, rps)
        self._send_wild(arms[1], self.rng.uniform(0, 10), rps)
        return arms

    def _send_wild(self, arm: Floats, time: float, rps: float) -> None:
        size = rps * WILD_SECONDS * self.rng.lognormal(0, 0.2)
        arm += np.round(size * self._overlap(time, time + 1) * self.minutes)

    def _stable(self, rows: slice) -> tuple[Floats, Floats]:
        rate = self.stable_rate[rows] * self.stable_noise[rows]
        burst = self.burst[rows]
        return self._in_burst(rate, burst), self._latency_in_burst(np.ones(len(rate)), burst, 1.0)

    def _in_burst(self, rate: Floats, burst: Floats) -> Floats:
        if self.scenario.bursts is not None:
            rate = rate + burst * self.scenario.bursts.errors * (1 - np.minimum(rate, 1))
        return np.minimum(rate, 1.0)

    def _latency_in_burst(self, present: Floats, burst: Floats, factor: float) -> Floats:
        """Return bucket probabilities: `present` says in which windows `factor` holds at all."""
        rows = np.outer(1 - present, buckets(1.0)) + np.outer(present, buckets(factor))
        if self.scenario.bursts is not None:
            slow = self.scenario.bursts.latency
            slowed = np.outer(1 - present, buckets(slow)) + np.outer(present, buckets(slow * factor))
            rows = (1 - burst)[:, None] * rows + burst[:, None] * slowed
        return rows

    def _candidate(self, rows: slice, weight: float, stable_latency: Floats) -> tuple[Floats, Floats, Floats]:
        """Return error rate, bucket probabilities, and the share of requests harmed, for each window."""
        scenario = self.scenario
        seen = slice(rows.start - scenario.out_of_step, rows.stop - scenario.out_of_step)
        starts, stable, burst = self.starts[rows], self.stable_rate[seen], self.burst[seen]
        present = np.full(len(starts), float(weight >= scenario.from_weight))
        points = np.full(len(starts), scenario.points)
        if scenario.grows_over:
            points = points * np.clip((starts + self.minutes / 2) / scenario.grows_over, 0, 1)
        calm = np.minimum(stable + present * ((scenario.ratio - 1) * stable + points), 1.0)
        cold = self._cold(starts)
        systematic = calm + cold * (scenario.cold.errors if scenario.cold else 0.0)
        rate = self._in_burst(systematic * self.candidate_noise[rows], burst)
        latency = self._latency_in_burst(present, burst, scenario.latency)
        if scenario.cold:
            slow = (cold * scenario.cold.slow)[:, None]
            latency = (1 - slow) * latency + slow * buckets(scenario.cold.slower * scenario.latency)
        if scenario.heavier != 1:
            latency = with_heavier_tail(latency, scenario.heavier)
        if scenario.outliers:
            latency = (1 - scenario.outliers) * latency + scenario.outliers * outlier(5000.0)
        without_noise = self._in_burst(np.minimum(systematic, 1.0), burst) - self._in_burst(stable, burst)
        slower = share_slow(latency) - share_slow(stable_latency) if scenario.out_of_step == 0 else 0.0
        return rate, latency, np.clip(without_noise, 0, 1) + np.clip(slower, 0, 1)

    def _share(self, weight: float, starts: Floats) -> Floats:
        """Return the candidate's real share of traffic, averaged over each window."""
        tau = self.scenario.sticky_minutes
        if not tau:
            return np.full(len(starts), weight)
        if self.weight:
            elapsed = starts[0] - self.changed_at
            self.share = self.weight + (self.share - self.weight) * exp(-elapsed / tau)
        self.changed_at = starts[0]
        since = starts - starts[0]
        decay = np.exp(-since / tau) * (1 - exp(-self.minutes / tau)) * tau / self.minutes
        return weight + (self.share - weight) * decay

    def _warm(self, weight: float, now: float) -> None:
        """Note which share of the candidate's instances is new from now on."""
        if self.scenario.cold and weight > self.weight and (self.weight == 0 or self.scenario.cold.at_every_increase):
            self.cold_share, self.cold_since = 1 - self.weight / weight, now
        self.weight = weight

    def _cold(self, starts: Floats) -> Floats:
        if self.scenario.cold is None:
            return np.zeros(len(starts))
        return self.cold_share * self._overlap(self.cold_since, self.cold_since + self.scenario.cold.minutes, starts)

    def _samples(self, requests: NDArray[np.int64], rate: Floats, latency: Floats, wild: Floats) -> list[Sample]:
        failures = self._failures(requests, rate)
        if self.scenario.wild_client:
            requests, failures = requests + wild.astype(np.int64), failures + wild.astype(np.int64)
        counts = self.rng.multinomial(requests, latency)
        averages = mean_ms(counts)
        return [
            Sample(
                requests=float(n),
                failures=float(f),
                latency_ms=average if n else None,
                histogram=Histogram(edges=EDGES_MS, counts=tuple(row)),
            )
            for n, f, average, row in zip(
                requests.tolist(), failures.tolist(), averages.tolist(), counts.tolist(), strict=True
            )
        ]

    def _failures(self, requests: NDArray[np.int64], rate: Floats) -> NDArray[np.int64]:
        size = self.scenario.cluster
        if size <= 1:
            return self.rng.binomial(requests, rate)
        clusters = self.rng.poisson(requests * rate / size)
        # A sum of K geometric sizes is K plus a negative binomial count.
        more = self.rng.negative_binomial(np.maximum(clusters, 1), 1 / size)
        return np.minimum(clusters + np.where(clusters > 0, more, 0), requests)
