"""A spec that asks for what its targets cannot do is refused when it is read, with the field and the reason."""

from typing import Any

import pytest

from shared.wire.spec import parse_spec
from tests.unit.wire.spec_documents import SMALLEST, body_of, refused
from tests.unit.wire.spec_source_documents import SITE

PROVIDERS = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop/providers"
GATEWAY = f"{PROVIDERS}/Microsoft.Network/applicationGateways/edge"
WORKSPACE = "11111111-2222-3333-4444-555555555555"
TARGETS: dict[str, dict[str, Any]] = {
    "app-service-slot": {"resource": SITE, "slot": "candidate"},
    "container-app": {"resource": f"{PROVIDERS}/Microsoft.App/containerApps/shop"},
    "traffic-manager": {
        "resource": f"{PROVIDERS}/Microsoft.Network/trafficManagerProfiles/shop",
        "places": ["blue", "green"],
    },
    "http-route": {
        "resource": "https://k8s.example.org/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop",
        "places": [{"name": "blue", "host": "blue.example.org"}, {"name": "green", "host": "green.example.org"}],
    },
    "feature-flag": {"resource": "flag:production/new-checkout#region:eu", "variant": "on"},
}
STRATEGIES: dict[str, dict[str, Any]] = {
    "canary": {"canary": {"steps": [0.5, 12.5, 50]}},
    "switch": {"blueGreen": {"preview": {"gate": {"name": "qa"}}}},
}


def document(*kinds: str, strategy: str = "canary", source: dict[str, Any] | None = None, **changes: Any) -> Any:
    targets = [{"name": f"t{at}", "kind": kind, **TARGETS[kind]} for at, kind in enumerate(kinds)]
    metrics = {"metrics": {"source": source or {"kind": "observations"}}}
    return SMALLEST | {"targets": targets, "strategy": STRATEGIES[strategy]} | metrics | changes


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", TARGETS)
def test_every_strategy_works_on_every_kind_of_target(kind, strategy):
    assert parse_spec(body_of(document(kind, strategy=strategy))).targets[0].kind == kind


def test_they_may_be_mixed():
    assert len(parse_spec(body_of(document(*TARGETS))).targets) == 5


@pytest.mark.parametrize("kind", ["traffic-manager", "http-route", "feature-flag"])
def test_what_has_no_metrics_by_version_needs_a_resource_that_has(kind):
    source = {"kind": "azure-monitor", "splitBy": "BackendVersion"}

    [problem] = refused(document("container-app", kind, source=source))

    assert problem.path == "metrics.source.resource"
    assert problem.message.startswith(f"is missing: {kind} count no requests of a version; allowed is ")
    assert parse_spec(body_of(document(kind, source=source | {"resource": GATEWAY})))


@pytest.mark.parametrize("kind", ["container-app", "traffic-manager", "http-route", "feature-flag"])
def test_telemetry_is_told_apart_by_place_on_sites_only(kind):
    source = {"kind": "log-analytics", "workspace": WORKSPACE, "splitBy": "place"}

    [problem] = refused(document("app-service-slot", kind, source=source))

    assert problem.path == "metrics.source.splitBy"
    assert kind in problem.message
    assert problem.message.endswith("allowed is version, role or revision")
    assert parse_spec(body_of(document("app-service-slot", source=source)))
    assert parse_spec(body_of(document(kind, source=source | {"splitBy": "version"})))


def test_only_a_canary_has_a_first_step_to_make_bigger():
    judgement = {"lowTraffic": "bigger-first-step"}

    [problem] = refused(document("app-service-slot", strategy="switch", judgement=judgement))

    assert problem.path == "judgement.lowTraffic"
    assert problem.message.endswith("allowed is hold, extend or ask")
    assert parse_spec(body_of(document("app-service-slot", judgement=judgement)))


@pytest.mark.parametrize("kind", TARGETS)
def test_only_where_no_deployment_overwrites_the_candidate_may_one_wait_its_turn(kind):
    queued = document(kind, whenBusy="queue")

    if kind == "app-service-slot":
        assert [problem.path for problem in refused(queued)] == ["whenBusy"]
    else:
        assert parse_spec(body_of(queued))
