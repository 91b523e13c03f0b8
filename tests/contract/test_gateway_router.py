"""The weights of an HTTPRoute, over the Kubernetes API of the sandbox, whose gateway really divides by them."""

import json
from dataclasses import replace
from math import sqrt

import pytest

from shared.adapters.gateway_api.traffic_router import GatewayRouter
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.spec import Located
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.kubernetes_cluster import BLUE, BOTH, GREEN, backend, clusters_at, rule, running_cluster

SHARES = [0, 1, 5_000, 33_333, 99_999, 100_000]
STATIC = rule(backend(BLUE, 3), backend("assets", 0), path="/static", timeouts={"request": "10s"})
MIRRORED = rule(
    backend("search", 7),
    path="/search",
    filters=[{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "X-A", "value": "ü"}]}}],
)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(running):
    running.reset()
    return running


@pytest.fixture
def router(cluster):
    return GatewayRouter(clusters_at(cluster.server))


@pytest.mark.parametrize("share", SHARES)
def test_the_share_that_was_set_is_the_share_in_force_to_the_last_thousandth(cluster, router, share):
    router.set_share(cluster.target, Weight(50_000))

    router.set_share(cluster.target, Weight(share))

    assert router.read_share(cluster.target) == share
    assert [one["weight"] for one in cluster.rules()[0]["backendRefs"]] == [100_000 - share, share]


def test_a_route_that_was_never_divided_sends_nothing_to_the_candidate(cluster, router):
    assert router.read_share(cluster.target) == NONE


def test_a_weight_that_is_left_out_is_one(cluster, router):
    cluster.put_route(rule(backend(BLUE), backend(GREEN)))

    assert router.read_share(cluster.target) == 50_000


def test_what_is_so_already_is_not_written_again(cluster, router):
    cluster.put_route(rule(backend(BLUE, 3), backend(GREEN, 1)))
    before = cluster.route()

    router.set_share(cluster.target, Weight(25_000))

    assert cluster.route() == before


def test_other_rules_and_backends_stay_as_they_were_byte_for_byte(cluster, router):
    cluster.put_route(STATIC, MIRRORED, BOTH)
    before = cluster.rules()

    for share in SHARES:
        router.set_share(cluster.target, Weight(share))

    after = cluster.rules()
    assert json.dumps(after[:2]) == json.dumps(before[:2])
    weights = [one.pop("weight") for rules in (before, after) for one in rules[2]["backendRefs"]]
    assert (weights, json.dumps(before)) == ([1, 0, 0, 100_000], json.dumps(after))


def test_each_rule_that_names_both_gets_the_share(cluster, router):
    cluster.put_route(rule(backend(BLUE, 1), backend(GREEN, 0), path="/api"), STATIC, BOTH)

    router.set_share(cluster.target, Weight(25_000))

    weights = [[one["weight"] for one in found["backendRefs"]] for found in cluster.rules()]
    assert weights == [[75_000, 25_000], [3, 0], [75_000, 25_000]]


def test_the_largest_share_of_any_rule_is_the_one_in_force(cluster, router):
    cluster.put_route(
        rule(backend(BLUE, 97), backend(GREEN, 3), path="/api"), rule(backend(BLUE, 2), backend(GREEN, 1))
    )

    assert router.read_share(cluster.target) == 33_334, "a third is told rounded up, never down"


def test_the_candidate_is_whichever_backend_waits(cluster, router):
    target = replace(cluster.target, located=Located(stable=GREEN, candidate=BLUE))
    cluster.put_route(rule(backend(BLUE, 0), backend(GREEN, 1)))

    router.set_share(target, Weight(5_000))

    assert router.read_share(target) == 5_000
    assert [one["weight"] for one in cluster.rules()[0]["backendRefs"]] == [5_000, 95_000]


def test_what_another_writes_between_our_look_and_our_patch_survives_beside_ours(cluster, router):
    theirs = [{"op": "add", "path": "/spec/rules/0", "value": STATIC}]
    cluster.control("POST", "faults", {"kind": "overtaken", "method": "PATCH", "patch": theirs})

    router.set_share(cluster.target, Weight(5_000))

    static, both = cluster.rules()
    assert [one["weight"] for one in both["backendRefs"]] == [95_000, 5_000]
    assert [one["weight"] for one in static["backendRefs"]] == [3, 0]
    assert router.read_share(cluster.target) == 5_000


