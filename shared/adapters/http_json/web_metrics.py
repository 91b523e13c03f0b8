"""Reading what users met from a page of JSON: one GET for each version and window.

The URL has `{version}`, `{since}`, `{until}` (RFC 3339, UTC, with seconds) and `{seconds}` in it; what is filled in is
percent-encoded, so that no version can name another page. The page answers with the counts of this version in this
window, such as `{"requests": 1204, "failures": 3}`. Where each figure stands is said by JSON pointers.

| answer | means |
|---|---|
| 200 with a number of requests | a sample |
| 200 without requests, or with null; 204; 404 | no data: the page knows nothing of this version in this window |
| 200 with what is no count, or with another version | no sample, and why |
| 408, 425, 429, 5xx, no JSON | later; a `Retry-After` is kept |
| another 4xx, a redirect to another host | refused for good |

Failures must be told, also when there are none: a page is not a set of counters that begin with the first failure.
Values of a team's own are pointers into the same page; a value that is not there is left out.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from shared.adapters.http_json.page import Page, UnusableError, read_page
from shared.calls.asking import ask, bearer_of, check_clock, check_url, refusal_of
from shared.calls.azure_calls import METHOD_SECONDS
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import Answer
from shared.domain.analysis.measurement import Lack, Missing, Sample, Value, Window
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.measuring import Unit, ValueKind, ValueQuery, WebSource
from shared.ports.metrics_source import WindowQuestion

LARGEST_PAGE: Final = 256 * 1024
_AT_ONCE: Final = 4
"""How many pages are asked for at the same time."""
_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_KNOWS_NOTHING: Final = (204, 404)
_PLACE: Final = re.compile(r"\{(version|since|until|seconds)\}")
_ROUNDING: Final = 1e-9
_MOST_NAMED: Final = 8
_WHAT: Final = "metrics.source (web)"


def _system_time() -> datetime:
    return datetime.now(UTC)


class WebMetrics:
    """The `MetricsSource` of pages of JSON."""

    def __init__(
        self,
        secret: Callable[[str], str | None],
        *,
        allow_http: bool = False,
        now: Callable[[], datetime] = _system_time,
    ) -> None:
        """`secret` returns the value of an app setting, or None where there is none."""
        self._secret = secret
        self._allow_http = allow_http
        self._now = now

    def read_windows(self, question: WindowQuestion) -> tuple[Window, ...]:
        """Return each window, by the versions of the arms; an arm whose version is not known has no data."""
        starts = question.starts()
        if not starts:
            return ()
        versions = (question.candidate.version, question.stable.version)
        if versions[0] is not None and versions[0] == versions[1]:
            return _the_same(question, f"both arms are version {versions[0]}, and the page is asked by version")
        reader = self._reader(question)
        asked = [(start, version) for start in starts for version in versions]
        samples = _all_at_once(reader, asked)
        return tuple(
            Window(start=start, end=start + question.length, candidate=candidate, stable=stable)
            for start, candidate, stable in zip(starts, samples[::2], samples[1::2], strict=True)
        )

    def find_faults(self, question: WindowQuestion) -> tuple[str, ...]:
        """Return what is wrong with the page of the last window, or of the first, of the version that is live."""
        source = _source(question)
        places = set(_PLACE.findall(source.url))
        if "version" not in places:
            return ("metrics.source.url: there is no {version} in it, so both versions would get the same counts",)
        if not places & {"since", "until"}:
            return ("metrics.source.url: there is no {since} and no {until} in it, so each window would get the same",)
        version, starts = question.stable.version, question.starts()
        if version is None or not starts:
            return ()
        reader, why = self._reader(question), ""
        for start in (starts[-1], starts[0]):
            page = reader.page(start, version)
            if isinstance(page, Page):
                return reader.faults_of(page, version)
            why = page.why
        return (f"metrics.source.url: {why} for version {version}, which is live",)

    def _reader(self, question: WindowQuestion) -> "_Reader":
        source = _source(question)
        check_url(f"{_WHAT}: url", source.url, allow_http=self._allow_http)
        return _Reader(
            source,
            question.values,
            question.length,
            {
                "Accept": "application/json",
                "User-Agent": "Slipway",
                **bearer_of(_WHAT, source.secret_setting, self._secret),
            },
            Deadline(METHOD_SECONDS),
            self._now,
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    """The pages of one source during one method of the port."""

    source: WebSource
    values: tuple[ValueQuery, ...]
    length: timedelta
    headers: dict[str, str]
    deadline: Deadline
    now: Callable[[], datetime]

    def sample(self, start: datetime, version: Version | None) -> Sample | Missing:
        """Return what the page says of a version in the window from `start`."""
        if version is None:
            return Missing(Lack.NO_DATA, "the version is not known, and the page is asked by version")
        page = self.page(start, version)
        if isinstance(page, Missing):
            return page
        try:
            return self._sample(page, version)
        except UnusableError as error:
            return Missing(Lack.ERROR, str(error))

    def page(self, start: datetime, version: Version) -> Page | Missing:
        """Return the page, or that it knows nothing of the version in the window."""
        answer, url = self._get(_filled_in(self.source.url, version, start, self.length))
        if answer.status in _KNOWS_NOTHING:
            return Missing(Lack.NO_DATA, f"{urlsplit(url).hostname} answered {answer.status}")
        if answer.status != 200:
            raise refusal_of(_WHAT, url, answer)
        check_clock(_WHAT, url, answer, self.now(), self.length)
        try:
            return read_page(answer.body)
        except ValueError as error:
            raise TryLaterError(f"{_WHAT}: {urlsplit(url).hostname} answers with no JSON") from error

    def faults_of(self, page: Page, version: Version) -> tuple[str, ...]:
        """Return each member that the page lacks; where it lacks none, what is wrong with them."""
        try:
            faults = tuple(fault for field, pointer in self._pointers() for fault in _lacking(page, field, pointer))
            if not faults:
                self._sample(page, version)
        except UnusableError as error:
            return (f"metrics.source: {error}",)
        return faults

    def _pointers(self) -> Iterator[tuple[str, str]]:
        source = self.source
        yield "metrics.source.requests", source.requests
        yield "metrics.source.failures", source.failures
        for name, pointer in (
            ("latency", source.latency),
            ("histogram", source.histogram),
            ("version", source.version),
        ):
            if pointer:
                yield f"metrics.source.{name}", pointer
        for value in self.values:
            yield f"metrics.values[{value.name}].query", value.query
            if value.of:
                yield f"metrics.values[{value.name}].of", value.of

    def _get(self, url: str) -> tuple[Answer, str]:
        """Return the answer and where it came from. A redirect is followed only to the same host."""
        host = urlsplit(url).hostname
        for _ in range(_MOST_REDIRECTS + 1):
            answer = ask(_WHAT, "GET", url, self.deadline, headers=self.headers, most_bytes=LARGEST_PAGE)
            if answer.status not in _REDIRECTS:
                return answer, url
            there = _on_the_same_host(url, answer.header("Location") or "")
            if there is None:
                raise RejectedError(f"{_WHAT}: {host} answered {answer.status} to another host, which is not followed")
            url = there
        raise RejectedError(f"{_WHAT}: {host} redirects more than {_MOST_REDIRECTS} times")

    def _sample(self, page: Page, version: Version) -> Sample | Missing:
        source = self.source
        if source.version and (named := page.text(source.version)) != version:
            raise UnusableError(f"the page is of version {named!r:.80}, not of {version}")
        requests = page.count(source.requests)
        if requests is None:
            return Missing(Lack.NO_DATA, f"{source.requests} is not there")
        failures = _failures(page, source, requests)
        if failures > requests:
            raise UnusableError(f"{failures:g} failures are more than {requests:g} requests")
        latency = page.count(source.latency) if source.latency else None
        histogram = page.histogram(source.histogram, source.latency_unit.factor) if source.histogram else None
        values = (_value(page, value) for value in self.values)
        return Sample(
            requests=requests,
            failures=failures,
            latency_ms=latency * source.latency_unit.factor if latency is not None and requests else None,
            histogram=histogram,
            values=tuple(value for value in values if value is not None),
        )


def _failures(page: Page, source: WebSource, requests: float) -> float:
    if source.failures_unit is None:
        failures = page.count(source.failures)
        if failures is None:
            raise UnusableError(f"{source.failures} is not there, beside {requests:g} requests")
        return failures
    if not requests:
        return 0.0
    told = page.count(source.failures)
    if told is None:
        raise UnusableError(f"{source.failures} is not there, beside {requests:g} requests")
    share = told * source.failures_unit.factor
    if share > 1.0:
        unit = "a fraction" if source.failures_unit is Unit.ONE else source.failures_unit
        raise UnusableError(f"{source.failures} is {told:g}, which in {unit} is more than everything")
    failures = requests * share
    # What was a count before it became a rate is a count again.
    return float(round(failures)) if abs(failures - round(failures)) < _ROUNDING * requests else failures


def _value(page: Page, value: ValueQuery) -> Value | None:
    found = page.number(value.query) if value.kind is ValueKind.GAUGE else page.count(value.query)
    of = page.count(value.of) if value.of else None
    if found is None or (value.of and of is None):
        return None
    return Value(name=value.name, value=found * value.unit.factor, of=of)


def _lacking(page: Page, field: str, pointer: str) -> Iterator[str]:
    if not page.has(pointer):
        there = ", ".join(page.names()[:_MOST_NAMED]) or "none"
        yield f"{field}: the page has no member {pointer}; it has {there}"


def _on_the_same_host(url: str, location: str) -> str | None:
    """Return where a redirect leads; None where that is another host, or nowhere."""
    try:
        there = urljoin(url, location)
        return there if urlsplit(there)[:2] == urlsplit(url)[:2] else None
    except ValueError:
        return None


def _filled_in(url: str, version: Version, start: datetime, length: timedelta) -> str:
    filling = {
        "version": version,
        "since": f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "until": f"{(start + length).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "seconds": f"{length.total_seconds():.0f}",
    }
    return _PLACE.sub(lambda place: quote(filling[place[1]], safe=""), url)


def _all_at_once(reader: _Reader, asked: Iterable[tuple[datetime, Version | None]]) -> tuple[Sample | Missing, ...]:
    """Return each sample in the order in which it was asked for. After an error no more pages are asked for."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="web-metrics") as pool:
        return tuple(pool.map(lambda each: reader.sample(*each), asked))


def _the_same(question: WindowQuestion, why: str) -> tuple[Window, ...]:
    missing = Missing(Lack.ERROR, why)
    return tuple(
        Window(start=start, end=start + question.length, candidate=missing, stable=missing)
        for start in question.starts()
    )


def _source(question: WindowQuestion) -> WebSource:
    assert isinstance(question.source, WebSource)
    return question.source
