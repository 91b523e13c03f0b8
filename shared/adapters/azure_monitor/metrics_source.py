"""Reading what users met from Azure Monitor: one batch call for the site, one for its slot.

Azure Monitor's least window is a minute, and its values come one to three minutes late.
"""

import re
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_monitor.batch_answer import UnusableAnswerError, check_codes, read_series
from shared.adapters.azure_monitor.series import Series, sample_at
from shared.calls.azure_calls import CLIENT_OPTIONS, AzureCalls
from shared.domain.analysis.measurement import Window
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.spec import Place, Target
from shared.ports.metrics_source import WindowQuestion
from shared.wire.site_id import parse_site_id

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.querymetrics import MetricsClient, MetricsQueryResult

_METRICS = {"Requests": "total", "Http5xx": "total", "HttpResponseTime": "average"}
"""Each metric and the aggregation that is read of it. HttpResponseTime is in seconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AzureMonitorMetrics:
    """The `MetricsSource` of sites with slots."""

    def __init__(self, credential: "TokenCredential", *, endpoint: str | None = None, allow_http: bool = False) -> None:
        """`endpoint` stands for that of each target's region; `allow_http` lets it be plain http."""
        self._credential = credential
        self._endpoint = endpoint
        self._allow_http = allow_http
        self._clients: dict[str, MetricsClient] = {}
        self._lock = Lock()

    def read_windows(self, question: WindowQuestion) -> tuple[Window, ...]:
        """Return each window that was asked for, by the arms' places, ascending, gap-free.

        The length must be one that Azure Monitor knows (PT1M, PT5M, PT15M, ...): others raise `RejectedError`.
        """
        assert (
            (question.since - _EPOCH) % question.length == (question.until - _EPOCH) % question.length == timedelta(0)
        )
        if not question.starts():
            return ()
        calls = AzureCalls(allow_http=self._allow_http)
        client = self._client(self._endpoint or _regional_endpoint(question.target))
        series = {place: _ask(client, calls, question, place) for place in (Place.PRODUCTION, Place.CANDIDATE)}
        return tuple(
            Window(
                start=start,
                end=start + question.length,
                candidate=sample_at(start, *series[question.candidate.place]),
                stable=sample_at(start, *series[question.stable.place]),
            )
            for start in question.starts()
        )

    def find_faults(self, question: WindowQuestion) -> tuple[str, ...]:
        """Return what is wrong with the source's settings: nothing, for these are fixed."""
        assert question.source
        return ()

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
    client: "MetricsClient", calls: AzureCalls, question: WindowQuestion, place: Place
) -> tuple[Series, Series, Series]:
    """Return requests, failures and response times of one place."""
    site = parse_site_id(question.target.resource)
    is_site = place is Place.PRODUCTION
    resource = str(site) if is_site else site.slot(question.target.slot)
    namespace = "microsoft.web/sites" if is_site else "microsoft.web/sites/slots"
    what = f"read the metrics of {resource}"
    starts = frozenset(question.starts())

    def send(options: dict[str, Any]) -> "list[MetricsQueryResult]":
        answers: list[Any] = []
        results = client.query_resources(
            resource_ids=[resource],
            metric_namespace=namespace,
            metric_names=list(_METRICS),
            timespan=(question.since.astimezone(UTC), question.until.astimezone(UTC)),
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
