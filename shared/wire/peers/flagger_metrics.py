"""The metrics of a Flagger analysis as figures and guards of a release spec."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.flagger_queries import Words, read_flagger_query
from shared.wire.peers.manifests import Manifest
from shared.wire.peers.measuring import (
    BY_SETTING,
    Limit,
    Measures,
    Server,
    account_address,
    errors_of,
    of_version,
    server_of,
)
from shared.wire.peers.meshes import Counters, Workload, version_label_of
from shared.wire.peers.promql import Query, ratio_in
from shared.wire.peers.readings import an_object, entries, given, given_at, members, number, seconds, show, text

_SUCCESS_RATE: Final = "request-success-rate"
_DURATION: Final = "request-duration"
_ELSEWHERE: Final = (
    "no guard. Export the figure to Prometheus, or name a source in metrics.source that has it, and guard it there"
)


@dataclass(frozen=True, slots=True)
class Template:
    """A MetricTemplate, with where its fields are accounted for."""

    manifest: Manifest
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class Asked:
    """What the metrics of a Canary are read with."""

    accounts: Accounts
    measures: Measures
    counters: Counters
    workload: Workload
    name: str
    templates: Mapping[tuple[str, str], Template]


def asks_flagger(analysis: Part) -> bool:
    """Whether a metric is asked of the Prometheus that Flagger itself was told, and not of a template's."""
    metrics = entries(given(analysis, "metrics"))
    return any(
        isinstance(metric.value, dict)
        and (metric.child("name").value in (_SUCCESS_RATE, _DURATION) or given(metric, "query").exists)
        for metric in metrics
    )


def read_metrics(analysis: Part, asked: Asked) -> None:
    """Read `metrics` of an analysis into guards; what cannot be one is said."""
    for metric in entries(given(analysis, "metrics")):
        an_object(metric)
        name = text(given(metric, "name"))
        limit = _limit(metric, asked.accounts, is_success=name == _SUCCESS_RATE)
        over = seconds(given(metric, "interval")) or Decimal(60)
        if name == _SUCCESS_RATE:
            _read_success_rate(metric, limit, over, asked)
        elif name == _DURATION:
            _read_duration(metric, limit, over, asked)
        else:
            _read_own(metric, name, limit, over, asked)


def _limit(metric: Part, accounts: Accounts, *, is_success: bool) -> Limit:
    bounds, threshold = given(metric, "thresholdRange"), given(metric, "threshold")
    if not bounds.exists:
        bound = number(threshold)
        return Limit(least=bound) if is_success else Limit(most=bound)
    accounts.not_needed(threshold, "thresholdRange beside it counts, as it does for Flagger")
    an_object(bounds)
    return Limit(number(given(bounds, "min")), number(given(bounds, "max")))


def _read_success_rate(metric: Part, limit: Limit, over: Decimal, asked: Asked) -> None:
    most = 1 - (limit.least or Decimal(0)) / 100
    highest = given_at(metric, "thresholdRange").child("max")
    asked.accounts.no_equal(highest, "too few failures are no fault here", "left out")
    if limit.least is None or not 0 <= most < 1:
        why = "it lets every request fail" if most >= 1 else "no release could meet it"
        asked.accounts.no_equal(metric, f"{why}, so it is no limit", "the other guards, or the default ones")
        return
    guard = asked.measures.guard_errors(_SUCCESS_RATE, most, over)
    _account(metric, guard, "the share of failed requests, 100 % less the least good success rate", asked)


def _read_duration(metric: Part, limit: Limit, over: Decimal, asked: Asked) -> None:
    if not _has_room(metric, limit, asked):
        return
    guard = asked.measures.guard_figure(_DURATION, asked.counters.latency_of_version(), limit, over)
    what = "average" if asked.counters.is_average else "99th percentile"
    _account(metric, guard, f"of a gauge with the {what} of response times, in ms", asked)


def _read_own(metric: Part, name: str, limit: Limit, over: Decimal, asked: Asked) -> None:
    reference, inline = given(metric, "templateRef"), given(metric, "query")
    template = _template(reference, asked)
    if template is None and not inline.exists:
        if not reference.exists:
            asked.accounts.no_equal(metric, "it names no built-in metric, template or query", "no guard")
        return
    source = inline if template is None else given_at(template.manifest.part, "spec").child("query")
    accounts = asked.accounts if template is None else template.accounts
    if template is not None and not _is_asked_here(template, metric, asked):
        return
    query = _query(metric, source, accounts, asked)
    if query is None or not _has_room(metric, limit, asked):
        return
    guard = _guard(name, query, limit, over, asked)
    _account(metric, guard, "in the unit of the query", asked)
    where = f"the query of {guard}, for one version at a time (the label {_labels(query)} tells it)"
    accounts.becomes(source, where)


