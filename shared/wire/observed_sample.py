"""The numbers of an observation: requests, failures, response times, figures of a team's own."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final, TypeVar

from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.rollout.measuring import Unit
from shared.wire.findings import MAX_ENTRIES, Part, closest, found

SAMPLE_FIELDS: Final = ("requests", "failures", "latency", "values")
EDGES_AT_MOST: Final = 100
VALUES_AT_MOST: Final = 20

_LATENCY: Final = ("unit", "average", "sum", "edges", "counts", "cumulative")
_TIME_UNITS: Final = {Unit.MILLISECONDS.value: Unit.MILLISECONDS, Unit.SECONDS.value: Unit.SECONDS}
_MOST: Final = 1e15
_SLACK: Final = 1e-9

T = TypeVar("T")


def read_sample(part: Part) -> Sample:
    """Read the numbers of an observation, and note what is wrong with them."""
    requests = required(part, "requests", _count, 0.0)
    failures = required(part, "failures", _count, 0.0)
    if part.is_sound and failures > requests:
        part.child("failures").refuse(f"found {failures:g}; allowed are at most the {requests:g} requests")
    latency = part.child("latency")
    values = tuple(_values(part.child("values")))
    if not latency.exists or latency.value is None:
        return Sample(requests=requests, failures=failures, values=values)
    if not isinstance(latency.value, dict):
        latency.refuse(f"{found(latency.path, latency.value)}allowed is an object with some of {', '.join(_LATENCY)}")
        return Sample(requests=requests, failures=failures)
    refuse_others(latency, _LATENCY)
    factor = latency.child("unit").read(_unit, Unit.MILLISECONDS).factor
    return Sample(
        requests=requests,
        failures=failures,
        latency_ms=_average(latency, requests, factor),
        histogram=_histogram(latency, requests, factor),
        values=values,
    )


def _average(latency: Part, requests: float, factor: float) -> float | None:
    average, total = latency.child("average"), latency.child("sum")
    if average.exists and total.exists:
        total.refuse("allowed is sum or average, not both")
    if total.exists:
        all_together = total.read(_count, 0.0)
        return all_together * factor / requests if requests > 0 else None
    if average.exists and average.value is not None:
        return average.read(_count, 0.0) * factor if requests > 0 else None
    return None


def _histogram(latency: Part, requests: float, factor: float) -> Histogram | None:
    edges, counts = latency.child("edges"), latency.child("counts")
    if not (edges.exists or counts.exists):
        return None
    if not (edges.exists and counts.exists):
        (counts if edges.exists else edges).refuse("is missing: a histogram has edges and counts")
        return None
    nothing: tuple[float, ...] = ()
    bounds, told = edges.read(_edges, nothing), counts.read(_counts, nothing)
    if not latency.is_sound:
        return None
    if latency.child("cumulative").read(_flag, default=False):
        if any(low > high for low, high in pairwise(told)):
            counts.refuse("cumulative counts never fall")
            return None
        told = tuple(high - low for low, high in pairwise((0.0, *told)))
    if len(told) == len(bounds):
        told = (*told, max(0.0, requests - sum(told)))
    if len(told) != len(bounds) + 1:
        counts.refuse(
            f"has {len(told)} counts for {len(bounds)} edges; allowed is one count more than edges, "
            "or as many: then the rest of the requests took longer"
        )
        return None
    if sum(told) > requests * (1 + _SLACK):
        counts.refuse(f"add up to {sum(told):g}; allowed are at most the {requests:g} requests")
        return None
    return Histogram(tuple(float(f"{bound * factor:.12g}") for bound in bounds), told)


def _values(part: Part) -> Iterator[Value]:
    if not part.exists or part.value is None:
        return
    if not isinstance(part.value, dict) or len(part.value) > VALUES_AT_MOST:
        part.refuse(f"{found(part.path, part.value)}allowed is an object with at most {VALUES_AT_MOST} figures")
        return
    for name in part.value:
        figure = part.child(name)
        if isinstance(figure.value, dict):
            refuse_others(figure, ("value", "of"))
            of = figure.child("of")
            value = required(figure, "value", _number, 0.0)
            yield Value(name=name, value=value, of=of.read(_count, 0.0) if of.exists else None)
        else:
            yield Value(name=name, value=figure.read(_number, 0.0))


def required(part: Part, name: str, convert: Callable[[Any], T], default: T) -> T:
    """Return a member that must be there; `default` where it is missing or wrong."""
    child = part.child(name)
    if not child.exists:
        child.refuse("is missing")
    return child.read(convert, default)


def refuse_others(part: Part, known: tuple[str, ...]) -> None:
    """Note each member of an object that is none of the known ones."""
    for name in sorted(part.value.keys() - set(known))[:MAX_ENTRIES]:
        near = closest(name, known) or f"; allowed are {', '.join(known)}"
        part.child(name).refuse(f"is not a field here{near}")


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= _MOST:
        return float(value)
    raise ValueError("allowed is a number")


def _count(value: object) -> float:
    try:
        number = _number(value)
    except ValueError:
        number = -1.0
    if number < 0:
        raise ValueError("allowed is a number from 0")
    return number


def _unit(value: object) -> Unit:
    if isinstance(value, str) and value in _TIME_UNITS:
        return _TIME_UNITS[value]
    raise ValueError("allowed is ms or s")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("allowed is true or false")


def _edges(value: object) -> tuple[float, ...]:
    if isinstance(value, list) and 0 < len(value) <= EDGES_AT_MOST:
        edges = tuple(_count(each) for each in value)
        if all(low < high for low, high in pairwise(edges)):
            return edges
    raise ValueError(f"allowed are 1 to {EDGES_AT_MOST} rising numbers from 0")


def _counts(value: object) -> tuple[float, ...]:
    if isinstance(value, list) and 0 < len(value) <= EDGES_AT_MOST + 1:
        return tuple(_count(each) for each in value)
    raise ValueError(f"allowed are at most {EDGES_AT_MOST + 1} numbers from 0")
