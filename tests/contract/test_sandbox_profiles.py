"""The sandbox's Traffic Manager: Microsoft's client manages it, and its name server really divides users."""

import asyncio

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from local.cloud.traffic_manager.resolver import NameServer, NoSuchNameError, Resolver
from shared.domain.rollout.weight import NONE, Weight
from tests.sandbox import RESOURCE_GROUP, TOKEN, fetch, running_cloud
from tests.traffic_manager_world import NAME, PROFILE, PROFILE_ID, TARGET, TTL, ProfileWorld, endpoint, profile

REQUESTS = 2_000


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud"), seed=7) as cloud:
        cloud.control.deploy("2")
        yield cloud


@pytest.fixture
def world(cloud):
    world = ProfileWorld(cloud)
    world.reset()
    return world


def patch(world, name, kind="AzureEndpoints", **properties):
    return world.client.endpoints.update(RESOURCE_GROUP, PROFILE, kind, name, {"properties": properties}).as_dict()


def answers(world):
    return world.cloud.control.call("GET", f"profiles/{PROFILE}")["answers"]


def standard_error(share, draws):
    return (share * (1 - share) / draws) ** 0.5


@pytest.mark.parametrize("share", [1_000, 5_000, 33_333, 95_000])
def test_the_share_of_fresh_resolvers_is_the_share_that_was_set(world, share):
    world.router.set_share(TARGET, Weight(share))

    met = world.send(REQUESTS)

    part = share / 100_000
    assert sum(tally.requests for tally in met.values()) == REQUESTS
    assert abs(met["2"].requests / REQUESTS - part) <= 3 * standard_error(part, REQUESTS)


@pytest.mark.parametrize(("share", "version"), [(0, "1"), (100_000, "2")])
def test_nothing_and_everything_have_no_exceptions(world, share, version):
    world.router.set_share(TARGET, Weight(share))

    assert set(world.send(200)) == {version}


def test_a_resolver_asks_once_for_all_its_users_while_its_answer_lives(world):
    world.router.set_share(TARGET, Weight(50_000))
    before = sum(answers(world).values())

    met = world.send(400, resolvers=16)

    assert sum(tally.requests for tally in met.values()) == 400
    # 16 at once: a resolver that is still waiting may be asked by its next user too.
    assert 16 <= sum(answers(world).values()) - before <= 64


def test_after_a_rollback_cached_answers_still_lead_to_the_candidate_but_not_beyond_their_life(world):
    now = 0.0
    world.router.set_share(TARGET, Weight(100_000))
    candidate = world.cloud.slots["candidate"].removeprefix("http://")

    async def story():
        nonlocal now
        server = NameServer(world.cloud.management)
        cached = Resolver(server, clock=lambda: now)
        met = [await cached.resolve(NAME)]
        world.router.set_share(TARGET, NONE)
        now = TTL - 0.001
        met += [await cached.resolve(NAME), await Resolver(server, clock=lambda: now).resolve(NAME)]
        now = TTL
        met.append(await cached.resolve(NAME))
        server.close()
        return met

    stable = world.cloud.edge.removeprefix("http://")
    assert asyncio.run(story()) == [candidate, candidate, stable, stable]


def test_an_endpoint_whose_checks_fail_is_passed_over_until_all_do(world):
    world.put(world.blue(500), world.green(500, enabled=True))

    world.order_health("blue", "Degraded")
    one = set(world.send(50))
    world.order_health("green", "Degraded")
    both = set(world.send(50))

    assert one == {"2"}
    assert both == {"1", "2"}
    assert world.read()["properties"]["monitorConfig"]["profileMonitorStatus"] == "Degraded"


@pytest.mark.parametrize("endpoints", ["disabled", "stopped"])
def test_a_name_that_leads_to_nobody_is_answered_so(world, endpoints):
    if endpoints == "disabled":
        world.put(world.blue(enabled=False), world.green())
    else:
        world.order_health("blue", "Stopped")

    with pytest.raises(NoSuchNameError):
        world.send(1)


def test_by_priority_the_first_that_is_well_is_answered(world):
    world.put(world.blue(priority=2), world.green(priority=1, enabled=True), method="Priority")

    first = set(world.send(20))
    world.order_health("green", "Degraded")
    then = set(world.send(20))

    assert (first, then) == ({"2"}, {"1"})


def test_a_nested_profile_is_answered_from_within(world):
    nested = endpoint("inner", 1, kind="nested", targetResourceId=PROFILE_ID)
    outer = profile(nested, name="outer", ttl=20)
    world.client.profiles.create_or_update(RESOURCE_GROUP, "outer", outer)

    answer = fetch(f"{world.cloud.management}/sandbox/dns/outer.trafficmanager.net").json()

    assert answer == {"name": "outer.trafficmanager.net", "host": world.cloud.edge.removeprefix("http://"), "ttl": 20}
    assert world.read("outer")["properties"]["endpoints"][0]["properties"]["target"] == NAME


def test_a_patch_of_an_endpoint_keeps_what_it_does_not_name(world):
    world.put(world.blue(), world.green(5, enabled=True, endpointLocation="West US", priority=9))

    told = patch(world, "green", weight=25)["properties"]

    kept = {"weight": 25, "endpointStatus": "Enabled", "priority": 9, "endpointLocation": "West US"}
    assert told | kept == told
    assert told["target"] == world.cloud.slots["candidate"].removeprefix("http://")


