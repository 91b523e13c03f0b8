"""Asking one workspace or component, within one deadline: whole answers as rows, or an error in our own words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from shared.adapters.log_analytics.tables import Dialect
from shared.calls.azure_calls import AzureCalls
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.measuring import LogAnalyticsSource
from shared.ports.metrics_source import WindowQuestion
from shared.wire.resource_id import parse_resource_id

if TYPE_CHECKING:
    from azure.monitor.query import LogsQueryClient, LogsQueryPartialResult, LogsQueryResult

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIALECTS = {
    "microsoft.operationalinsights/workspaces": Dialect.WORKSPACE,
    "microsoft.insights/components": Dialect.COMPONENT,
}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a source asks: a workspace by its GUID, or a workspace or component by its resource id."""

    workspace: str
    resource: str
    dialect: Dialect

    def __str__(self) -> str:
        return self.resource or f"workspace {self.workspace}"


def whom(source: LogAnalyticsSource) -> Asked:
    """Return whom the source asks. Raises `RejectedError` when that is neither a workspace nor a component."""
    if source.resource:
        resource = parse_resource_id(source.resource)
        dialect = _DIALECTS.get(resource.kind)
        if dialect is None:
            raise RejectedError(f"metrics.source.resource: {resource.kind} is no workspace and no component")
        return Asked("", resource.text, dialect)
    if not _GUID.fullmatch(source.workspace):
        raise RejectedError(f"metrics.source.workspace: '{source.workspace[:100]}' is not the GUID of a workspace")
    return Asked(source.workspace.lower(), "", Dialect.WORKSPACE)


@dataclass(frozen=True, slots=True)
class LogsReader:
    """Sends the queries of one question."""

    client: "LogsQueryClient"
    calls: AzureCalls
    asked: Asked
    question: WindowQuestion

    def rows(self, query: str, columns: tuple[str, ...], what: str) -> tuple[Row, ...]:
        """Return the rows of a query's first table, by column.

        Raises `TryLaterError`, also for an answer in part, and `RejectedError`, also when one of `columns` is missing.
        """
        answer = self._send(query, what)
        tables = answer.tables
        if not tables:
            raise TryLaterError(f"{what} of {self.asked}: no table in the answer")
        missing = [column for column in columns if column not in tables[0].columns]
        if missing:
            raise RejectedError(f"{what} of {self.asked}: no column {', '.join(missing)} in the answer")
        try:
            return tuple(dict(zip(tables[0].columns, row, strict=True)) for row in tables[0].rows)
        except (TypeError, ValueError) as error:
            raise TryLaterError(f"{what} of {self.asked}: an answer whose rows do not fit its columns") from error

    def _send(self, query: str, what: str) -> "LogsQueryResult":
        from azure.monitor.query import LogsQueryPartialResult

        what = f"{what} of {self.asked}"

        def send(options: dict[str, Any]) -> "LogsQueryResult":
            asking: dict[str, Any] = {
                "query": query,
                "timespan": (self.question.since.astimezone(UTC), self.question.until.astimezone(UTC)),
                # The service gives up before we do, and says so.
                "server_timeout": max(int(options["read_timeout"]) - 1, 1),
                **options,
            }
            if self.asked.resource:
                answer = self.client.query_resource(self.asked.resource.lstrip("/"), **asking)
            else:
                answer = self.client.query_workspace(self.asked.workspace, **asking)
            if isinstance(answer, LogsQueryPartialResult):
                raise TryLaterError(f"{what}: an answer in part, {_why(answer)}")
            return answer

        return self.calls.run(what, send)


def _why(answer: "LogsQueryPartialResult") -> str:
    error = answer.partial_error
    details = "; ".join(_innermost(error.details)) if error else ""
    return (details or str(error.message if error else "") or "without a reason")[:300]


def _innermost(details: Any) -> Iterator[str]:
    for detail in details or ():
        while isinstance(inner := detail.get("innererror"), Mapping):
            detail = inner
        yield str(detail.get("message"))
