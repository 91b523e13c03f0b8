"""The guards of a release spec: each on something that is measured, with a test that fits."""

from datetime import timedelta

from shared.domain.analysis.defaults import DEFAULT_WINDOWS, default_guards
from shared.domain.analysis.guards import Guard, Metric, SampleRatio, Slower, Threshold
from shared.domain.rollout.measuring import Measuring, ValueKind
from shared.wire.durations import format_duration, parse_duration
from shared.wire.findings import Part, closest, found, refuse_repeats
from shared.wire.spec_guard_tests import read_test
from shared.wire.spec_measuring import is_multiple, is_window_known, refuse_duration
from shared.wire.spec_metrics_source import kind_of, tells_histogram, tells_latency

_KINDS = {Metric.COUNTER: ValueKind.COUNTER, Metric.GAUGE: ValueKind.GAUGE, Metric.LATENCY: ValueKind.COUNTER}
"""What kind of value a guard may name; one on latency counts slow requests by it."""
OVER_AT_MOST = 60
"""So many windows a plain limit may pool: they are kept with the rollout."""


def read_guards(part: Part, measuring: Measuring) -> tuple[Guard, ...]:
    """Read `guards`; a spec without any gets the default ones, as far as its source can tell them."""
    if not part.exists:
        told = tells_latency(measuring.source)
        return tuple(g for g in default_guards(measuring.window) if told or g.metric is not Metric.LATENCY)
    guards = part.children()
    read = tuple(_read_guard(guard, measuring) for guard in guards)
    names = tuple(guard.child("name") for guard in guards)
    refuse_repeats(names, lambda name: name.value, "allowed is a name that no guard before it has")
    if part.is_sound and not any(map(_decides, read)):
        part.refuse("nothing here decides; allowed is a list with at least one guard other than share, not notifyOnly")
    return read


def _decides(guard: Guard) -> bool:
    """Whether the verdict lets on and takes back. A share only asks a person to look."""
    return not guard.notify_only and not isinstance(guard.test, SampleRatio)


def _read_guard(part: Part, measuring: Measuring) -> Guard:
    metric = part.child("metric").read(Metric, None)
    guard = Guard(
        name=part.child("name").read(str, ""),
        metric=metric or Metric.ERROR_RATE,
        test=read_test(part, metric) if metric else Threshold(),
        over=_read_over(part.child("over"), measuring),
        minimum_requests=part.child("minimumRequests").read(int, 20),
        of=part.child("value").read(str, ""),
        critical=part.says("critical"),
        notify_only=part.says("notifyOnly"),
    )
    if is_window_known(part):
        _refuse_unknown_value(part.child("value"), guard, measuring)
        _refuse_untold(part, guard, measuring)
    return guard


def _refuse_unknown_value(part: Part, guard: Guard, measuring: Measuring) -> None:
    if not guard.of:
        return
    wanted = _KINDS.get(guard.metric)
    value = next((value for value in measuring.values if value.name == guard.of), None)
    if value is None:
        names = [value.name for value in measuring.values]
        declared = f"metrics.values has {', '.join(names)}" if names else "metrics.values has none"
        near = closest(guard.of, names)
        part.refuse(f"{found(part.path, part.value)}allowed is the name of a value that is measured; {declared}{near}")
    elif wanted is not None and value.kind is not wanted:
        part.refuse(f"{found(part.path, part.value)}allowed is a {wanted.value}; {value.name} is a {value.kind.value}")


def _refuse_untold(part: Part, guard: Guard, measuring: Measuring) -> None:
    """Refuse a guard that would never have data: it could never pass."""
    kind = kind_of(measuring.source).value
    slower, metric = part.child("slowerThan"), part.child("metric")
    if isinstance(guard.test, Slower) and not guard.of and not tells_histogram(measuring.source):
        slower.refuse(
            f"{found(slower.path, slower.value)}the source, {kind} as it stands here, tells no histogram; "
            "name in value a counter of slow requests, or use ratio, tolerance or tail"
        )
    elif guard.metric is Metric.LATENCY and not guard.of and not tells_latency(measuring.source):
        metric.refuse(
            f"{found(metric.path, metric.value)}the source, {kind} as it stands here, tells no response times; "
            "name where it does in metrics.source"
        )


def _read_over(part: Part, measuring: Measuring) -> timedelta:
    over = part.read(parse_duration, DEFAULT_WINDOWS * measuring.window)
    if not (part.exists and part.is_sound and is_window_known(part)):
        return over
    window, longest = measuring.window, OVER_AT_MOST * measuring.window
    if not is_multiple(over, window):
        refuse_duration(part, over, f"allowed is a multiple of the window, {format_duration(window)}")
    elif over > longest:
        refuse_duration(part, over, f"allowed is at most {OVER_AT_MOST} windows, {format_duration(longest)}")
    return over
