"""Reading what users met from Application Insights' telemetry, by KQL.

One query brings every window, both arms, and all that guards need; each figure of the team's own is a query more.
Telemetry comes one to three minutes late, and sampled: a row counts for as many events as it stands for.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.log_analytics import sampling
from shared.adapters.log_analytics.arm_names import Side, names_of
from shared.adapters.log_analytics.faults import faults_of_names, faults_of_table, faults_of_values
from shared.adapters.log_analytics.logs_reader import LogsReader, whom
from shared.adapters.log_analytics.queries import NAMES_COLUMNS, names_query, value_query, windows_query
from shared.adapters.log_analytics.sampling import Counted
from shared.adapters.log_analytics.tables import table_of
from shared.adapters.log_analytics.values import ValueRead, read_value
from shared.calls.azure_calls import CLIENT_OPTIONS, AzureCalls
from shared.domain.analysis.measurement import Missing, Sample, Window
from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import LogAnalyticsSource
from shared.ports.metrics_source import WindowQuestion

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.query import LogsQueryClient

PUBLIC_CLOUD = "https://api.loganalytics.io"


class LogAnalyticsMetrics:
    """The `MetricsSource` of a `LogAnalyticsSource`. `values` says what a team's own query must bring."""

    def __init__(self, credential: "TokenCredential", *, endpoint: str | None = None, allow_http: bool = False) -> None:
        """`endpoint` stands for the public cloud's; `allow_http` lets it be plain http."""
        self._credential = credential
        self._endpoint = endpoint or PUBLIC_CLOUD
        self._allow_http = allow_http
        self._client: LogsQueryClient | None = None
        self._lock = Lock()

    def read_windows(self, question: WindowQuestion) -> tuple[Window, ...]:
        """Return each window that was asked for, ascending, gap-free. A window whose rows still come has no data."""
        source = _source(question)
        if not question.starts():
            return ()
        names, reader = names_of(question, source), self._reader(question, source)
        table = table_of(source.signal, reader.asked.dialect)
        rows = reader.rows(windows_query(question, source, names, table), sampling.COLUMNS, f"read {table.name}")
        counted = sampling.count(rows)
        values = tuple(
            read_value(reader, names, query, partial(value_query, question, source, names)) for query in question.values
        )
        return tuple(
            Window(
                start=start,
                end=start + question.length,
                candidate=_sample(question, counted, values, Side.CANDIDATE, start),
                stable=_sample(question, counted, values, Side.STABLE, start),
            )
            for start in question.starts()
        )

    def find_faults(self, question: WindowQuestion) -> tuple[str, ...]:
        """Return what is wrong with the source's settings: a table, a role, the split, a query of the team's own."""
        source = _source(question)
        if not question.starts():
            return ()
        names, reader = names_of(question, source), self._reader(question, source)
        table = table_of(source.signal, reader.asked.dialect)
        try:
            reader.rows(windows_query(question, source, names, table), sampling.COLUMNS, f"read {table.name}")
            rows = reader.rows(names_query(question, source, names, table), NAMES_COLUMNS, f"read {table.name}")
        except RejectedError as error:
            return faults_of_table(table, error)
        compile_ = partial(value_query, question, source, names)
        return (
            *faults_of_names(source, names, rows),
            *faults_of_values(reader, names, question.values, compile_),
        )

    def _reader(self, question: WindowQuestion, source: LogAnalyticsSource) -> LogsReader:
        return LogsReader(self._connect(), AzureCalls(allow_http=self._allow_http), whom(source), question)

    def _connect(self) -> "LogsQueryClient":
        from azure.monitor.query import LogsQueryClient

        with self._lock:
            if self._client is None:
                self._client = LogsQueryClient(self._credential, endpoint=self._endpoint, **CLIENT_OPTIONS)
            return self._client


def _source(question: WindowQuestion) -> LogAnalyticsSource:
    assert isinstance(question.source, LogAnalyticsSource)
    return question.source


def _sample(
    question: WindowQuestion, counted: Counted, values: tuple[ValueRead, ...], side: Side, start: datetime
) -> Sample | Missing:
    sample = counted.sample(side, start, start + question.length)
    if isinstance(sample, Missing):
        return sample
    return replace(sample, values=tuple(value for read in values if (value := read.value(side, start)) is not None))
