"""A profile's users are divided as was asked: by Microsoft's client over sockets, in the sandbox and by a script."""

import json
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.traffic_manager.traffic_router import TrafficManagerRouter
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.spec import Located
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.sandbox import running_cloud
from tests.scripted_server import HangUp, Say, Silence, closed_port, scripted_server
from tests.traffic_manager_world import (
    PROFILE,
    PROFILE_ID,
    SPEC_TARGET,
    TARGET,
    ProfileWorld,
    endpoint,
    profile,
    profiles_at,
)

RECORDINGS = Path(__file__).parents[3] / "shared/payloads/azure-recordings/traffic-manager"
SUBNETS = RECORDINGS / "test_network_traffic_manager_subnet_routing.json"
BLUE, GREEN = endpoint("blue", 1000), endpoint("green", 1, enabled=False)
ARM_PATH = PROFILE_ID.replace("trafficManagerProfiles", "trafficmanagerprofiles")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def world(cloud):
    world = ProfileWorld(cloud)
    world.reset()
    return world


@pytest.mark.parametrize(
    ("share", "in_force", "settings"),
    [
        (0, 0, {"blue": ("Enabled", 1000), "green": ("Disabled", 1)}),
        (1, 100, {"blue": ("Enabled", 1000), "green": ("Enabled", 1)}),
        (5_000, 5_000, {"blue": ("Enabled", 950), "green": ("Enabled", 50)}),
        (33_333, 33_333, {"blue": ("Enabled", 666), "green": ("Enabled", 333)}),
        (99_999, 99_900, {"blue": ("Enabled", 1), "green": ("Enabled", 1000)}),
        (100_000, 100_000, {"blue": ("Disabled", 1000), "green": ("Enabled", 1)}),
    ],
)
def test_a_share_is_set_as_weights_and_read_as_they_round_it(world, share, in_force, settings):
    world.router.set_share(TARGET, Weight(share))

    assert world.router.read_share(TARGET) == in_force
    assert {name: setting[:2] for name, setting in world.settings().items()} == settings


@pytest.mark.parametrize("first", [1, 50_000, 100_000])
@pytest.mark.parametrize("second", [0, 5_000, 95_000, 100_000])
def test_a_share_can_follow_any_other(world, first, second):
    world.router.set_share(TARGET, Weight(first))
    world.router.set_share(TARGET, Weight(second))

    assert world.router.read_share(TARGET) == second


def test_other_endpoints_and_what_else_the_profile_says_stay_as_they_are(world):
    far = endpoint("far", 700, target="far.example.net", customHeaders=[{"name": "host", "value": "shop"}])
    green = world.green(5, alwaysServe="Enabled", endpointLocation="West US")
    world.put(world.blue(500), green, far, trafficViewEnrollmentStatus="Disabled")
    before = world.read()

    world.router.set_share(TARGET, Weight(5_000))

    expected = deepcopy(before)
    told = {entry["name"]: entry["properties"] for entry in expected["properties"]["endpoints"]}
    told["blue"] |= {"weight": 475}
    told["green"] |= {"weight": 25, "endpointStatus": "Enabled", "endpointMonitorStatus": "Unmonitored"}
    assert world.read() == expected


def test_by_priority_everyone_goes_to_the_candidate_and_back(world):
    spare = endpoint("far", 700, priority=3, target="far.example.net")
    world.put(world.blue(priority=1), world.green(priority=2, enabled=True), spare, method="Priority")
    before = world.read()

    world.router.set_share(TARGET, ALL)
    there = world.router.read_share(TARGET), {name: one[2] for name, one in world.settings().items()}
    world.router.set_share(TARGET, NONE)

    assert there == (ALL, {"blue": 2, "green": 1, "far": 3})
    assert world.router.read_share(TARGET) == NONE
    assert world.read() == before


def test_by_priority_a_candidate_that_was_disabled_is_enabled_to_serve(world):
    world.put(world.blue(priority=1), world.green(priority=2), method="Priority")

    world.router.set_share(TARGET, ALL)

    assert world.router.read_share(TARGET) == ALL
    assert world.settings()["green"] == ("Enabled", 1, 1)


