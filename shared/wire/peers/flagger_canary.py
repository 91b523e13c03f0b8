"""A Canary of Flagger as a release spec."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.flagger_metrics import Asked, Template, asks_flagger, read_metrics
from shared.wire.peers.flagger_strategy import read_strategy
from shared.wire.peers.flagger_webhooks import Hooks
from shared.wire.peers.manifests import Manifest
from shared.wire.peers.measuring import (
    UNKNOWN_PROMETHEUS,
    Measures,
    Server,
    account_address,
    duration_of,
    server_of,
    slug_of,
)
from shared.wire.peers.meshes import ISTIO, MESHES, Counters, Workload, counters
from shared.wire.peers.readings import an_object, flag, given, given_at, required_name, show, text, whole
from shared.wire.peers.targets import DEFAULT_NAMESPACE, Route, target
from shared.wire.peers.targets import Server as Cluster

_GATEWAY: Final = ("gatewayapi",)


def import_canary(
    manifest: Manifest, accounts: Accounts, templates: Mapping[tuple[str, str], Template], cluster: Cluster
) -> dict[str, Any]:
    """Return the release spec of a Canary; what is wrong with it is noted in its findings."""
    spec = an_object(_required(manifest.part, "spec"))
    workload = _workload(manifest.part, spec, accounts)
    analysis = _analysis(spec, accounts)
    measures = _measures(spec, analysis, accounts, workload, templates)
    strategy = read_strategy(analysis, measures, accounts)
    if not measures.has_guards:
        accounts.chosen("guards", "the default ones: errors, latency and share, each compared with the stable version")
    elif strategy.is_canary:
        measures.guard_share(accounts)
    _account_rest(spec, accounts)
    return {
        "application": _application(manifest.part, accounts),
        "targets": [_target(workload, cluster, accounts)],
        "strategy": strategy.document,
        **measures.document(),
        **_deadlines(spec, accounts),
        **_called(strategy.hooks),
    }


def _required(part: Part, key: str) -> Part:
    child = given(part, key)
    if not child.exists:
        child.refuse("is missing")
    return child


def _application(document: Part, accounts: Accounts) -> str:
    part = given_at(document, "metadata").child("name")
    name = required_name(part)
    slug = slug_of(name, "application")
    accounts.becomes(part, "application" if slug == name else f"application, as {slug}: names here have no dots")
    return slug


def _workload(document: Part, spec: Part, accounts: Accounts) -> Workload:
    reference = an_object(_required(spec, "targetRef"))
    reached = given(given_at(document, "metadata"), "namespace")
    namespace = required_name(reached) if reached.exists else DEFAULT_NAMESPACE
    accounts.becomes(reached, "the namespace in targets[0].resource")
    if not reached.exists:
        accounts.chosen("targets[0].resource.namespace", f"{DEFAULT_NAMESPACE}: the Canary names none")
    name = required_name(given(reference, "name")) if reference.exists else ""
    own = given_at(spec, "service").child("name")
    service = required_name(own) if own.value is not None else name
    accounts.becomes(
        own if own.value is not None else given(reference, "name"),
        "targets[0]: the HTTPRoute of this name, and its backends -primary and -canary",
    )
    return Workload(
        namespace=namespace,
        target=name,
        service=service,
        ingress=_name_in(spec, "ingressRef") or service,
        route=_name_in(spec, "routeRef") or service,
    )


def _name_in(spec: Part, key: str) -> str:
    part = given_at(spec, key).child("name")
    return required_name(part) if part.value is not None else ""


def _analysis(spec: Part, accounts: Accounts) -> Part:
    analysis, older = given(spec, "analysis"), given(spec, "canaryAnalysis")
    if analysis.exists and older.exists:
        accounts.not_needed(older, "analysis beside it counts, as it does for Flagger")
    if not analysis.exists and not older.exists:
        analysis.refuse("is missing: it says how the release goes")
    return an_object(analysis if analysis.exists else older)


def _measures(
    spec: Part, analysis: Part, accounts: Accounts, workload: Workload, templates: Mapping[tuple[str, str], Template]
) -> Measures:
    provider = given(spec, "provider")
    kind = text(provider).partition(":")[0]
    counted = counters(MESHES.get(kind, ISTIO), workload)
    measures, server = Measures(), _metrics_server(spec, accounts)
    if asks_flagger(analysis):
        measures.server = server
        measures.count_by(counted)
    read_metrics(analysis, Asked(accounts, measures, counted, workload, _plain_name(spec, workload), templates))
    if measures.counters is None:
        measures.count_by(counted)
    _account_provider(provider, kind, measures, counted, accounts)
    _account_source(measures, server, given(spec, "metricsServer"), accounts)
    return measures


def _account_source(measures: Measures, server: Server | None, part: Part, accounts: Accounts) -> None:
    if measures.server is None:
        measures.server = server or Server(UNKNOWN_PROMETHEUS)
        if server is None:
            accounts.chosen("metrics.source.url", f"{UNKNOWN_PROMETHEUS}, which cannot exist: fill in your Prometheus")
    if server is not None and measures.server.url != server.url:
        accounts.not_needed(part, "only built-in metrics ask there, and there are none")
    accounts.chosen(
        "metrics.source.versionLabel",
        f"{measures.version_label}: this label of the series must hold the version that is announced, for the two "
        "workloads take turns in being the candidate",
    )


def _plain_name(spec: Part, workload: Workload) -> str:
    name = Part(spec.findings.source.value, (), spec.findings).child("metadata").child("name").value
    return name if isinstance(name, str) else workload.target


def _account_provider(provider: Part, kind: str, measures: Measures, counted: Counters, accounts: Accounts) -> None:
    known = kind if kind in MESHES else "istio"
    counts = f"metrics.source counts as {known} does" + ("" if kind in MESHES else ", which Flagger takes for others")
    if measures.counters != (counted.requests, counted.failures):
        counts = "metrics.source counts as the first template does that divides a part of all requests"
    if not provider.exists:
        accounts.chosen("metrics.source", f"{counts}; the Canary names no provider")
    elif kind in _GATEWAY:
        accounts.becomes(provider, f"targets[0].kind http-route; {counts}")
    else:
        accounts.no_equal(
            provider,
            f"{show(provider)} is no router of Slipway's",
            f"an HTTPRoute, which most meshes and ingress controllers take (targets[0].kind); {counts}",
        )


def _metrics_server(spec: Part, accounts: Accounts) -> Server | None:
    part = given(spec, "metricsServer")
    if not part.exists:
        return None
    url, is_unknown = server_of(text(part))
    account_address(part, is_unknown=is_unknown, accounts=accounts)
    return Server(url)


def _target(workload: Workload, cluster: Cluster, accounts: Accounts) -> dict[str, Any]:
    service = workload.service
    return target(Route(workload.namespace, service, (f"{service}-primary", f"{service}-canary")), cluster, accounts)


def _deadlines(spec: Part, accounts: Accounts) -> dict[str, Any]:
    part = given(spec, "progressDeadlineSeconds")
    deadline = whole(part, None, least=0, most=30_000_000)
    accounts.becomes(part, "deadlines.preflight: how long the candidate may take to become ready")
    return {"deadlines": {"preflight": duration_of(Decimal(deadline))}} if deadline else {}


def _called(hooks: Hooks) -> dict[str, Any]:
    calls = {"hooks": hooks.calls} if hooks.calls else {}
    return calls | ({"notifications": hooks.notifications} if hooks.notifications else {})


def _account_rest(spec: Part, accounts: Accounts) -> None:
    skip, suspend = given(spec, "skipAnalysis"), given(spec, "suspend")
    if flag(skip):
        accounts.no_equal(
            skip, "nothing advances without a judgement", "the guards hold; the override promote skips them"
        )
    else:
        accounts.not_needed(skip, "the analysis is never skipped here")
    if flag(suspend):
        accounts.no_equal(suspend, "a release spec does not hold releases", "the override freeze, which you send")
    else:
        accounts.not_needed(suspend, "nothing is suspended")
