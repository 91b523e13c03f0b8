"""What a measurement says: how often, the middle, the slow end, and the rate that follows."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Milliseconds each, of `n` samples; `per_second` is how many a single caller gets done."""

    name: str
    n: int
    median_ms: float
    p95_ms: float
    per_second: float | None = None
    note: str = ""
    over: tuple[str, ...] = ()
    """What is over its budget, in words."""


def summarize(
    name: str,
    seconds: Iterable[float],
    *,
    rate: bool = True,
    note: str = "",
    budget_ms: float | None = None,
    over: Sequence[str] = (),
) -> Measurement:
    """Return what the samples say. `over` are the budgets that something else of it is over."""
    samples = [1000 * each for each in seconds]
    per_second = 1000 * len(samples) / sum(samples) if rate else None
    slow = quantiles(samples, n=20, method="inclusive")[-1]
    middle = median(samples)
    late = () if budget_ms is None or middle <= budget_ms else (f"{middle:.0f} ms, budget {budget_ms:.0f} ms",)
    return Measurement(
        name=name,
        n=len(samples),
        median_ms=middle,
        p95_ms=slow,
        per_second=per_second,
        note=note,
        over=(*late, *over),
    )


def timed(calls: Iterable[Callable[[], object]]) -> list[float]:
    """Make the calls one after the other; return the seconds that each took."""
    took = []
    for call in calls:
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return took