def test_a_put_of_an_endpoint_forgets_what_it_does_not_name(world):
    world.put(world.blue(), world.green(5, endpointLocation="West US"))
    body = {"properties": {"targetResourceId": world.green()["properties"]["targetResourceId"]}}

    told = world.client.endpoints.create_or_update(RESOURCE_GROUP, PROFILE, "AzureEndpoints", "green", body).as_dict()

    assert "endpointLocation" not in told["properties"]
    assert (told["properties"]["weight"], told["properties"]["endpointStatus"]) == (1, "Enabled")


def test_a_patch_of_a_profile_keeps_its_endpoints_and_refuses_others(world):
    before = world.read()
    told = world.client.profiles.update(RESOURCE_GROUP, PROFILE, {"properties": {"dnsConfig": {"ttl": 5}}}).as_dict()
    before["properties"]["dnsConfig"]["ttl"] = 5

    assert told == before
    with pytest.raises(HttpResponseError, match="cannot be specified when updating a profile using PATCH"):
        world.client.profiles.update(RESOURCE_GROUP, PROFILE, {"properties": {"endpoints": []}})


@pytest.mark.parametrize(
    ("endpoints", "says"),
    [
        ([endpoint("a", 0)], "'weight' must be a whole number from 1 to 1000"),
        ([endpoint("a", 1001)], "'weight' must be a whole number from 1 to 1000"),
        ([endpoint("a", priority=1), endpoint("b", priority=1)], "same priority"),
        ([endpoint("a", target="x.example"), endpoint("b", target="X.example")], "same target"),
        ([endpoint("a"), endpoint("A")], "duplicates"),
        ([endpoint("a", kind="other")], "type .* is invalid"),
        ([endpoint("a", kind="azure")], "'targetResourceId' of endpoint 'a' is required"),
        ([endpoint("a", kind="azure", targetResourceId=f"{PROFILE_ID}/gone")], "is not one of the sandbox"),
    ],
)
def test_a_profile_that_azure_would_refuse_is_refused_and_changes_nothing(world, endpoints, says):
    before = world.read()

    with pytest.raises(HttpResponseError, match=says) as caught:
        world.put(*endpoints)

    assert caught.value.status_code == 400
    assert world.read() == before


def test_a_dns_name_belongs_to_one_profile(world):
    twin = profile(endpoint("a"), name="twin")
    twin["properties"]["dnsConfig"]["relativeName"] = PROFILE

    with pytest.raises(ResourceExistsError, match="already in use"):
        world.client.profiles.create_or_update(RESOURCE_GROUP, "twin", twin)


@pytest.mark.parametrize(
    "act",
    [
        lambda c: c.profiles.get(RESOURCE_GROUP, "gone"),
        lambda c: c.profiles.get("elsewhere", PROFILE),
        lambda c: c.endpoints.get(RESOURCE_GROUP, PROFILE, "AzureEndpoints", "gone"),
        lambda c: c.endpoints.get(RESOURCE_GROUP, PROFILE, "ExternalEndpoints", "blue"),
        lambda c: c.endpoints.update(RESOURCE_GROUP, PROFILE, "AzureEndpoints", "gone", {"properties": {"weight": 1}}),
    ],
    ids=["profile", "group", "endpoint", "type", "patch"],
)
def test_what_does_not_exist_is_not_found(world, act):
    with pytest.raises(ResourceNotFoundError) as caught:
        act(world.client)

    assert caught.value.error.code == "ResourceNotFound"


def test_names_are_the_same_in_any_case(world):
    assert world.client.endpoints.get("SANDBOX", "FRONT", "azureendpoints", "BLUE").name == "blue"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [(f"{PROFILE_ID}?api-version=2026-09-01", {}, 401), (f"{PROFILE_ID}?api-version=2018-04-01", TOKEN, 400)],
    ids=["no token", "another api-version"],
)
def test_a_wrong_call_is_refused(world, path, headers, status):
    assert fetch(f"{world.cloud.management}{path}", headers=headers).status == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "dns/gone.trafficmanager.net", None, 404),
        ("GET", "profiles/gone", None, 404),
        ("POST", f"profiles/{PROFILE}/endpoints/gone", {"health": "Online"}, 404),
        ("POST", f"profiles/{PROFILE}/endpoints/blue", {"health": "well"}, 400),
        ("DELETE", f"profiles/{PROFILE}", None, 404),
    ],
)
def test_a_wrong_control_call_is_refused(world, method, path, body, status):
    assert fetch(f"{world.cloud.management}/sandbox/{path}", method=method, body=body).status == status


def test_throttling_on_order_says_when_to_come_back(world):
    world.cloud.control.add_fault(on="management", kind="429", path="trafficmanagerprofiles", retry_after=9, count=1)

    with pytest.raises(HttpResponseError) as caught:
        world.read()

    assert (caught.value.status_code, caught.value.response.headers["Retry-After"]) == (429, "9")


def test_profiles_survive_a_power_cut(tmp_path):
    with running_cloud(tmp_path) as cloud:
        world = ProfileWorld(cloud)
        world.put()
        world.router.set_share(TARGET, Weight(5_000))
        before = world.read()
        cloud.kill()
        cloud.start()

        assert ProfileWorld(cloud).read() == before
