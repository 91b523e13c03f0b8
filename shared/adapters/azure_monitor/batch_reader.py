"""Metrics of one resource by Azure Monitor's batch API, in as few calls as their filters allow."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_monitor.batch_answer import (
    MOST_SERIES,
    UnusableAnswerError,
    Windows,
    check_codes,
    find_metric,
    read_series,
)
from shared.adapters.azure_monitor.figures import Figure
from shared.adapters.azure_monitor.filters import Condition, Wanted, filter_text
from shared.adapters.azure_monitor.series import Tagged
from shared.calls.azure_calls import AzureCalls
from shared.domain.errors import TryLaterError
from shared.ports.metrics_source import WindowQuestion

if TYPE_CHECKING:
    from azure.monitor.querymetrics import MetricsClient, MetricsQueryResult

_METRICS_A_CALL = 20
"""What Azure Monitor takes at most."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Whose metrics are read."""

    id: str
    namespace: str


@dataclass(frozen=True, slots=True)
class BatchReader:
    """Reads the windows of one question, within one deadline."""

    client: "MetricsClient"
    calls: AzureCalls
    question: WindowQuestion

    def read(
        self, resource: Resource, figures: Iterable[Figure], split: Wanted | None
    ) -> Mapping[Figure, tuple[Tagged, ...]]:
        """Return each figure's series, one for each value of the dimension that they are split by.

        Raises `TryLaterError` or `RejectedError`.
        """
        conditions: dict[Condition | None, list[Figure]] = {}
        for figure in figures:
            conditions.setdefault(figure.where, []).append(figure)
        read: dict[Figure, tuple[Tagged, ...]] = {}
        for condition, together in conditions.items():
            where = None if condition is None else Wanted(condition.dimension, (condition.value,))
            for some in _chunks(together):
                read |= self._ask(resource, some, tuple(wanted for wanted in (split, where) if wanted))
        return read

    def read_unit(self, resource: Resource, figure: Figure, *wanted: Wanted) -> str:
        """Return the unit in which Azure Monitor tells a metric, such as `Seconds`."""
        with _doubting(resource):
            results = self._send(resource, (figure,), wanted)
            return str(find_metric(results[0], figure.metric).unit) if results else ""

    def _ask(
        self, resource: Resource, figures: tuple[Figure, ...], wanted: tuple[Wanted, ...]
    ) -> dict[Figure, tuple[Tagged, ...]]:
        windows = Windows(frozenset(self.question.starts()), self.question.length)
        with _doubting(resource):
            results = self._send(resource, figures, wanted)
            return {figure: read_series(results, figure, windows, divided=bool(wanted)) for figure in figures}

    def _send(
        self, resource: Resource, figures: tuple[Figure, ...], wanted: tuple[Wanted, ...]
    ) -> "list[MetricsQueryResult]":
        narrowed: dict[str, Any] = {"filter": filter_text(*wanted), "max_results": MOST_SERIES} if wanted else {}

        def send(options: dict[str, Any]) -> "list[MetricsQueryResult]":
            answers: list[Any] = []
            results = self.client.query_resources(
                resource_ids=[resource.id],
                metric_namespace=resource.namespace,
                metric_names=list(dict.fromkeys(figure.metric for figure in figures)),
                timespan=(self.question.since.astimezone(UTC), self.question.until.astimezone(UTC)),
                granularity=self.question.length,
                aggregations=sorted({figure.aggregation.value for figure in figures}),
                raw_response_hook=lambda answer: answers.append(answer.http_response),
                **narrowed,
                **options,
            )
            check_codes(answers[-1].json())
            return results

        return self.calls.run(_what(resource), send)


@contextmanager
def _doubting(resource: Resource) -> Iterator[None]:
    try:
        yield
    except UnusableAnswerError as error:
        raise TryLaterError(f"{_what(resource)}: {error}") from error


def _what(resource: Resource) -> str:
    return f"read the metrics of {resource.id}"


def _chunks(figures: list[Figure]) -> Iterable[tuple[Figure, ...]]:
    rest = iter(figures)
    while some := tuple(islice(rest, _METRICS_A_CALL)):
        yield some