def test_a_rule_that_another_puts_before_ours_meanwhile_gets_its_share_beside_ours(cluster, router):
    theirs = [{"op": "add", "path": "/spec/rules/0", "value": rule(backend(BLUE, 1), backend(GREEN, 0), path="/new")}]
    cluster.control("POST", "faults", {"kind": "overtaken", "method": "PATCH", "patch": theirs})

    router.set_share(cluster.target, Weight(5_000))

    assert [[one["weight"] for one in found["backendRefs"]] for found in cluster.rules()] == [[95_000, 5_000]] * 2


def test_a_route_that_others_never_stop_writing_is_for_later(cluster, router):
    theirs = [{"op": "add", "path": "/spec/hostnames", "value": ["a.example"]}]
    endless = [*theirs, {"op": "copy", "from": "/metadata/resourceVersion", "path": "/metadata/labels/seen"}]
    cluster.put_route(BOTH, labels={"seen": "none"})
    order = {"kind": "overtaken", "method": "PATCH", "patch": endless, "count": 100}
    cluster.control("POST", "faults", order)

    with pytest.raises(TryLaterError, match="HTTPRoute default/shop"):
        router.set_share(cluster.target, Weight(5_000))

    assert cluster.rules()[0]["backendRefs"][1]["weight"] == 0


def test_a_status_that_is_written_at_the_same_time_is_no_obstacle(cluster, router):
    cluster.control("POST", "gateway", {"lag_seconds": 0})

    for share in range(1_000, 21_000, 1_000):
        router.set_share(cluster.target, Weight(share))

    assert router.read_share(cluster.target) == 20_000


def test_no_answer_to_a_patch_that_was_carried_out_is_not_carried_out_twice(cluster, router):
    cluster.control("POST", "faults", {"kind": "drop", "method": "PATCH", "applied": True})
    before = cluster.route()["metadata"]["generation"]

    router.set_share(cluster.target, Weight(5_000))

    assert router.read_share(cluster.target) == 5_000
    assert cluster.route()["metadata"]["generation"] == before + 1


def test_a_patch_that_was_lost_on_the_way_is_sent_again(cluster, router):
    cluster.control("POST", "faults", {"kind": "drop", "method": "PATCH"})

    router.set_share(cluster.target, Weight(5_000))

    assert router.read_share(cluster.target) == 5_000


def test_what_the_gateway_has_not_taken_up_is_not_in_force(cluster, router, monkeypatch):
    monkeypatch.setattr("shared.adapters.gateway_api.route_calls._TAKING_UP_SECONDS", 0.2)
    cluster.control("POST", "gateway", {"lag_seconds": 60})
    router.set_share(cluster.target, Weight(5_000))

    with pytest.raises(TryLaterError, match="shop-gateway has not taken up its generation 2 yet"):
        router.read_share(cluster.target)

    cluster.control("POST", "gateway", {"lag_seconds": 0.02})


def test_another_backend_that_gets_requests_forbids_a_share_and_never_the_way_back(cluster, router):
    cluster.put_route(rule(backend(BLUE, 0), backend(GREEN, 1), backend("third", 1)))

    with pytest.raises(RejectedError, match="rule 0 sends requests to third too"):
        router.set_share(cluster.target, Weight(5_000))

    router.set_share(cluster.target, NONE)
    assert [one["weight"] for one in cluster.rules()[0]["backendRefs"]] == [100_000, 0, 1]


def test_a_route_without_both_backends_is_rejected_with_the_fix(cluster, router):
    cluster.put_route(rule(backend(BLUE, 1)))

    with pytest.raises(RejectedError, match="no rule names both shop-blue and shop-green any more: put them back"):
        router.set_share(cluster.target, Weight(5_000))


def test_a_target_whose_places_were_not_found_is_rejected(cluster, router):
    with pytest.raises(RejectedError, match="aks: which backend"):
        router.read_share(replace(cluster.target, located=None))


@pytest.mark.parametrize("share", [0, 5_000, 33_333, 100_000])
def test_fresh_clients_are_divided_as_the_share_says(cluster, router, share):
    router.set_share(cluster.target, Weight(share))
    cluster.wait_until_taken_up()
    requests = 1_500

    seen = cluster.ask(requests)

    wanted = share / ALL
    assert seen.total() == seen["1"] + seen["2"] == requests
    assert abs(seen["2"] / requests - wanted) <= 3 * sqrt(wanted * (1 - wanted) / requests)
