"""A metric's values by window start, out of what Azure Monitor answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Series:
    """Values by window start. `None`, or no entry, where the source had nothing for a window."""

    values: Mapping[datetime, float | None]
    misplaced: int = 0
    """How many values lay on no window start, and were dropped: they belong to no window that was asked for."""

    def at(self, start: datetime) -> float | None:
        """Return the value of the window from `start`."""
        return self.values.get(start)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A series and the dimension values that it is of."""

    tags: dict[str, str]
    """By name, in lower case: Azure answers names in another case than it is asked."""
    series: Series

    def is_like(self, other: "Tagged") -> bool:
        """Whether the other has the same dimension values, in any case."""
        return _lower(self.tags) == _lower(other.tags)


def _lower(tags: dict[str, str]) -> dict[str, str]:
    return {name: value.lower() for name, value in tags.items()}


def collect(points: Iterable[tuple[datetime, float | None]], starts: frozenset[datetime]) -> Series:
    """Return the series of the points that lie on one of `starts`. Raises ValueError for two values in one window."""
    values: dict[datetime, float | None] = {}
    misplaced = 0
    for at, value in points:
        if at not in starts:
            misplaced += 1
        elif values.get(at) is not None and value is not None:
            raise ValueError(f"two values for the window from {at:%H:%M:%S}")
        else:
            values[at] = value if value is not None else values.get(at)
    return Series(values, misplaced)


def total(parts: Sequence[Series]) -> Series:
    """Return the sum of series: a window has a value when any of them has."""
    values: dict[datetime, float | None] = {}
    for start in {start for part in parts for start in part.values}:
        known = [value for part in parts if (value := part.at(start)) is not None]
        values[start] = sum(known) if known else None
    return Series(values, sum(part.misplaced for part in parts))


def mean(parts: Sequence[tuple[Series, Series | None]]) -> Series:
    """Return the mean of averages, each weighted by the series beside it, or all alike.

    An average without a weight, or with 0, says nothing beside others that have one.
    """
    values: dict[datetime, float | None] = {}
    for start in {start for part, _ in parts for start in part.values}:
        known = [(value, weight) for part, weight in parts if (value := part.at(start)) is not None]
        values[start] = _mean([(value, 1.0 if weight is None else weight.at(start) or 0.0) for value, weight in known])
    return Series(values, sum(part.misplaced for part, _ in parts))


def _mean(weighted: Sequence[tuple[float, float]]) -> float | None:
    if len(weighted) == 1:
        return weighted[0][0]
    weight = sum(weight for _, weight in weighted)
    return sum(value * part for value, part in weighted) / weight if weight else None