def test_by_priority_a_share_between_is_refused_with_the_fix(world):
    world.put(world.blue(priority=1), world.green(priority=2, enabled=True), method="Priority")

    with pytest.raises(RejectedError, match=r"divides by priority.*not 5 %: change its routing method to Weighted"):
        world.router.set_share(TARGET, Weight(5_000))


@pytest.mark.parametrize("method", ["Performance", "Geographic", "MultiValue", "Subnet"])
def test_a_method_that_gives_no_share_is_refused_with_the_fix(world, method):
    world.put(world.blue(), world.green(), method=method)

    for act in (lambda: world.router.read_share(TARGET), lambda: world.router.set_share(TARGET, NONE)):
        with pytest.raises(RejectedError, match=f"divides by {method}.*Weighted, make that profile a nested endpoint"):
            act()


def test_what_the_health_checks_find_does_not_change_the_share_that_is_configured(world):
    """Otherwise a candidate that is passed over for a moment would look taken back, and come back by itself."""
    world.router.set_share(TARGET, Weight(5_000))

    world.order_health("green", "Degraded")

    assert world.router.read_share(TARGET) == 5_000


def test_before_the_places_are_found_nothing_is_moved(world):
    with pytest.raises(RejectedError, match="nobody has found yet"):
        world.router.set_share(SPEC_TARGET, NONE)


def test_an_endpoint_that_is_not_there_is_refused_with_the_names_of_those_that_are(world):
    gone = replace(TARGET, located=Located(stable="blue", candidate="teal"))

    with pytest.raises(RejectedError, match="has no endpoint teal; it has blue, green"):
        world.router.set_share(gone, NONE)


def test_a_profile_that_is_not_there_is_refused(world):
    with pytest.raises(RejectedError, match="ResourceNotFound"):
        world.router.read_share(replace(TARGET, resource=f"{PROFILE_ID}-gone"))


@pytest.mark.parametrize(
    ("kind", "error"), [("403", RejectedError), ("429", TryLaterError), ("500", TryLaterError), ("503", TryLaterError)]
)
def test_a_refused_write_leaves_everyone_where_they_were(world, kind, error):
    world.cloud.control.add_fault(on="management", kind=kind, method="PATCH", path="trafficmanagerprofiles", count=1)

    with pytest.raises(error):
        world.router.set_share(TARGET, Weight(5_000))

    assert world.router.read_share(TARGET) == NONE


def test_a_rollback_whose_answer_is_lost_has_taken_the_candidate_out(world):
    world.router.set_share(TARGET, Weight(50_000))
    world.cloud.control.add_fault(on="management", kind="502", method="PATCH", count=1, applied=True)

    with pytest.raises(TryLaterError):
        world.router.set_share(TARGET, NONE)

    assert world.router.read_share(TARGET) == NONE


@pytest.fixture
def arm():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def router(arm):
    return TrafficManagerRouter(profiles_at(arm.url))


def written(arm):
    return [(asked.method, asked.path.rpartition("/")[2], asked.json()["properties"]) for asked in arm.asked[1:]]


def test_what_is_so_already_is_not_written_again(arm, router):
    arm.play(Say(200, profile(endpoint("blue", 19), endpoint("green", 1))))

    router.set_share(TARGET, Weight(5_000))

    assert [asked.method for asked in arm.asked] == ["GET"]


def test_a_rollback_takes_the_candidate_out_by_one_call_that_names_nothing_else(arm, router):
    arm.play(Say(200, profile(endpoint("blue", 500), endpoint("green", 500))), Say(200, GREEN))

    router.set_share(TARGET, NONE)

    assert written(arm) == [("PATCH", "green", {"weight": 500, "endpointStatus": "Disabled"})]
    assert arm.asked[1].path == f"{ARM_PATH}/externalEndpoints/green"


def test_a_rollback_of_everyone_lets_the_stable_endpoint_in_before_the_candidate_goes(arm, router):
    arm.play(
        Say(200, profile(endpoint("blue", 1000, enabled=False), endpoint("green", 1))), Say(200, BLUE), Say(200, GREEN)
    )

    router.set_share(TARGET, NONE)

    assert written(arm) == [
        ("PATCH", "blue", {"weight": 1000, "endpointStatus": "Enabled"}),
        ("PATCH", "green", {"weight": 1, "endpointStatus": "Disabled"}),
    ]