def _guard(name: str, query: Query, limit: Limit, over: Decimal, asked: Asked) -> str:
    ratio = ratio_in(query)
    errors = errors_of(ratio, limit) if ratio is not None else None
    if errors is not None and (asked.measures.counters or errors[:2]) == errors[:2]:
        if asked.measures.counters is None:
            asked.measures.counters, asked.measures.version_label = errors[:2], version_label_of(errors[0])
        return asked.measures.guard_errors(name, errors[2], over)
    return asked.measures.guard_figure(name, str(of_version(query)), limit, over)


def _labels(query: Query) -> str:
    versions = [
        each.label for selector in of_version(query).selectors for each in selector.matchers if "$" in each.value
    ]
    return ", ".join(dict.fromkeys(versions)) or "of none"


def _template(reference: Part, asked: Asked) -> Template | None:
    if not reference.exists:
        return None
    an_object(reference)
    name = text(given(reference, "name"))
    namespace = text(given(reference, "namespace")) or asked.workload.namespace
    template = asked.templates.get((namespace, name)) or asked.templates.get(("", name))
    if template is None:
        asked.accounts.no_equal(
            Part(reference.value, reference.path[:-1], reference.findings),
            f"the MetricTemplate {name:.60} in {namespace:.60} is not in these files",
            "no guard. Give its file together with this one",
        )
    return template


def _is_asked_here(template: Template, metric: Part, asked: Asked) -> bool:
    """Whether the template's provider is the Prometheus that everything else is read from."""
    provider = given_at(template.manifest.part, "spec", "provider")
    kind, address = given(provider, "type"), given(provider, "address")
    if text(kind) != "prometheus":
        why = f"a provider of the type {show(kind)} is not asked" if kind.exists else "it names no provider"
        template.accounts.no_equal(given_at(template.manifest.part, "spec"), why, _ELSEWHERE)
        asked.accounts.no_equal(metric, f"{why}: the template's", _ELSEWHERE)
        return False
    url, is_unknown = server_of(text(address))
    secret, headers = given(provider, "secretRef"), given(provider, "headers")
    server = Server(
        url, needs_token=secret.exists or any(key.lower() == "authorization" for key, _ in members(headers))
    )
    if asked.measures.server is not None and asked.measures.server.url != url and not is_unknown:
        why = "a release spec reads one Prometheus, and another metric was first with its own"
        template.accounts.no_equal(address, why, "no guard")
        asked.accounts.no_equal(metric, why, "no guard")
        return False
    if asked.measures.server is None:
        asked.measures.server = server
    elif server.needs_token:
        asked.measures.server = Server(asked.measures.server.url, needs_token=True)
    _account_provider(provider, is_unknown=is_unknown, accounts=template.accounts)
    return True


def _account_provider(provider: Part, *, is_unknown: bool, accounts: Accounts) -> None:
    accounts.becomes(given(provider, "type"), "metrics.source.kind")
    account_address(given(provider, "address"), is_unknown=is_unknown, accounts=accounts)
    accounts.no_equal(given(provider, "secretRef"), "secrets of the cluster are not read", BY_SETTING)
    accounts.no_equal(given(provider, "headers"), "no headers are sent but a bearer token", BY_SETTING)
    accounts.no_equal(given(provider, "region"), "Prometheus has no regions", "left out")
    accounts.no_equal(given(provider, "insecureSkipVerify"), "certificates are always verified", "verified")


def _query(metric: Part, source: Part, accounts: Accounts, asked: Asked) -> Query | None:
    variables = {key: text(value) for key, value in members(given(metric, "templateVariables"))}
    words = Words(asked.name, asked.workload, variables)
    written = text(source)
    try:
        return read_flagger_query(written, words)
    except ValueError as error:
        accounts.no_equal(source, f"the query is not taken: {error}", "no guard. Ask for it in metrics.values")
        asked.accounts.no_equal(metric, f"its query is not taken: {error}", "no guard. Ask for it in metrics.values")
        return None


def _has_room(metric: Part, limit: Limit, asked: Asked) -> bool:
    if limit.least is None and limit.most is None:
        asked.accounts.no_equal(metric, "it has no limit", "no guard")
    elif limit.least is not None and limit.most is not None and limit.least > limit.most:
        asked.accounts.no_equal(metric, "its least good value is above its greatest", "no guard")
    elif asked.measures.is_full():
        asked.accounts.no_equal(metric, "a release spec has at most ten figures of its own", "no guard")
    else:
        return True
    return False


def _account(metric: Part, guard: str, what: str, asked: Asked) -> None:
    accounts = asked.accounts
    for key in ("name", "query", "templateRef", "templateVariables"):
        accounts.becomes(given(metric, key), f"the guard {guard}")
    accounts.becomes(given(metric, "interval"), f"guards[{guard}].over: the windows of this time are pooled")
    bounds, is_success = given(metric, "thresholdRange"), metric.child("name").value == _SUCCESS_RATE
    if not bounds.exists:
        accounts.becomes(given(metric, "threshold"), f"guards[{guard}].max: {what}")
    accounts.becomes(given(bounds, "min"), f"guards[{guard}].{'max' if is_success else 'min'}: {what}")
    if not is_success:
        accounts.becomes(given(bounds, "max"), f"guards[{guard}].max: {what}")
