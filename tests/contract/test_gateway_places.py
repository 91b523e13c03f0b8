"""Finding the two backends of an HTTPRoute, and refusing what would not stay as it is set."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.gateway_api.located import host_of
from shared.adapters.gateway_api.places import GatewayPlaces
from shared.adapters.gateway_api.traffic_router import GatewayRouter
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.spec import Located, NamedPlace, Place
from shared.domain.rollout.weight import Weight
from tests.kubernetes_cluster import (
    BLUE,
    BOTH,
    GREEN,
    LOCATED,
    PATH,
    backend,
    clusters_at,
    rule,
    running_cluster,
    target_at,
)

TWO = Version("2")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(running):
    running.reset()
    return running


def find(cluster):
    return GatewayPlaces(clusters_at(cluster.server)).find_places(target_at(cluster.server), TWO)


def test_who_serves_most_is_stable_and_the_other_is_the_candidates(cluster):
    assert find(cluster) == Located(stable=BLUE, candidate=GREEN, settles=timedelta(seconds=5))


def test_after_a_promotion_the_two_take_turns(cluster):
    GatewayRouter(clusters_at(cluster.server)).set_share(cluster.target, Weight(100_000))
    cluster.wait_until_taken_up()

    found = find(cluster)

    assert (found.stable, found.candidate) == (GREEN, BLUE)


def test_rules_that_stay_and_requests_that_go_there_already_are_told(cluster):
    cluster.put_route(rule(backend(BLUE, 1), path="/static"), rule(backend(BLUE, 9), backend(GREEN, 1)))

    says = find(cluster).says

    assert says == "rules that do not name both backends stay as they are: 0; shop-green gets requests already"


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([rule(backend(BLUE, 1))], "no rule names both shop-blue and shop-green .*there are shop-blue.*weight 0"),
        ([rule(backend(BLUE), backend(GREEN))], "rule 0 divides equally"),
        ([rule(backend(BLUE, 0), backend(GREEN, 0))], "rule 0 gives both .* weight 0"),
        ([BOTH, rule(backend(BLUE, 1), backend(GREEN, 2), path="/api")], "rules disagree on who serves most"),
        ([rule(backend(BLUE, 1), backend(GREEN, 0), backend("third", 1))], "rule 0 sends requests to third too"),
        ([rule(backend(BLUE, 1), backend(GREEN, 0), backend(GREEN, 0))], "rule 0 names shop-green twice"),
    ],
    ids=["one alone", "half each", "nothing", "disagree", "a third", "twice"],
)
def test_a_route_that_cannot_be_divided_is_rejected_with_the_rule_and_the_fix(cluster, rules, says):
    cluster.put_route(*rules)

    with pytest.raises(RejectedError, match=f"HTTPRoute default/shop: {says}"):
        find(cluster)


def test_another_backend_without_requests_is_no_obstacle(cluster):
    cluster.put_route(rule(backend(BLUE, 1), backend(GREEN, 0), backend(BLUE + "-old", 0)))

    with pytest.raises(TryLaterError, match="shop-blue-old not found"):
        find(cluster)


def test_a_gateway_that_has_not_taken_up_the_route_is_for_later(cluster):
    cluster.control("POST", "gateway", {"lag_seconds": 60})
    patch = [{"op": "add", "path": "/spec/hostnames", "value": ["shop.example"]}]
    cluster.call("PATCH", PATH, patch, **{"Content-Type": "application/json-patch+json"})

    with pytest.raises(TryLaterError, match="shop-gateway has not said Accepted of its generation 2 yet"):
        find(cluster)


def test_a_route_that_no_gateway_accepts_is_for_later(cluster):
    cluster.control("POST", "gateway", {"accepts": False})
    cluster.put_route(BOTH)

    with pytest.raises(TryLaterError, match="shop-gateway says it is not Accepted, NotAllowedByListeners"):
        find(cluster)


def test_a_route_whose_backend_is_not_there_is_for_later(cluster):
    cluster.put_route(BOTH, rule(backend("gone", 1), path="/gone"))

    with pytest.raises(TryLaterError, match="not ResolvedRefs, BackendNotFound: Service gone not found"):
        find(cluster)


def test_a_route_of_no_gateway_is_for_later(cluster):
    route = cluster.route()
    del route["spec"]["parentRefs"], route["metadata"]["resourceVersion"]
    cluster.call("PUT", PATH, route)

    with pytest.raises(TryLaterError):
        find(cluster)


ARGO = "ignoreDifferences with jsonPointers \\[/spec/rules\\].*RespectIgnoreDifferences=true and ServerSideApply=true"
FLUX = "kustomize.toolkit.fluxcd.io/ssa: IfNotPresent.*spec.ignore"


@pytest.mark.parametrize(
    ("manager", "metadata", "says"),
    [
        ("argocd-controller", {}, f"Argo CD applies this route.*{ARGO}"),
        ("kubectl", {"annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}}, f"Argo CD .*{ARGO}"),
        ("kustomize-controller", {}, f"Flux applies this route.*{FLUX}"),
        ("kubectl", {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, f"Flux applies this route.*{FLUX}"),
        ("helm-controller", {}, "a Flux HelmRelease .*driftDetection.ignore"),
        ("helm", {"annotations": {"meta.helm.sh/release-name": "shop"}}, "Helm applies this route.*its chart"),
        (
            "flagger",
            {
                "ownerReferences": [
                    {"controller": True, "kind": "Canary", "name": "shop", "uid": "1", "apiVersion": "v1"}
                ]
            },
            "Canary shop made this route",
        ),
    ],
    ids=["Argo CD", "Argo CD by mark", "Flux", "Flux by mark", "Flux Helm", "Helm", "a controller"],
)
def test_a_route_whose_rules_another_tool_puts_back_is_rejected_with_the_fix(cluster, manager, metadata, says):
    cluster.put_route(BOTH, manager=manager, **metadata)

    with pytest.raises(RejectedError, match=f'HTTPRoute default/shop: {says}.*slipway/divides: "true"'):
        find(cluster)

    annotations = {**metadata.get("annotations", {}), "slipway/divides": "true"}
    cluster.put_route(BOTH, manager=manager, **{**metadata, "annotations": annotations})
    assert find(cluster).stable == BLUE


@pytest.mark.parametrize(("mark", "value"), [("ssa", "IfNotPresent"), ("ssa", "Ignore"), ("reconcile", "disabled")])
def test_a_route_that_flux_is_seen_to_leave_alone_is_ours_to_divide(cluster, mark, value):
    cluster.put_route(
        BOTH,
        manager="kustomize-controller",
        labels={"kustomize.toolkit.fluxcd.io/name": "shop"},
        annotations={f"kustomize.toolkit.fluxcd.io/{mark}": value},
    )

    assert find(cluster).stable == BLUE


def test_a_tool_that_owns_other_fields_of_the_route_is_no_obstacle(cluster):
    route = cluster.route()
    route["spec"]["hostnames"] = ["shop.example"]
    del route["metadata"]["resourceVersion"]
    assert cluster.call("PUT", f"{PATH}?fieldManager=argocd-controller", route).status == 200
    cluster.wait_until_taken_up()

    assert find(cluster).stable == BLUE


@pytest.mark.parametrize(("place", "host"), [(Place.PRODUCTION, "blue.example"), (Place.CANDIDATE, "green.example")])
def test_a_places_host_is_that_which_the_spec_names_for_its_backend(place, host):
    target = replace(target_at("https://a.example"), located=LOCATED)

    assert host_of(target, place) == host


def test_a_place_without_a_host_is_rejected_with_the_fix():
    places = (NamedPlace(name=BLUE, host="blue.example"), NamedPlace(name=GREEN))
    target = replace(target_at("https://a.example"), located=LOCATED, places=places)

    with pytest.raises(RejectedError, match=r"aks: places names no host for shop-green.*add host to it"):
        host_of(target, Place.CANDIDATE)