def test_nothing_is_written_after_a_call_that_was_refused(arm, router):
    arm.play(
        Say(200, profile(endpoint("blue", 1), endpoint("green", 1, enabled=False))),
        Say(409, {"error": {"code": "Busy"}}),
    )

    with pytest.raises(TryLaterError, match="profile front: write its endpoint blue: HTTP 409, Busy"):
        router.set_share(TARGET, Weight(5_000))

    assert written(arm) == [("PATCH", "blue", {"weight": 950, "endpointStatus": "Enabled"})]


def test_a_profile_that_is_written_whole_goes_back_as_it_came_but_for_two_numbers(arm, router):
    endpoints = [
        endpoint("blue", priority=1, future="kept"),
        endpoint("green", priority=2, endpointMonitorStatus="Online"),
    ]
    before = profile(*endpoints, method="Priority", maxReturn=0)
    arm.play(Say(200, before), Say(200, before))

    router.set_share(TARGET, ALL)

    expected = deepcopy(before)
    del expected["properties"]["dnsConfig"]["fqdn"]
    expected["properties"]["endpoints"][0]["properties"]["priority"] = 2
    expected["properties"]["endpoints"][1]["properties"]["priority"] = 1
    assert (arm.asked[1].method, arm.asked[1].path) == ("PUT", ARM_PATH)
    assert arm.asked[1].json() == expected


@pytest.mark.parametrize("status", [408, 409, 412, 429, 500, 502, 503, 504])
def test_trouble_of_the_service_is_for_later(arm, router, status):
    arm.play(Say(status, {"error": {"code": "Busy", "message": "not now"}}, {"Retry-After": "37"}))

    with pytest.raises(TryLaterError, match=f"HTTP {status}, Busy: not now") as caught:
        router.set_share(TARGET, Weight(5_000))

    assert caught.value.after_seconds == 37
    assert len(arm.asked) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_a_refusal_is_for_good_and_says_why(arm, router, status):
    arm.play(
        Say(status, {"error": {"code": "No", "message": "a role is missing"}}, {"Location": "http://127.0.0.1:9/x"})
    )

    with pytest.raises(RejectedError, match="No: a role is missing"):
        router.read_share(TARGET)


def _without(document, *path):
    *parents, last = path
    part = document
    for name in parents:
        part = part[name]
    del part[last]
    return json.dumps(document).encode()


UNREADABLE = {
    "no JSON": b"<html>",
    "a list": b"[]",
    "no properties": b'{"properties": null}',
    "no method": _without(profile(BLUE, GREEN), "properties", "trafficRoutingMethod"),
    "no TTL": _without(profile(BLUE, GREEN), "properties", "dnsConfig", "ttl"),
    "an endpoint without a type": _without(profile(deepcopy(BLUE), GREEN), "properties", "endpoints", 0, "type"),
    "a weight that is no number": json.dumps(profile(endpoint("blue", "much"), GREEN)).encode(),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_answer_that_cannot_be_read_is_for_later(arm, router, body):
    arm.play(Say(200, body))

    with pytest.raises(TryLaterError, match="profile front"):
        router.set_share(TARGET, Weight(5_000))


def test_no_answer_is_for_later_and_not_waited_for_twice(arm, router, monkeypatch):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.2)
    arm.play(Silence())

    with pytest.raises(UnansweredError):
        router.read_share(TARGET)

    assert len(arm.asked) == 1


def test_a_call_that_broke_off_is_tried_once_more_at_once(arm, router):
    arm.play(HangUp(), Say(200, profile(BLUE, GREEN)))

    assert router.read_share(TARGET) == NONE


def test_a_call_that_breaks_off_twice_is_for_later(arm, router):
    arm.play(Say(200, profile(BLUE, GREEN)), HangUp())

    with pytest.raises(UnansweredError):
        router.set_share(TARGET, Weight(5_000))

    assert [asked.method for asked in arm.asked] == ["GET", "PATCH", "PATCH"]


def test_a_refused_connection_is_for_later():
    with pytest.raises(TryLaterError):
        TrafficManagerRouter(profiles_at(f"http://127.0.0.1:{closed_port()}")).read_share(TARGET)


