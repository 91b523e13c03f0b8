"""Requests that bear a mark go to the candidate whatever its share, by rules of an HTTPRoute that a gateway obeys."""

import json
from dataclasses import replace

import pytest

from shared.adapters.gateway_api.audience import GatewayAudience
from shared.adapters.gateway_api.places import GatewayPlaces
from shared.adapters.gateway_api.traffic_router import GatewayRouter
from shared.domain.errors import RejectedError
from shared.domain.names import Version
from shared.domain.rollout.spec import Located
from shared.domain.rollout.weight import NONE, Weight
from shared.ports.audience import CarriedIn, RequestMark
from tests.kubernetes_cluster import BLUE, BOTH, GREEN, PATH, backend, clusters_at, rule, running_cluster

HEADER = RequestMark(carried_in=CarriedIn.HEADER, name="X-Preview", value="of version 2")
COOKIE = RequestMark(carried_in=CarriedIn.COOKIE, name="preview.1", value="a+b/c==")
LONGER = rule(
    backend(BLUE, 1),
    backend(GREEN, 0),
    path="/checkout",
    name="checkout",
    filters=[{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "X-A", "value": "b"}]}}],
)
STATIC = rule(backend(BLUE, 1), path="/healthz")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(running):
    running.reset()
    running.put_route(STATIC, LONGER, BOTH)
    return running


@pytest.fixture
def audience(cluster):
    return GatewayAudience(clusters_at(cluster.server))


def marked(mark):
    if mark.carried_in is CarriedIn.HEADER:
        return {mark.name: mark.value}
    return {"Cookie": f"session=1; {mark.name}={mark.value}; theme=dark"}


@pytest.mark.parametrize("mark", [HEADER, COOKIE], ids=["header", "cookie"])
def test_marked_requests_reach_the_candidate_on_every_divided_path_and_no_others_do(cluster, audience, mark):
    audience.set_audience(cluster.target, mark)
    cluster.wait_until_taken_up()

    assert audience.read_audience(cluster.target) == mark
    for path in ("/version", "/checkout"):
        assert cluster.ask(20, path, marked(mark)) == {"2": 20}
        assert cluster.ask(20, path) == {"1": 20}
        assert cluster.ask(5, path, marked(replace(mark, value=mark.value + "x"))) == {"1": 5}
    assert cluster.ask(5, "/healthz", marked(mark)) == {"1": 5}, "a rule that is not divided has no audience"


def test_a_target_without_an_audience_has_none(cluster, audience):
    assert audience.read_audience(cluster.target) is None


@pytest.mark.parametrize("mark", [HEADER, COOKIE], ids=["header", "cookie"])
@pytest.mark.parametrize("rule_names", [True, False], ids=["names of rules", "an older API"])
def test_taking_the_audience_away_leaves_exactly_what_was(cluster, audience, mark, rule_names):
    cluster.control("POST", "gateway", {"rule_names": rule_names})
    cluster.put_route(STATIC, LONGER, BOTH, annotations={"team": "shop"}, labels={"a": "b"})
    before = cluster.route()

    audience.set_audience(cluster.target, mark)
    assert audience.read_audience(cluster.target) == mark
    assert len(cluster.rules()) == 5
    audience.set_audience(cluster.target, None)

    after = cluster.route()
    assert json.dumps(after["spec"]) == json.dumps(before["spec"])
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
    assert audience.read_audience(cluster.target) is None


def test_a_route_without_annotations_has_none_afterwards_either(cluster, audience):
    audience.set_audience(cluster.target, HEADER)
    audience.set_audience(cluster.target, None)

    assert "annotations" not in cluster.route()["metadata"]


@pytest.mark.parametrize("rule_names", [True, False], ids=["names of rules", "an older API"])
def test_one_audience_takes_the_place_of_another(cluster, audience, rule_names):
    cluster.control("POST", "gateway", {"rule_names": rule_names})
    audience.set_audience(cluster.target, HEADER)

    audience.set_audience(cluster.target, COOKIE)

    assert audience.read_audience(cluster.target) == COOKIE
    assert len(cluster.rules()) == 5, "none of the rules for the first one is left"


@pytest.mark.parametrize("rule_names", [True, False], ids=["names of rules", "an older API"])
@pytest.mark.parametrize("mark", [HEADER, None], ids=["some", "none"])
def test_setting_the_same_audience_twice_writes_once(cluster, audience, rule_names, mark):
    cluster.control("POST", "gateway", {"rule_names": rule_names})
    audience.set_audience(cluster.target, mark)
    cluster.wait_until_taken_up()
    before = cluster.route()

    audience.set_audience(cluster.target, mark)

    assert cluster.route() == before


def test_the_rules_stand_first_with_everything_of_the_rule_that_they_repeat(cluster, audience):
    audience.set_audience(cluster.target, HEADER)

    twins = cluster.rules()[:2]
    assert [twin["name"] for twin in twins] == ["slipway-audience-0", "slipway-audience-1"]
    assert twins[0]["filters"] == LONGER["filters"]
    assert [[(one["name"], one["weight"]) for one in twin["backendRefs"]] for twin in twins] == [[(GREEN, 1)]] * 2


