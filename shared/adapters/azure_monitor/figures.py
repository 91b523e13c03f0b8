"""Which metric stands for what, and which calls bring them: as few as their filters allow."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.adapters.azure_monitor.filters import Condition
from shared.domain.rollout.measuring import AzureMonitorSource, ValueKind, ValueQuery


class Aggregation(StrEnum):
    """How the points of a metric are put together within a window."""

    TOTAL = "total"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric as it is asked for."""

    field: str
    """Where the spec names it."""
    metric: str
    aggregation: Aggregation
    where: Condition | None = None
    """Counts only the series with this value of a dimension."""


@dataclass(frozen=True, slots=True)
class ValueFigures:
    """A figure of the team's own: what it counts, and of how many opportunities."""

    query: ValueQuery
    value: Figure
    of: Figure | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that one look asks of Azure Monitor."""

    requests: Figure
    failures: Figure
    latency: Figure | None
    values: tuple[ValueFigures, ...]

    def every(self) -> Iterator[Figure]:
        """Yield each figure, requests first."""
        yield self.requests
        yield self.failures
        if self.latency is not None:
            yield self.latency
        for value in self.values:
            yield value.value
            if value.of is not None:
                yield value.of


def figures_of(source: AzureMonitorSource, values: tuple[ValueQuery, ...]) -> Figures:
    """Return what the source and the team's own figures ask for.

    The query of a team's own figure is the name of a metric: its Total for a counter, its Average for a gauge. `of` is
    the name of a metric too, its Total.
    """
    where = Condition(*source.failures_where) if source.failures_where is not None else None
    return Figures(
        requests=Figure("metrics.source.requests", source.requests, Aggregation.TOTAL),
        failures=Figure("metrics.source.failures", source.failures, Aggregation.TOTAL, where),
        latency=Figure("metrics.source.latency", source.latency, Aggregation.AVERAGE) if source.latency else None,
        values=tuple(_value_figures(query) for query in values),
    )


def _value_figures(query: ValueQuery) -> ValueFigures:
    is_counter = query.kind is ValueKind.COUNTER
    field = f"metrics.values.{query.name}"
    return ValueFigures(
        query=query,
        value=Figure(f"{field}.query", query.query, Aggregation.TOTAL if is_counter else Aggregation.AVERAGE),
        of=Figure(f"{field}.of", query.of, Aggregation.TOTAL) if is_counter and query.of else None,
    )
