"""Prometheus' HTTP API: questions as forms, answers doubted.

Its errors are in a body of their own: `{"status": "error", "errorType": "bad_data", "error": "..."}`. An answer with
`warnings` may lack a part (a store behind it was away), so it is no answer; `infos` say nothing of that kind.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from shared.adapters.prometheus.answer import Row, UnreadableError, read_matrix, read_names, read_vector
from shared.calls.asking import ask, bearer_of, check_clock, check_url, refusal_of
from shared.calls.azure_calls import METHOD_SECONDS, AzureCalls
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import Answer
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.measuring import PrometheusAuth, PrometheusSource

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

T = TypeVar("T")

LARGEST_ANSWER: Final = 16 * 1024 * 1024
_AZURE_HOSTS: Final = {
    ".prometheus.monitor.azure.com": "https://prometheus.monitor.azure.com/.default",
    ".prometheus.monitor.azure.us": "https://prometheus.monitor.azure.us/.default",
    ".prometheus.monitor.azure.cn": "https://prometheus.monitor.azure.cn/.default",
}
"""Azure Managed Prometheus by cloud, and the scope of its tokens."""
_PUBLIC_SCOPE: Final = "https://prometheus.monitor.azure.com/.default"
_FOR_GOOD: Final = ("bad_data", "execution", "not_found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the adapter was given to reach servers with."""

    secret: Callable[[str], str | None]
    credential: "Callable[[], TokenCredential]"
    allow_http: bool
    now: Callable[[], datetime]


class PrometheusServer:
    """One server during one method of the port: its deadline runs from the moment it is made."""

    def __init__(self, source: PrometheusSource, access: Access, longest_skew: timedelta) -> None:
        """Raises `RejectedError` for a URL or a secret that cannot be used."""
        self._what = "metrics.source (prometheus)"
        check_url(f"{self._what}: url", source.url, allow_http=access.allow_http)
        self._home = source.url.rstrip("/")
        self._access = access
        self._longest_skew = longest_skew
        self._deadline = Deadline(METHOD_SECONDS)
        self._headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "Slipway",
            **self._authorization(source),
        }

    def ask_range(self, query: str, since: datetime, until: datetime, step: timedelta) -> tuple[Row, ...]:
        """Return each series of the expression, evaluated at `since`, and each `step` later, up to `until`."""
        form = {"query": query, "start": _moment(since), "end": _moment(until), "step": _seconds(step)}
        return self._read(self._ask("query_range", form), read_matrix)

    def ask_at(self, query: str, at: datetime) -> tuple[Row, ...]:
        """Return each series of the expression, evaluated once."""
        return self._read(self._ask("query", {"query": query, "time": _moment(at)}), read_vector)

    def ask_labels(self, selector: str, since: datetime, until: datetime) -> tuple[str, ...]:
        """Return the names of the labels that the selector's series have."""
        form = {"match[]": selector, "start": _moment(since), "end": _moment(until)}
        return self._read(self._ask("labels", form), read_names)

    def ask_metrics(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Return the names of all metrics."""
        span = urlencode({"start": _moment(since), "end": _moment(until)})
        return self._read(self._ask(f"label/__name__/values?{span}", None), read_names)

    def _ask(self, path: str, form: dict[str, str] | None) -> Any:
        url = f"{self._home}/api/v1/{path}"
        body = None
        if form is not None:
            if path.startswith("query"):
                form = {**form, "timeout": f"{max(self._deadline.left() - 1, 1):.0f}s"}
            body = urlencode(form, quote_via=quote).encode()
        answer = ask(
            self._what,
            "GET" if body is None else "POST",
            url,
            self._deadline,
            headers=self._headers,
            body=body,
            most_bytes=LARGEST_ANSWER,
        )
        if answer.status == 200:
            check_clock(self._what, url, answer, self._access.now(), self._longest_skew)
        return self._data(url, answer)

    def _data(self, url: str, answer: Answer) -> Any:
        try:
            document = json.loads(answer.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            if answer.status != 200:
                raise refusal_of(self._what, url, answer) from error
            raise TryLaterError(f"{self._what}: {urlsplit(url).hostname} answers with no JSON") from error
        match document:
            case {"status": "success", "warnings": [first, *_]}:
                raise TryLaterError(f"{self._what}: a partial answer: {str(first)[:300]}")
            case {"status": "success", "data": data} if answer.status == 200:
                return data
            case {"error": str(says)}:
                kind = str(document.get("errorType", "error"))
                if answer.status == 200 and kind not in _FOR_GOOD:
                    raise TryLaterError(f"{self._what}: {kind}: {says[:300]}")
                raise refusal_of(self._what, url, answer, f"{kind}: {says[:300]}")
        if answer.status != 200:
            raise refusal_of(self._what, url, answer)
        raise TryLaterError(f"{self._what}: an answer that cannot be read")

    def _read(self, data: Any, read: Callable[[Any], T]) -> T:
        try:
            return read(data)
        except UnreadableError as error:
            raise TryLaterError(f"{self._what}: an answer that cannot be read: {error}") from error

    def _authorization(self, source: PrometheusSource) -> dict[str, str]:
        match source.auth:
            case PrometheusAuth.NONE:
                return {}
            case PrometheusAuth.BEARER:
                if source.secret_setting is None:
                    raise RejectedError(f"{self._what}: secretSetting is missing")
                return bearer_of(self._what, source.secret_setting, self._access.secret)
            case PrometheusAuth.AZURE:
                return {"Authorization": f"Bearer {self._azure_token(source.url)}"}

    def _azure_token(self, url: str) -> str:
        scope = self._azure_scope(url)
        calls = AzureCalls(allow_http=self._access.allow_http, seconds=self._deadline.left())
        token = calls.run(
            "get a token for Azure Managed Prometheus", lambda _: self._access.credential().get_token(scope)
        )
        return token.token

    def _azure_scope(self, url: str) -> str:
        host = (urlsplit(url).hostname or "").lower()
        for suffix, scope in _AZURE_HOSTS.items():
            if host.endswith(suffix):
                return scope
        # Whoever gets our token can read all that we may read: only Azure's own servers, and a sandbox, get it.
        if not self._access.allow_http:
            raise RejectedError(
                f"{self._what}: auth azure is for hosts such as shop.westeurope{next(iter(_AZURE_HOSTS))}"
            )
        return _PUBLIC_SCOPE


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC).timestamp():.3f}"


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():.3f}"