def test_share_and_audience_do_not_know_each_other(cluster, audience):
    router = GatewayRouter(clusters_at(cluster.server))
    router.set_share(cluster.target, Weight(25_000))
    audience.set_audience(cluster.target, HEADER)
    router.set_share(cluster.target, NONE)
    cluster.wait_until_taken_up()

    assert (router.read_share(cluster.target), audience.read_audience(cluster.target)) == (NONE, HEADER)
    assert cluster.ask(20, headers=marked(HEADER)) == {"2": 20}
    assert cluster.ask(20) == {"1": 20}


@pytest.mark.parametrize("rule_names", [True, False], ids=["names of rules", "an older API"])
def test_the_audience_of_an_earlier_rollout_is_found_when_the_places_have_changed_over(cluster, audience, rule_names):
    cluster.control("POST", "gateway", {"rule_names": rule_names})
    audience.set_audience(cluster.target, HEADER)
    next_one = replace(cluster.target, located=Located(stable=GREEN, candidate=BLUE))

    assert audience.read_audience(next_one) == HEADER
    audience.set_audience(next_one, COOKIE)
    cluster.wait_until_taken_up()

    assert len(cluster.rules()) == 5
    assert [rule["backendRefs"][0]["name"] for rule in cluster.rules()[:2]] == [BLUE, BLUE]


@pytest.mark.parametrize("rule_names", [True, False], ids=["names of rules", "an older API"])
def test_a_rule_of_others_that_looks_like_ours_is_left_alone(cluster, audience, rule_names):
    cluster.control("POST", "gateway", {"rule_names": rule_names})
    match = {"path": {"type": "PathPrefix", "value": "/"}, "headers": [{"name": "X-Team", "value": "us"}]}
    cluster.put_route({"matches": [match], "backendRefs": [backend(GREEN, 1)]}, BOTH)
    before = cluster.rules()

    audience.set_audience(cluster.target, HEADER)
    audience.set_audience(cluster.target, None)

    assert cluster.rules() == before


def test_what_another_writes_between_our_look_and_our_patch_survives_beside_ours(cluster, audience):
    theirs = [{"op": "add", "path": "/spec/rules/0", "value": rule(backend(BLUE, 1), path="/new")}]
    cluster.control("POST", "faults", {"kind": "overtaken", "method": "PATCH", "patch": theirs})

    audience.set_audience(cluster.target, HEADER)

    paths = [found["matches"][0]["path"]["value"] for found in cluster.rules()]
    assert paths == ["/checkout", "/", "/new", "/healthz", "/checkout", "/"]


def test_an_audience_does_not_hide_who_is_stable(cluster, audience):
    audience.set_audience(cluster.target, HEADER)
    cluster.wait_until_taken_up()

    found = GatewayPlaces(clusters_at(cluster.server)).find_places(replace(cluster.target, located=None), Version("2"))

    assert (found.stable, found.candidate) == (BLUE, GREEN)


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        (replace(HEADER, name="X Preview"), "no name of a header"),
        (replace(HEADER, name="Cookie"), "that of cookies"),
        (replace(HEADER, value=""), "1 to 4096 visible"),
        (replace(HEADER, value="a\r\nHost: b"), "1 to 4096 visible"),
        (replace(COOKIE, name="a=b"), "a name and a value as cookies can have"),
        (replace(COOKIE, value="a;b"), "a name and a value as cookies can have"),
    ],
    ids=["name", "cookies", "empty", "two lines", "cookie's name", "cookie's value"],
)
def test_a_mark_that_cannot_be_matched_is_rejected(cluster, audience, mark, says):
    before = cluster.rules()

    with pytest.raises(RejectedError, match=f"HTTPRoute default/shop: .*{says}"):
        audience.set_audience(cluster.target, mark)

    assert cluster.rules() == before


def test_a_header_that_a_rule_matches_itself_is_rejected(cluster, audience):
    match = {"path": {"type": "PathPrefix", "value": "/"}, "headers": [{"name": "x-preview", "value": "1"}]}
    cluster.put_route({**BOTH, "matches": [match]})

    with pytest.raises(RejectedError, match="rule 0 matches the header X-Preview itself"):
        audience.set_audience(cluster.target, HEADER)


def test_a_route_that_has_no_room_for_more_rules_is_rejected_in_the_apis_words(cluster, audience):
    cluster.put_route(*(rule(backend(BLUE, 1), backend(GREEN, 0), path=f"/{number}") for number in range(9)))

    with pytest.raises(RejectedError, match="must have at most 16 items"):
        audience.set_audience(cluster.target, HEADER)


def test_rules_by_hand_between_ours_and_the_others_are_put_right(cluster, audience):
    audience.set_audience(cluster.target, HEADER)
    cluster.call(
        "PATCH",
        PATH,
        [{"op": "move", "from": "/spec/rules/0", "path": "/spec/rules/4"}],
        **{"Content-Type": "application/json-patch+json"},
    )

    audience.set_audience(cluster.target, HEADER)

    assert [found.get("name") for found in cluster.rules()] == [
        "slipway-audience-0",
        "slipway-audience-1",
        None,
        "checkout",
        None,
    ]
