"""A Rollout of Argo Rollouts as a release spec."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.argo_analysis import Analyses, TemplateKey
from shared.wire.peers.argo_metrics import Template
from shared.wire.peers.argo_routing import is_routed, mesh_of, read_routes
from shared.wire.peers.argo_steps import read_steps
from shared.wire.peers.gates import endless_gate
from shared.wire.peers.manifests import Manifest
from shared.wire.peers.measuring import Measures, duration_of, slug_of
from shared.wire.peers.meshes import Workload, counters
from shared.wire.peers.readings import an_object, flag, given, given_at, members, required_name, whole
from shared.wire.peers.targets import DEFAULT_NAMESPACE, Server, target

_LONGEST_WARM: Final = 30 * 86_400
_LOOK_EVERY: Final = 5
_MOST_LOOKS: Final = 100
_LONGEST_EVERY: Final = 300


def import_rollout(
    manifest: Manifest, accounts: Accounts, templates: Mapping[TemplateKey, Template], cluster: Server
) -> dict[str, Any]:
    """Return the release spec of a Rollout; what is wrong with it is noted in its findings."""
    document = manifest.part
    spec = an_object(_required(document, "spec"))
    strategy = an_object(_required(spec, "strategy"))
    canary, blue_green = given(strategy, "canary"), given(strategy, "blueGreen")
    if not canary.exists and not blue_green.exists:
        strategy.refuse("says neither canary nor blueGreen")
    name, namespace = _named(document, accounts)
    is_canary = canary.exists
    if canary.exists and blue_green.exists:
        accounts.no_equal(blue_green, "a release has one strategy", "the canary beside it")
    chosen = an_object(canary if is_canary else blue_green)
    services = _services(chosen, name, accounts, is_canary=is_canary)
    measures = Measures()
    analyses = Analyses(document, accounts, measures, templates, services)
    moves = _canary(chosen, analyses, accounts) if is_canary else _blue_green(chosen, analyses, accounts)
    routing = given(chosen, "trafficRouting")
    _finish(measures, routing, Workload(namespace, name, name, name, name), accounts, is_canary=is_canary)
    health = _health(spec, blue_green if not is_canary else None, accounts)
    routes = read_routes(routing, namespace, name, services, accounts)
    if not is_routed(routing):
        accounts.chosen("targets[0].kind", "http-route: without trafficRouting Argo divides traffic by counting pods")
    targets = [target(route, cluster, accounts, health) for route in routes]
    for number, each in enumerate(targets[1:], start=2):
        each["name"] = f"{each['name'][:55]}-{number}"
    _account_rest(spec, accounts)
    return {
        "application": slug_of(name, "application"),
        "targets": targets,
        "strategy": moves,
        **measures.document(),
        **_deadlines(spec, accounts),
        **_keep_warm(chosen, accounts),
    }


def _required(part: Part, key: str) -> Part:
    child = given(part, key)
    if not child.exists:
        child.refuse("is missing")
    return child


def _named(document: Part, accounts: Accounts) -> tuple[str, str]:
    metadata = given_at(document, "metadata")
    part, reached = metadata.child("name"), given(metadata, "namespace")
    name = required_name(part)
    slug = slug_of(name, "application")
    accounts.becomes(part, "application" if slug == name else f"application, as {slug}: names here have no dots")
    accounts.becomes(reached, "the namespace in targets[0].resource")
    if not reached.exists:
        accounts.chosen("targets[0].resource.namespace", f"{DEFAULT_NAMESPACE}: the Rollout names none")
    return name, required_name(reached) if reached.exists else DEFAULT_NAMESPACE


def _services(strategy: Part, name: str, accounts: Accounts, *, is_canary: bool) -> tuple[str, str]:
    ping = an_object(given(strategy, "pingPong"))
    if is_canary and ping.exists:
        pairs = ((given(ping, "pingService"), "ping"), (given(ping, "pongService"), "pong"))
        for key in ("stableService", "canaryService"):
            accounts.not_needed(given(strategy, key), "pingPong beside it counts, as it does for Argo")
    elif is_canary:
        pairs = ((given(strategy, "stableService"), "stable"), (given(strategy, "canaryService"), "canary"))
    else:
        pairs = ((given(strategy, "activeService"), "active"), (given(strategy, "previewService"), "preview"))
    names = []
    for position, (part, role) in enumerate(pairs):
        own = required_name(part) if part.exists else f"{name}-{role}"
        accounts.becomes(part, f"targets[0].places[{position}]: a backend of the HTTPRoute. The two take turns")
        if not part.exists:
            accounts.chosen(f"targets[0].places[{position}]", f"{own}: the Rollout names no {role} Service. Make one")
        names.append(own)
    if names[0] == names[1] and names[0]:
        pairs[1][0].refuse("is the other Service too; allowed are two Services")
    return names[0], names[1]


def _canary(canary: Part, analyses: Analyses, accounts: Accounts) -> dict[str, Any]:
    background = given(canary, "analysis")
    if background.exists:
        analyses.read(background)
    return {"canary": read_steps(canary, lambda part: analyses.read(part), accounts)}


def _blue_green(strategy: Part, analyses: Analyses, accounts: Accounts) -> dict[str, Any]:
    before, after = given(strategy, "prePromotionAnalysis"), given(strategy, "postPromotionAnalysis")
    preview: dict[str, Any] = {}
    automatic = given(strategy, "autoPromotionEnabled")
    waited = given(strategy, "autoPromotionSeconds").exists
    if not flag(automatic, default=True) and not waited:
        preview["gate"] = endless_gate("promotion")
        accounts.becomes(
            automatic,
            "strategy.blueGreen.preview.gate: approve it at /api/applications/{application}/overrides. After 7d people "
            "are reminded, and it still waits",
        )
    else:
        accounts.becomes(automatic, "strategy.blueGreen without a gate")
    time = analyses.read(before, where="before the switch and after it") if before.exists else Decimal(0)
    if before.exists and analyses.measures.decides():
        preview["bake"] = _bake(time)
        accounts.chosen(
            "strategy.blueGreen.preview.bake",
            "the candidate is judged on what testers send to its own host, so something must send requests meanwhile",
        )
    time = analyses.read(after, where="before the switch and after it") if after.exists else Decimal(0)
    bake = {"bake": _bake(time)} if time else {}
    return {"blueGreen": {**({"preview": preview} if preview else {}), **bake}}


def _bake(time: Decimal) -> dict[str, Any]:
    least = min(max(time, Decimal(60)), Decimal(86_400 * 100))
    return {"min": duration_of(least), "max": duration_of(max(3 * least, Decimal(1800)))}


def _finish(measures: Measures, routing: Part, workload: Workload, accounts: Accounts, *, is_canary: bool) -> None:
    """Say where windows are read from, and keep guards that decide."""
    if measures.server is None:
        accounts.chosen(
            "metrics.source",
            "observations: nothing here names a Prometheus that could be asked. Push what users met (docs/guides/"
            "metric-sources.md), or name another source",
        )
    else:
        if measures.counters is None:
            mesh, known = mesh_of(routing)
            measures.count_by(counters(mesh, workload))
            accounts.chosen("metrics.source", f"requests are counted as {known} does; correct the selectors if need be")
        accounts.chosen(
            "metrics.source.versionLabel",
            f"{measures.version_label}: this label of the series must hold the version that is announced",
        )
    if not measures.has_guards:
        accounts.chosen("guards", "the default ones: errors, latency and share, each compared with the stable version")
        return
    if not measures.decides():
        measures.compare_errors()
        accounts.chosen("guards[errors]", "compares errors with the stable version: the others decide nothing")
    if is_canary:
        measures.guard_share(accounts)


def _health(spec: Part, blue_green: Part | None, accounts: Accounts) -> dict[str, Any]:
    """Return how often the candidate must be found well in a row, for as long as Argo would wait."""
    ready = given(spec, "minReadySeconds")
    automatic = given(blue_green, "autoPromotionSeconds") if blue_green is not None else ready
    times = [whole(ready, 0) or 0, whole(automatic, 0) or 0]
    words = "targets[].health: the candidate's place must be found well at every look of so long a time"
    accounts.becomes(ready, words)
    accounts.becomes(automatic, words if automatic.path == ready.path else f"{words}, then the switch comes")
    longest = max(times)
    if longest <= 0:
        return {}
    every = min(max(_LOOK_EVERY, -(-longest // (_MOST_LOOKS - 1))), _LONGEST_EVERY)
    return {"passes": min(-(-longest // every) + 1, _MOST_LOOKS), "every": duration_of(Decimal(every))}


def _deadlines(spec: Part, accounts: Accounts) -> dict[str, Any]:
    part, aborts = given(spec, "progressDeadlineSeconds"), given(spec, "progressDeadlineAbort")
    deadline = whole(part, None, most=30_000_000)
    accounts.becomes(part, "deadlines.preflight: how long the candidate may take to become ready")
    rolls_back = flag(aborts)
    accounts.becomes(aborts, f"deadlines.otherwise: {'rollback' if rolls_back else 'pause'}")
    if not deadline:
        return {"deadlines": {"otherwise": "rollback"}} if rolls_back else {}
    if not aborts.exists:
        accounts.chosen("deadlines.otherwise", "pause: Argo aborts after its deadline only with progressDeadlineAbort")
    otherwise = "rollback" if rolls_back else "pause"
    return {"deadlines": {"preflight": duration_of(Decimal(deadline)), "otherwise": otherwise}}


def _keep_warm(strategy: Part, accounts: Accounts) -> dict[str, Any]:
    part = given(strategy, "scaleDownDelaySeconds")
    warm = whole(part, None)
    if warm is None:
        return {}
    if warm > _LONGEST_WARM:
        accounts.no_equal(part, "a version is kept warm for 30 days at most", "keepWarm: 30d")
    else:
        accounts.becomes(part, "keepWarm: keep the old pods running so long")
    return {"keepWarm": duration_of(Decimal(min(warm, _LONGEST_WARM))) if warm else "0s"}


def _account_rest(spec: Part, accounts: Accounts) -> None:
    paused = given(spec, "paused")
    if flag(paused):
        accounts.no_equal(
            paused, "a release spec does not hold releases", "the override pause or freeze, which you send"
        )
    else:
        accounts.not_needed(paused, "nothing is paused")
    for name, part in members(given(spec, "resourcePlugin")):
        accounts.no_equal(part, f"no resource plugin is run ({name:.40})", "left out")
