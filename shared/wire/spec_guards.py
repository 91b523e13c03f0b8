"""The guards of a release spec, each with a test that fits its metric."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from shared.domain.analysis.guards import Guard, Metric, Ratio, Threshold
from shared.domain.rollout.spec import Measuring
from shared.wire.durations import format_duration, parse_duration
from shared.wire.findings import Part, found, refuse_repeats
from shared.wire.quantities import parse_fraction, parse_milliseconds
from shared.wire.spec_measuring import is_multiple, is_window_known, refuse_duration

DEFAULT_WINDOWS: Final = 5
"""How many windows a guard pools where it does not say."""


def _rate(value: Any) -> float:
    """Return requests a second. Where the schema refuses a test as a whole, it has not looked at what is inside."""
    if not isinstance(value, int | float):
        raise ValueError("allowed is a number of requests a second")
    return float(value)


_LIMITS: Final[dict[Metric, Callable[[Any], float]]] = {
    Metric.ERROR_RATE: parse_fraction,
    Metric.LATENCY: parse_milliseconds,
    Metric.REQUESTS: _rate,
}


def default_guards(window: timedelta) -> tuple[Guard, ...]:
    """Return the guards of a spec that names none: not clearly more errors, not clearly slower than stable."""
    over = DEFAULT_WINDOWS * window
    return (
        Guard(name="errors", metric=Metric.ERROR_RATE, test=Ratio(maximum=1.25, slack=0.005), over=over),
        Guard(name="latency", metric=Metric.LATENCY, test=Ratio(maximum=1.5, slack=100.0), over=over),
    )


def read_guards(part: Part, measuring: Measuring) -> tuple[Guard, ...]:
    """Read `guards`; a spec without any gets the default ones."""
    if not part.exists:
        return default_guards(measuring.window)
    guards = part.children()
    read = tuple(_read_guard(guard, measuring) for guard in guards)
    names = tuple(guard.child("name") for guard in guards)
    refuse_repeats(names, lambda name: name.value, "allowed is a name that no guard before it has")
    return read


def _read_guard(part: Part, measuring: Measuring) -> Guard:
    metric = part.child("metric").read(Metric, None)
    return Guard(
        name=part.child("name").read(str, ""),
        metric=metric or Metric.ERROR_RATE,
        test=_read_test(part, _LIMITS[metric]) if metric else Threshold(),
        over=_read_over(part.child("over"), measuring),
        minimum_requests=part.child("minimumRequests").read(int, 20),
    )


def _read_test(part: Part, limit: Callable[[Any], float]) -> Threshold | Ratio:
    ratio = part.child("ratio")
    if ratio.exists:
        return Ratio(maximum=ratio.child("max").read(float, 1.0), slack=ratio.child("slack").read(limit, 0.0))
    minimum, maximum = part.child("min"), part.child("max")
    test = Threshold(
        minimum=minimum.read(limit, None),
        maximum=maximum.read(limit, None),
    )
    if test.minimum is not None and test.maximum is not None and test.minimum > test.maximum:
        maximum.refuse(f"{found(maximum.path, maximum.value)}allowed is at least min")
    return test


def _read_over(part: Part, measuring: Measuring) -> timedelta:
    over = part.read(parse_duration, DEFAULT_WINDOWS * measuring.window)
    if part.exists and part.is_sound and is_window_known(part) and not is_multiple(over, measuring.window):
        refuse_duration(part, over, f"allowed is a multiple of the window, {format_duration(measuring.window)}")
    return over
