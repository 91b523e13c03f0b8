"""What is wrong with a Prometheus source's own settings, found by asking the server what there is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import chain

from shared.adapters.prometheus.counting import CURRENT
from shared.adapters.prometheus.expected import matches, may_come
from shared.adapters.prometheus.plan import BUCKETS, ArmName, Plan
from shared.adapters.prometheus.promql_text import duration
from shared.adapters.prometheus.selector import NAME, Matcher, Selector
from shared.adapters.prometheus.server import PrometheusServer
from shared.adapters.prometheus.values import Figure, expression_of, selector_of
from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import Unit

_LEAST_SPAN = timedelta(hours=1)
_MOST_NAMED = 8


def find_faults(server: PrometheusServer, plan: Plan, figures: tuple[Figure, ...], until: datetime) -> tuple[str, ...]:
    """Return each fault in one sentence that names the field, seen over the plan's time, but at least an hour."""
    since = min(plan.grid.since, until - _LEAST_SPAN)
    finder = _Finder(server, plan, since, until)
    faults = chain(
        finder.faults_of_selectors(),
        finder.faults_of_arms(),
        finder.faults_of_latency(),
        *(finder.faults_of_value(figure) for figure in figures),
    )
    return tuple(dict.fromkeys(faults))


@dataclass(frozen=True, slots=True)
class _Finder:
    server: PrometheusServer
    plan: Plan
    since: datetime
    until: datetime

    def faults_of_selectors(self) -> Iterator[str]:
        """Selectors that match nothing."""
        yield from self._why_nothing("metrics.source.requests", self.plan.requests)
        yield from self._why_nothing("metrics.source.failures", self.plan.failures)
        if self.plan.latency is not None:
            yield from self._why_nothing("metrics.source.latency", self.plan.latency)

    def faults_of_arms(self) -> Iterator[str]:
        """A version label that tells nothing apart, and windows that are shorter than the time between two scrapes."""
        label, field = self.plan.source.version_label, "metrics.source.versionLabel"
        versions = self._values(label, self.plan.requests)
        stable = self.plan.side(ArmName.STABLE).version
        if versions == {""}:
            yield f"{field}: the series of requests have no label {label}; they have {self._labels(self.plan.requests)}"
        elif versions and stable is not None and stable not in versions:
            yield f"{field}: no series of requests has {label} {stable}, which is live; there is {_listed(versions)}"
        interval = self._interval()
        if interval is not None and self.plan.grid.window < interval * 2 / 3:
            window = self.plan.grid.window.total_seconds()
            yield (
                f"metrics.window: the series of requests have a value every {interval.total_seconds():.0f} s, "
                f"so most windows of {window:.0f} s have none"
            )

    def faults_of_latency(self) -> Iterator[str]:
        """Response times that are no histogram, or in another unit than the metric's name says."""
        latency = self.plan.latency
        if latency is None or not self._has(latency):
            return
        field, unit = "metrics.source.latency", self.plan.source.latency_unit
        if self.plan.is_classic:
            if self._values("le", latency) == {""}:
                yield f"{field}: the series of {latency.metric} have no label le, so they are no histogram"
        elif self._is_plain(latency):
            yield f"{field}: {latency.metric or latency} is no histogram; the classic ones are named ..._bucket"
        stem = latency.metric.removesuffix(BUCKETS)
        if stem.endswith("_seconds") and unit is not Unit.SECONDS:
            yield f"metrics.source.latencyUnit: {unit} does not fit {latency.metric}, whose name says seconds"
        if stem.endswith(("_ms", "_milliseconds")) and unit is not Unit.MILLISECONDS:
            yield f"metrics.source.latencyUnit: {unit} does not fit {latency.metric}, whose name says milliseconds"

    def faults_of_value(self, figure: Figure) -> Iterator[str]:
        """A query of the team's own that matches nothing or that the server refuses."""
        selector = selector_of(figure.query, self.plan.filling(ArmName.STABLE))
        if selector is not None:
            yield from self._why_nothing(figure.field, selector)
            return
        try:
            self.server.ask_at(expression_of(figure, self.plan), self.until)
        except RejectedError as error:
            yield f"{figure.field}: {error}"

    def _why_nothing(self, field: str, selector: Selector) -> Iterator[str]:
        if self._has(selector):
            return
        metric = selector.metric
        if metric and not self._has(Selector((Matcher(NAME, "=", metric),))):
            near = get_close_matches(metric, self.server.ask_metrics(self.since, self.until), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"{field}: there is no metric {metric}{hint}"
            return
        wrong = self._wrong_condition(selector)
        if wrong is None:
            yield f"{field}: {selector} matched nothing in {duration(self.until - self.since)}"
            return
        condition, rest, values = wrong
        if values == {""}:
            yield (
                f"{field}: nothing has {condition}: the series of {rest} have no label {condition.label}; "
                f"they have {self._labels(rest)}"
            )
        elif not may_come(condition, values):
            yield f"{field}: nothing has {condition} in {duration(self.until - self.since)}; there is {_listed(values)}"

    def _wrong_condition(self, selector: Selector) -> tuple[Matcher, Selector, frozenset[str]] | None:
        """Return the condition without which there are series, these, and their values of its label.

        Conditions that the selector of requests shares are doubted last. Where more than one condition must go, it is
        the first that no series of the metric meets.
        """
        for condition in sorted(selector.conditions, key=lambda each: each in self.plan.requests.conditions):
            rest = selector.without(condition)
            if values := self._values(condition.label, rest):
                return condition, rest, values
        bare = Selector(tuple(m for m in selector.matchers if m.label == NAME))
        for condition in selector.conditions if bare.matchers else ():
            values = self._values(condition.label, bare)
            if values and not any(matches(condition, value) for value in values):
                return condition, bare, values
        return None

    def _has(self, selector: Selector) -> bool:
        return bool(self.server.ask_at(f"count({self._known(selector)})", self.until))

    def _values(self, label: str, selector: Selector) -> frozenset[str]:
        rows = self.server.ask_at(f"count by ({label}) ({self._known(selector)})", self.until)
        return frozenset(row.label(label) for row in rows)

    def _labels(self, selector: Selector) -> str:
        names = self.server.ask_labels(str(selector), self.since, self.until)
        return _listed(frozenset(names) - {NAME})

    def _is_plain(self, selector: Selector) -> bool:
        return bool(self.server.ask_at(f"count({selector}) unless count(histogram_count({selector}))", self.until))

    def _interval(self) -> timedelta | None:
        """Return the time between two values of a series that was there all the time."""
        span, requests = 2 * CURRENT, self.plan.requests
        counted = f"count_over_time({requests}[{duration(span)}])"
        lasting = f"last_over_time({requests}[{duration(CURRENT)}] offset {duration(span)})"
        rows = self.server.ask_at(f"max({counted} and {lasting})", self.until)
        most = max((value for row in rows for value in row.values.values()), default=0.0)
        return span / most if most >= 1 else None

    def _known(self, selector: Selector) -> str:
        return f"last_over_time({selector}[{duration(self.until - self.since)}])"


def _listed(names: frozenset[str]) -> str:
    known = sorted(name or '""' for name in names)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return ", ".join(known[:_MOST_NAMED]) + more if known else "nothing"
