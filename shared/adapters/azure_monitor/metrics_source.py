"""Reading what users met from Azure Monitor: one batch call for the site, one for its slot.

Azure Monitor's least window is a minute, and its values come one to three minutes late.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_monitor.batch_answer import UnusableAnswerError, check_codes, read_series
from shared.adapters.azure_monitor.series import Series, sample_at
from shared.calls.azure_calls import CLIENT_OPTIONS, AzureCalls
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.spec import Target
from shared.ports.metrics_source import PlaceWindow
from shared.wire.site_id import parse_site_id

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.querymetrics import MetricsClient, MetricsQueryResult

_METRICS = {"Requests": "total", "Http5xx": "total", "HttpResponseTime": "average"}
"""Each metric and the aggregation that is read of it. HttpResponseTime is in seconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Question:
    """Which windows are asked for."""

    since: datetime
    until: datetime
    length: timedelta

    def starts(self) -> tuple[datetime, ...]:
        count = (self.until - self.since) // self.length
        return tuple(self.since + self.length * index for index in range(count))


class AzureMonitorMetrics:
    """The `MetricsSource` of sites with slots."""

    def __init__(self, credential: "TokenCredential", *, endpoint: str | None = None, allow_http: bool = False) -> None:
        """`endpoint` stands for that of each target's region; `allow_http` lets it be plain http."""
        self._credential = credential
        self._endpoint = endpoint
        self._allow_http = allow_http
        self._clients: dict[str, MetricsClient] = {}
        self._lock = Lock()

    def read_windows(
        self, target: Target, since: datetime, until: datetime, length: timedelta
    ) -> tuple[PlaceWindow, ...]:
        """Return each window of `length` from `since` to `until`, both multiples of it, ascending, gap-free.

        `length` must be one that Azure Monitor knows (PT1M, PT5M, PT15M, ...): others raise `RejectedError`.
        """
        assert (since - _EPOCH) % length == (until - _EPOCH) % length == timedelta(0)
        question = _Question(since.astimezone(UTC), until.astimezone(UTC), length)
        if not question.starts():
            return ()
        site = parse_site_id(target.resource)
        calls = AzureCalls(allow_http=self._allow_http)
        client = self._client(self._endpoint or _regional_endpoint(target))
        production = _ask(client, calls, question, str(site), "microsoft.web/sites")
        candidate = _ask(client, calls, question, site.slot(target.slot), "microsoft.web/sites/slots")
        return tuple(
            PlaceWindow(
                start=start,
                end=start + length,
                production=sample_at(start, *production),
                candidate=sample_at(start, *candidate),
            )
            for start in question.starts()
        )

    def _client(self, endpoint: str) -> "MetricsClient":
        from azure.monitor.querymetrics import MetricsClient

        with self._lock:
            client = self._clients.get(endpoint)
            if client is None:
                client = self._clients[endpoint] = MetricsClient(endpoint, self._credential, **CLIENT_OPTIONS)
            return client


def _regional_endpoint(target: Target) -> str:
    region = target.region.replace(" ", "").lower()
    # Our access token goes to this host: nothing but a region's name may be part of it.
    if not re.fullmatch(r"[a-z0-9]+", region):
        raise RejectedError(f"target {target.name} needs a region, such as westeurope, for its metrics")
    return f"https://{region}.metrics.monitor.azure.com"


def _ask(
    client: "MetricsClient", calls: AzureCalls, question: _Question, resource: str, namespace: str
) -> tuple[Series, Series, Series]:
    """Return requests, failures and response times of one resource."""
    what = f"read the metrics of {resource}"
    starts = frozenset(question.starts())

    def send(options: dict[str, Any]) -> "list[MetricsQueryResult]":
        answers: list[Any] = []
        results = client.query_resources(
            resource_ids=[resource],
            metric_namespace=namespace,
            metric_names=list(_METRICS),
            timespan=(question.since, question.until),
            granularity=question.length,
            aggregations=sorted(set(_METRICS.values())),
            raw_response_hook=lambda answer: answers.append(answer.http_response),
            **options,
        )
        check_codes(answers[-1].json())
        return results

    try:
        results = calls.run(what, send)
        requests, failures, seconds = (
            read_series(results, name, aggregation, starts, question.length) for name, aggregation in _METRICS.items()
        )
    except UnusableAnswerError as error:
        raise TryLaterError(f"{what}: {error}") from error
    return requests, failures, seconds