def test_a_token_never_travels_over_plain_http_unless_that_is_allowed(arm):
    with pytest.raises(TryLaterError):
        TrafficManagerRouter(profiles_at(arm.url, allow_http=False)).read_share(TARGET)

    assert arm.asked == []


@pytest.mark.parametrize(
    "resource", ["", PROFILE, f"{PROFILE_ID}/azureEndpoints/blue", PROFILE_ID.replace("Network", "Web")]
)
def test_what_is_not_the_id_of_a_profile_is_rejected(router, resource):
    with pytest.raises(RejectedError, match="is not the resource id"):
        router.read_share(replace(TARGET, resource=resource))


def _recorded(path):
    return json.loads(path.read_text())["interactions"]


def _path(uri):
    return uri.partition("management.azure.com")[2].partition("?")[0]


@pytest.mark.skipif(not SUBNETS.exists(), reason="the recorded ARM traffic is not beside the project")
def test_an_endpoint_is_written_where_the_azure_cli_writes_it_with_fields_of_its_names(arm, router):
    """The tool puts the whole endpoint; of that we patch two members."""
    theirs = [pair for pair in _recorded(SUBNETS) if "/azureEndpoints/" in pair["request"]["uri"]]
    request = next(
        pair["request"] for pair in theirs if pair["request"]["body"] and "weight" in str(pair["request"]["body"])
    )
    answer = next(pair["response"]["body"] for pair in theirs if pair["request"]["method"] == "PUT")
    name = answer["name"]
    other = endpoint("other", 1, enabled=False)
    target = replace(
        TARGET,
        resource=_path(request["uri"]).partition("/azureEndpoints/")[0],
        located=Located(stable=name, candidate="other"),
    )
    arm.play(Say(200, profile(answer, other)), Say(200, answer), Say(200, other))

    router.set_share(target, Weight(5_000))

    mine = next(asked for asked in arm.asked if asked.path.endswith(f"/{name}"))
    assert (mine.method, mine.path) == ("PATCH", _path(request["uri"]))
    assert mine.json() == {"properties": {"weight": 950, "endpointStatus": "Enabled"}}
    assert set(mine.json()["properties"]) <= set(request["body"]["properties"])


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded ARM traffic is not beside the project")
def test_a_profile_is_read_where_the_azure_cli_reads_it(arm, router):
    read = [
        (pair["request"], pair["response"]["body"])
        for file in sorted(RECORDINGS.iterdir())
        for pair in _recorded(file)
        if pair["request"]["method"] == "GET" and "Endpoints/" not in pair["request"]["uri"]
    ]
    for request, answer in read:
        arm.play(Say(200, answer))

        with pytest.raises(RejectedError, match=f"profile {answer['name']} has no endpoint blue; it has none"):
            router.read_share(replace(TARGET, resource=_path(request["uri"])))

        assert (arm.asked[0].method, arm.asked[0].path) == (request["method"], _path(request["uri"]))
    assert len(read) >= 2


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded ARM traffic is not beside the project")
def test_the_profile_that_is_written_back_has_the_members_that_the_azure_cli_writes_back(arm, router):
    pairs = _recorded(RECORDINGS / "test_network_traffic_manager2.json")
    update = [pair["request"] for pair in pairs if pair["request"]["method"] == "PUT"][1]
    read = next(pair["response"]["body"] for pair in pairs if pair["request"]["method"] == "GET")
    two = [endpoint("blue", priority=1), endpoint("green", priority=2)]
    read["properties"] |= {"trafficRoutingMethod": "Priority", "endpoints": two}
    arm.play(Say(200, read), Say(200, read))

    router.set_share(replace(TARGET, resource=_path(update["uri"])), ALL)

    mine = arm.asked[1].json()
    assert (arm.asked[1].method, arm.asked[1].path) == (update["method"], _path(update["uri"]))
    assert set(mine) == set(update["body"])
    assert set(mine["properties"]) == set(update["body"]["properties"])
    assert set(mine["properties"]["dnsConfig"]) == set(update["body"]["properties"]["dnsConfig"])


def test_the_sdk_is_not_imported_before_it_is_needed():
    names = [f"shared.adapters.traffic_manager.{part}" for part in ("traffic_router", "places", "hosts")]
    code = f"import sys, {', '.join(names)}; print([m for m in ('azure.core', 'requests') if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
