"""Reading what users met from Azure Monitor's platform metrics.

Places that are resources of their own (a site and its slot) are a call each; a resource whose metrics a dimension
divides by version is one call for both arms, and one more where a filter tells the failures. Azure Monitor's least
window is a minute, and its values come one to three minutes late.
"""

import re
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.azure_monitor.arms import read_arms
from shared.adapters.azure_monitor.batch_reader import BatchReader
from shared.adapters.azure_monitor.faults import find_faults
from shared.adapters.azure_monitor.figures import figures_of
from shared.adapters.azure_monitor.sampling import sample_at
from shared.calls.azure_calls import CLIENT_OPTIONS, AzureCalls
from shared.domain.analysis.measurement import Window
from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import AzureMonitorSource
from shared.domain.rollout.spec import Target
from shared.ports.metrics_source import WindowQuestion

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.querymetrics import MetricsClient

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AzureMonitorMetrics:
    """The `MetricsSource` of an `AzureMonitorSource`.

    The query of a team's own figure is the name of a metric of the same resource: its Total for a counter, its
    Average for a gauge.
    """

    def __init__(self, credential: "TokenCredential", *, endpoint: str | None = None, allow_http: bool = False) -> None:
        """`endpoint` stands for that of each target's region; `allow_http` lets it be plain http."""
        self._credential = credential
        self._endpoint = endpoint
        self._allow_http = allow_http
        self._clients: dict[str, MetricsClient] = {}
        self._lock = Lock()

    def read_windows(self, question: WindowQuestion) -> tuple[Window, ...]:
        """Return each window that was asked for, ascending, gap-free.

        The length must be one that Azure Monitor knows (PT1M, PT5M, PT15M, ...): others raise `RejectedError`.
        """
        source = _source(question)
        assert (
            (question.since - _EPOCH) % question.length == (question.until - _EPOCH) % question.length == timedelta(0)
        )
        if not question.starts():
            return ()
        arms = read_arms(self._reader(question), question, source, figures_of(source, question.values))
        return tuple(
            Window(
                start=start,
                end=start + question.length,
                candidate=sample_at(start, arms.candidate),
                stable=sample_at(start, arms.stable),
            )
            for start in question.starts()
        )

    def find_faults(self, question: WindowQuestion) -> tuple[str, ...]:
        """Return what is wrong with the source's settings: a metric, a dimension, a unit, a filter."""
        source = _source(question)
        if not question.starts():
            return ()
        return tuple(find_faults(self._reader(question), question, source, figures_of(source, question.values)))

    def _reader(self, question: WindowQuestion) -> BatchReader:
        client = self._client(self._endpoint or _regional_endpoint(question.target))
        return BatchReader(client, AzureCalls(allow_http=self._allow_http), question)

    def _client(self, endpoint: str) -> "MetricsClient":
        from azure.monitor.querymetrics import MetricsClient

        with self._lock:
            client = self._clients.get(endpoint)
            if client is None:
                client = self._clients[endpoint] = MetricsClient(endpoint, self._credential, **CLIENT_OPTIONS)
            return client


def _source(question: WindowQuestion) -> AzureMonitorSource:
    assert isinstance(question.source, AzureMonitorSource)
    return question.source


def _regional_endpoint(target: Target) -> str:
    region = target.region.replace(" ", "").lower()
    # Our access token goes to this host: nothing but a region's name may be part of it.
    if not re.fullmatch(r"[a-z0-9]+", region):
        raise RejectedError(f"target {target.name} needs a region, such as westeurope, for its metrics")
    return f"https://{region}.metrics.monitor.azure.com"
