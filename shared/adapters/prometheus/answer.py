"""The series in an answer of Prometheus' HTTP API, doubting all of it.

A value is a text (`"1"`, `"NaN"`, `"+Inf"`), a moment a number of seconds. A native histogram is an object:
`{"count": "9", "sum": "1.2", "buckets": [[0, "0.5", "0.59", "4"], ...]}`, each bucket with its edges, from the lowest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

V = TypeVar("V")
_NO_MOMENT = 1e12
"""Seconds since the epoch: ten thousand years are a third of it."""


class UnreadableError(Exception):
    """The answer has another shape; the message says where."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many observations of a native histogram lie between two edges, in the metric's own unit."""

    low: float
    high: float
    count: float


@dataclass(frozen=True, slots=True)
class NativeHistogram:
    """A native histogram: buckets of its own at each moment, ascending; empty ones are left out."""

    count: float
    sum: float
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One series: values, or histograms, by moment in milliseconds since the epoch."""

    labels: Mapping[str, str]
    values: Mapping[int, float]
    histograms: Mapping[int, NativeHistogram]

    def label(self, name: str) -> str:
        """Return the label's value; nothing where the series does not have it, which means the same."""
        return self.labels.get(name, "")


def read_matrix(data: Any) -> tuple[Row, ...]:
    """Return the series of a range query's answer. Raises `UnreadableError`, also for a series that comes twice."""
    return _read_rows(data, "matrix", "values", "histograms")


def read_vector(data: Any) -> tuple[Row, ...]:
    """Return the series of an instant query's answer. Raises `UnreadableError`."""
    return _read_rows(data, "vector", "value", "histogram")


def read_names(data: Any) -> tuple[str, ...]:
    """Return a list of names. Raises `UnreadableError`."""
    if not isinstance(data, list) or not all(isinstance(each, str) for each in data):
        raise UnreadableError("no list of names")
    return tuple(data)


def _read_rows(data: Any, kind: str, values: str, histograms: str) -> tuple[Row, ...]:
    match data:
        case {"resultType": found, "result": list(result)} if found == kind:
            rows = tuple(_read_row(each, values, histograms) for each in result)
        case _:
            raise UnreadableError(f"no {kind}")
    if len({tuple(sorted(row.labels.items())) for row in rows}) != len(rows):
        raise UnreadableError("the same series twice")
    return rows


def _read_row(row: Any, values: str, histograms: str) -> Row:
    match row:
        case {"metric": dict(labels)} if all(isinstance(value, str) for value in labels.values()):
            pass
        case _:
            raise UnreadableError("a series without labels")
    plain, native = row.get(values, []), row.get(histograms, [])
    if values == "value":
        plain, native = [each for each in (plain,) if each], [each for each in (native,) if each]
    return Row(
        labels,
        _by_moment((at, read_number(value)) for at, value in _pairs(plain)),
        _by_moment((at, _read_histogram(value)) for at, value in _pairs(native)),
    )


def _pairs(points: Any) -> Iterable[tuple[int, Any]]:
    if not isinstance(points, list):
        raise UnreadableError("no list of points")
    for point in points:
        match point:
            case [int() | float() as at, value] if not isinstance(at, bool) and abs(at) < _NO_MOMENT:
                yield round(at * 1000), value
            case _:
                raise UnreadableError("a point that is no pair of a moment and a value")


def _by_moment(points: Iterable[tuple[int, V]]) -> dict[int, V]:
    found: dict[int, V] = {}
    for at, value in points:
        if at in found:
            raise UnreadableError("two values of one series at one moment")
        found[at] = value
    return found


def read_number(value: Any) -> float:
    """Return the number that a text is, also NaN and infinity. Raises `UnreadableError` for anything else."""
    if not isinstance(value, str):
        raise UnreadableError(f"a value that is no text: {value!r:.40}")
    try:
        return float(value)
    except ValueError as error:
        raise UnreadableError(f"a value that is no number: {value!r:.40}") from error


def _read_histogram(value: Any) -> NativeHistogram:
    match value:
        case {"count": count, "sum": total}:
            buckets = value.get("buckets") or []
        case _:
            raise UnreadableError("a histogram without count and sum")
    if not isinstance(buckets, list):
        raise UnreadableError("a histogram whose buckets are no list")
    return NativeHistogram(read_number(count), read_number(total), tuple(_read_bucket(each) for each in buckets))


def _read_bucket(bucket: Any) -> Bucket:
    match bucket:
        case [int(), low, high, count]:
            return Bucket(read_number(low), read_number(high), read_number(count))
        case _:
            raise UnreadableError("a bucket that is not [rule, low, high, count]")
