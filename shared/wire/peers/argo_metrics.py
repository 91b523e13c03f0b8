"""One metric of an Argo AnalysisTemplate as a figure and a guard of a release spec."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from shared.wire.findings import Part
from shared.wire.peers import argo_conditions
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.argo_arguments import Arguments, filled
from shared.wire.peers.measuring import (
    BY_SETTING,
    VERSION,
    Limit,
    Measures,
    Server,
    account_address,
    errors_of,
    of_version,
    server_of,
)
from shared.wire.peers.meshes import version_label_of
from shared.wire.peers.promql import Matcher, Query, Ratio, Selector, exactly_one_of, ratio_in, read_query, widened
from shared.wire.peers.readings import entries, given, given_at, members, parse_go_duration, text

_ELSEWHERE: Final = (
    "no guard. Export the figure to Prometheus or push it as an observation, and guard it in metrics.values"
)
_PROVIDERS: Final[Mapping[str, tuple[str, str]]] = {
    "web": (
        "a page is asked for the counts of one version in one window, and this one is not",
        "no guard. Where it can be, name it in metrics.source as kind web",
    ),
    "job": (
        "no Job is run",
        "no guard. Run it in CI, and let a gate wait for its answer",
    ),
    "kayenta": (
        "comparing with the stable version is what guards do themselves",
        "no guard. Name errors, latency or figures with a tolerance in guards",
    ),
}
_MARK: Final = "\ue000"


@dataclass(frozen=True, slots=True)
class Template:
    """An AnalysisTemplate, with where its fields are accounted for."""

    part: Part
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class Taking:
    """What one metric is read with."""

    accounts: Accounts
    measures: Measures
    arguments: Arguments
    services: tuple[str, ...]
    """The two Services, which take turns."""
    dry: tuple[str, ...]
    """Patterns of the names of metrics that decide nothing."""


def read_metric(metric: Part, taking: Taking) -> Decimal | None:
    """Read one metric into a guard; return how long its measurements take, where that is said and it was taken."""
    provider = given_at(metric, "provider")
    prometheus = given(provider, "prometheus")
    try:
        name = filled(text(given(metric, "name")), taking.arguments)
        if not prometheus.exists:
            raise _NotTakenError(*_of_provider(provider))
        limit, words = _limit(metric, taking)
        query = _query(prometheus, taking)
        over = _time(given(metric, "interval"), taking)
        guard = _add(name, query, limit, over, taking, prometheus)
    except ValueError as error:
        why, chosen = error.args if isinstance(error, _NotTakenError) else (str(error), _ELSEWHERE)
        taking.accounts.no_equal(metric, why, chosen)
        return None
    if any(fnmatchcase(name, pattern.replace(".*", "*")) for pattern in taking.dry):
        taking.measures.only_notify(guard)
    _account(metric, prometheus, guard, words, query, taking)
    count = _count(given(metric, "count"), taking)
    return over * count if over is not None and count is not None else None


class _NotTakenError(ValueError):
    """Why a metric is no guard, and what was chosen instead."""


def _of_provider(provider: Part) -> tuple[str, str]:
    names = [name for name, _ in members(provider)]
    if not names:
        return "it names no provider", _ELSEWHERE
    return _PROVIDERS.get(names[0], (f"the provider {names[0]:.60} is not asked", _ELSEWHERE))


def _limit(metric: Part, taking: Taking) -> tuple[Limit, str]:
    good, bad = given(metric, "successCondition"), given(metric, "failureCondition")
    if not good.exists and not bad.exists:
        raise _NotTakenError("it has no condition, and so no limit", "no guard")
    conditions = []
    if good.exists:
        conditions.append(argo_conditions.success(filled(text(good), taking.arguments)))
    if bad.exists:
        conditions.append(argo_conditions.failure(filled(text(bad), taking.arguments)))
    limit = conditions[0].limit
    for condition in conditions[1:]:
        limit = argo_conditions.both(limit, condition.limit)
    if limit.least is not None and limit.most is not None and limit.least > limit.most:
        raise _NotTakenError("nothing can meet its conditions", "no guard")
    strict = ". The limit itself is good here" if any(each.is_strict for each in conditions) else ""
    absent = (
        ". Without a value nothing passes, whatever is said here" if any(e.names_presence for e in conditions) else ""
    )
    between = ". What lies between the two conditions is bad here, not inconclusive" if len(conditions) > 1 else ""
    return limit, f"{strict}{absent}{between}"


def _query(prometheus: Part, taking: Taking) -> Query:
    query = read_query(filled(text(given(prometheus, "query")), taking.arguments))
    return query.each(lambda selector: replace(selector, matchers=tuple(_of_both(selector, taking.services))))


def _of_both(selector: Selector, services: tuple[str, ...]) -> tuple[Matcher, ...]:
    """Ask of both Services where one is named: here they take turns, and the version tells them apart."""
    matchers = []
    for matcher in selector.matchers:
        value = matcher.value
        for service in sorted(services, key=len, reverse=True):
            value = _with_mark(value, service)
        matchers.append(widened(replace(matcher, value=value), _MARK, exactly_one_of(services)))
    return tuple(matchers)


def _with_mark(value: str, service: str) -> str:
    return re.sub(rf"(?<![a-zA-Z0-9_-]){re.escape(service)}(?![a-zA-Z0-9_-])", _MARK, value)


def _time(part: Part, taking: Taking) -> Decimal | None:
    return parse_go_duration(filled(text(part), taking.arguments)) if part.exists else None


def _count(part: Part, taking: Taking) -> int | None:
    if isinstance(part.value, str):
        value = filled(part.value, taking.arguments)
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 6 else None
    is_count = isinstance(part.value, int) and not isinstance(part.value, bool)
    return part.value if is_count and 0 < part.value < 100_000 else None


def _add(name: str, query: Query, limit: Limit, over: Decimal | None, taking: Taking, prometheus: Part) -> str:
    measures = taking.measures
    url, is_unknown = server_of(_address(prometheus, taking))
    if measures.server is not None and measures.server.url != url and not is_unknown:
        raise _NotTakenError(
            "a release spec reads one Prometheus, and another metric was first with its own", "no guard"
        )
    ratio = ratio_in(query)
    counted = _counted(ratio, limit) if ratio is not None else None
    if counted is None and measures.is_full():
        raise _NotTakenError("a release spec has at most ten figures of its own", "no guard")
    needs_token = _needs_token(prometheus)
    if measures.server is None:
        measures.server = Server(url, needs_token)
    elif needs_token:
        measures.server = Server(measures.server.url, needs_token=True)
    account_address(given(prometheus, "address"), is_unknown=is_unknown, accounts=taking.accounts)
    if counted is not None and (measures.counters or counted[:2]) == counted[:2]:
        measures.counters, measures.version_label = counted[:2], counted[3]
        return measures.guard_errors(name, counted[2], over)
    if measures.is_full():
        raise _NotTakenError("a release spec has at most ten figures of its own", "no guard")
    return measures.guard_figure(name, str(of_version(query)), limit, over)


def _counted(ratio: Ratio, limit: Limit) -> tuple[Selector, Selector, Decimal, str] | None:
    """Return the counters of a ratio, the greatest good share of failures, and the label that tells the version."""
    named = [each for each in ratio.every.matchers if VERSION in each.value]
    if any((each.operator, each.value) not in (("=", VERSION), ("=~", VERSION)) for each in named) or len(named) > 1:
        return None
    every = replace(ratio.every, matchers=tuple(each for each in ratio.every.matchers if each not in named))
    errors = errors_of(replace(ratio, every=every), limit)
    label = named[0].label if named else version_label_of(every)
    return (*errors, label) if errors is not None else None


def _address(prometheus: Part, taking: Taking) -> str:
    try:
        return filled(text(given(prometheus, "address")), taking.arguments)
    except ValueError:
        return ""


def _needs_token(prometheus: Part) -> bool:
    named = [text(given(header, "key")) for header in entries(given(prometheus, "headers"))]
    return given(prometheus, "authentication").exists or any(name.lower() == "authorization" for name in named)


def _account(metric: Part, prometheus: Part, guard: str, words: str, query: Query, taking: Taking) -> None:
    accounts = taking.accounts
    accounts.becomes(given(metric, "name"), f"the guard {guard}")
    accounts.becomes(given(metric, "interval"), f"guards[{guard}].over: the windows of this time are pooled")
    for condition in ("successCondition", "failureCondition"):
        accounts.becomes(given(metric, condition), f"the limits of guards[{guard}]{words}")
    versions = of_version(query)
    labels = {each.label for selector in versions.selectors for each in selector.matchers if VERSION in each.value}
    tells = f"the label {', '.join(sorted(labels))} tells it" if labels else "nothing in it tells the versions apart"
    accounts.becomes(given(prometheus, "query"), f"what guards[{guard}] measures, for one version at a time ({tells})")
    accounts.no_equal(given(prometheus, "authentication"), "only a bearer token is sent", BY_SETTING)
    accounts.no_equal(given(prometheus, "headers"), "no headers are sent but a bearer token", BY_SETTING)
    accounts.no_equal(given(prometheus, "timeout"), "the time-out is Slipway's own", "20 seconds for a whole read")
    accounts.no_equal(given(prometheus, "insecure"), "certificates are always verified", "verified")
    accounts.no_equal(given(prometheus, "rangeQuery"), "a figure is read over the windows of the release", "left out")
