"""Samples of one arm out of an answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isfinite

from shared.adapters.prometheus.answer import UnreadableError
from shared.adapters.prometheus.counting import is_credible, tagged
from shared.adapters.prometheus.histograms import ImplausibleError, from_classic, from_native
from shared.adapters.prometheus.native import NativeTimes
from shared.adapters.prometheus.parts import Parts, Side
from shared.adapters.prometheus.plan import BUCKETS, ArmName, Plan
from shared.adapters.prometheus.values import FigureReader, value_of
from shared.domain.analysis.measurement import Histogram, Lack, Missing, Sample
from shared.domain.rollout.measuring import ValueQuery


def parts_to_sample(plan: Plan) -> Iterator[str]:
    """Yield what is asked for all steps: requests, failures and response times, and whether there is more to come."""
    counting = plan.counting
    requests, failures = plan.of_versions(plan.requests), plan.of_versions(plan.failures)
    yield tagged("requests", counting.by_version("sum", counting.growth(requests)))
    yield tagged("late", counting.by_version("sum", counting.late(requests)))
    yield tagged("after", f"count({counting.seen_after(plan.requests)})")
    yield tagged("failures", counting.by_version("sum", counting.growth(failures)))
    if plan.latency is None or not plan.is_classic:
        return
    latency = plan.of_versions(plan.latency)
    seconds = latency.without(*(m for m in latency.conditions if m.label == "le"))
    seconds = seconds.renamed(f"{latency.metric.removesuffix(BUCKETS)}_sum")
    yield tagged("buckets", counting.by_version("sum", counting.growth(latency), "le"))
    yield tagged("edges", counting.by_version("count", counting.seen(latency), "le"))
    yield tagged("took", counting.by_version("sum", counting.growth(seconds)))


@dataclass(frozen=True, slots=True)
class Sampler:
    """Reads samples out of the answers to a plan."""

    plan: Plan
    values: tuple[ValueQuery, ...]
    counted: Parts
    at_ends: Parts
    native: NativeTimes

    def usual_per_second(self) -> float:
        """Return the growth of all requests that rests on fresh values, in the busiest window."""
        fresh = [
            (self.counted.total("requests", index) or 0.0) - (self.counted.total("late", index) or 0.0)
            for index in range(self.plan.grid.windows)
        ]
        return max((*(each for each in fresh if isfinite(each)), 0.0)) / self.plan.grid.window.total_seconds()

    def sample(self, arm: ArmName, index: int) -> Sample | Missing:
        """Return what the arm's users met in a window."""
        side = self.plan.side(arm)
        requests = self.counted.total("requests", index, side)
        if requests is None:
            return Missing(Lack.NO_DATA, f"{self.plan.requests} has no value here{self._whose(side)}{self._strays()}")
        if self.counted.at_end("after", index) is None:
            return Missing(Lack.NO_DATA, "the window may not be whole: there is no value after its end yet")
        failures = self.counted.total("failures", index, side) or 0.0
        if not _is_count(requests) or not _is_count(failures):
            return Missing(Lack.ERROR, f"requests {requests:g} and failures {failures:g} are not two counts")
        if failures > requests:
            return Missing(Lack.ERROR, f"{failures:g} failures are more than {requests:g} requests")
        late = self.counted.total("late", index, side) or 0.0
        if not is_credible(late, self.usual_per_second(), self.plan.grid.window):
            why = "old counters under new labels, or Prometheus has just begun to look"
            return Missing(Lack.ERROR, f"{late:g} requests come from series that began here, too many to be new: {why}")
        try:
            histogram, latency = self._response_times(index, side)
        except (ImplausibleError, UnreadableError) as error:
            return Missing(Lack.ERROR, f"latency: {error}")
        reader = FigureReader(self.plan, self.counted, self.at_ends, arm, index)
        values = (value_of(number, value, requests, reader) for number, value in enumerate(self.values))
        return Sample(
            requests=requests,
            failures=failures,
            latency_ms=latency if requests else None,
            histogram=histogram,
            values=tuple(value for value in values if value is not None),
        )

    def _response_times(self, index: int, side: Side) -> tuple[Histogram | None, float | None]:
        if self.plan.latency is None:
            return None, None
        factor = self.plan.source.latency_unit.factor
        if self.plan.is_classic:
            at_most = self.counted.by_edge("buckets", index, side)
            if not at_most:
                return None, None
            histogram = from_classic(at_most, self.counted.by_edge("edges", index, side), factor)
            return histogram, _mean(self.counted.total("took", index, side), at_most[inf], factor)
        if self.native.is_plain:
            raise ImplausibleError(f"{self.plan.latency} is no histogram; a classic one is named ..._bucket")
        native = self.native.of(side, index)
        if native is None:
            return None, None
        return from_native(native.buckets, factor), _mean(native.sum, native.count, factor)

    def _whose(self, side: Side) -> str:
        label = self.plan.source.version_label
        return f" with {label} {side.version}" if side.version is not None else f" without {label} {side.other}"

    def _strays(self) -> str:
        strays = self.counted.misplaced
        return f"; {strays} values of moments that were not asked for were dropped" if strays else ""


def _mean(took: float | None, count: float, factor: float) -> float | None:
    if took is None or not count:
        return None
    mean = took / count * factor
    if not _is_count(mean):
        raise ImplausibleError(f"{took:g} for {count:g} requests is no response time")
    return mean


def _is_count(figure: float) -> bool:
    return isfinite(figure) and figure >= 0
