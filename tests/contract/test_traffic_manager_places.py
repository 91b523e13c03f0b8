"""A profile tells which endpoint serves, which waits, for how long answers live, and where each can be asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.http_json.place_probe import HttpPlaceProbe
from shared.adapters.traffic_manager.hosts import TrafficManagerHosts
from shared.adapters.traffic_manager.places import TrafficManagerPlaces
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.spec import Located, NamedPlace, Place
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.sandbox import SUBSCRIPTION, running_cloud
from tests.scripted_server import HangUp, Say, scripted_server
from tests.traffic_manager_world import (
    GROUP_ID,
    PROFILE_ID,
    SPEC_TARGET,
    TARGET,
    ProfileWorld,
    endpoint,
    profile,
    profiles_at,
)

NEXT = Version("2")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def world(cloud):
    world = ProfileWorld(cloud)
    world.reset()
    return world


def test_the_endpoint_that_serves_is_stable_and_clients_follow_within_the_life_of_an_answer_and_30_s(world):
    found = world.places.find_places(SPEC_TARGET, NEXT)

    assert (found.stable, found.candidate) == ("blue", "green")
    assert found.settles == found.pins == timedelta(seconds=60 + 30)
    assert "answers live for 60 s, so clients follow a change within 90 s" in found.says
    assert "later where they keep a connection open" in found.says


def test_after_a_promotion_the_two_have_changed_roles(world):
    world.router.set_share(TARGET, ALL)

    found = world.places.find_places(SPEC_TARGET, NEXT)

    assert (found.stable, found.candidate) == ("green", "blue")
    assert world.router.read_share(replace(SPEC_TARGET, located=found)) == NONE


@pytest.mark.parametrize(("weights", "stable"), [((900, 100), "blue"), ((100, 900), "green")])
def test_who_serves_most_is_stable(world, weights, stable):
    world.put(world.blue(weights[0]), world.green(weights[1], enabled=True))

    assert world.places.find_places(SPEC_TARGET, NEXT).stable == stable


def test_what_it_says_does_not_change_while_users_are_moved_between_the_two(world):
    before = world.places.find_places(SPEC_TARGET, NEXT)
    world.router.set_share(TARGET, Weight(5_000))

    assert world.places.find_places(SPEC_TARGET, NEXT) == before


@pytest.mark.parametrize(("priorities", "stable"), [((1, 2), "blue"), ((2, 1), "green")])
def test_by_priority_who_comes_first_is_stable(world, priorities, stable):
    blue, green = world.blue(priority=priorities[0]), world.green(priority=priorities[1], enabled=True)
    world.put(blue, green, method="Priority")

    found = world.places.find_places(SPEC_TARGET, NEXT)

    assert found.stable == stable
    assert "priorities, so nobody or everyone can be sent to the candidate" in found.says


def test_a_name_is_found_in_any_case_and_told_as_azure_writes_it(world):
    target = replace(SPEC_TARGET, places=(NamedPlace(name="GREEN"), NamedPlace(name="Blue")))

    found = world.places.find_places(target, NEXT)

    assert (found.stable, found.candidate) == ("blue", "green")


def test_nothing_is_changed(world):
    before = world.read()

    world.places.find_places(SPEC_TARGET, NEXT)

    assert world.read() == before


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (lambda w: w.put(profileStatus="Disabled"), "is disabled, so it answers nobody: enable it"),
        (lambda w: w.put(method="Performance"), "divides by Performance.*Weighted.*nested endpoint of front"),
        (lambda w: w.put(w.blue()), "has no endpoint green; it has blue: mend `places`"),
        (lambda w: w.put(w.blue(enabled=False), w.green()), "blue and green are both disabled: enable the one"),
        (
            lambda w: w.put(w.blue(7), w.green(7, enabled=True)),
            "have the same weight, 7.*disable the endpoint that waits",
        ),
        (
            lambda w: w.put(w.blue(10), w.green(), endpoint("far", 10, target="far.example.net")),
            "weight of 10 together beside other endpoints.*multiply the weights.*so that it is 100 or more",
        ),
    ],
    ids=["disabled profile", "another method", "no such endpoint", "both disabled", "equal weights", "little weight"],
)
def test_what_a_person_must_change_first_is_refused_with_the_fix(world, changed, says):
    changed(world)

    with pytest.raises(RejectedError, match=says):
        world.places.find_places(SPEC_TARGET, NEXT)


@pytest.mark.parametrize("health", ["Degraded", "Stopped"])
@pytest.mark.parametrize(("unwell", "other"), [("blue", "green"), ("green", "blue")])
def test_an_endpoint_that_traffic_manager_passes_over_is_waited_for(world, health, unwell, other):
    world.put(world.blue(900), world.green(100, enabled=True))
    world.order_health(unwell, health)

    with pytest.raises(TryLaterError, match=f"call {unwell} {health}, so that its users are sent to {other}: mend"):
        world.places.find_places(SPEC_TARGET, NEXT)


def test_an_endpoint_that_always_serves_is_not_passed_over(world):
    world.put(world.blue(alwaysServe="Enabled"), world.green())
    world.order_health("blue", "Degraded")

    assert world.places.find_places(SPEC_TARGET, NEXT).stable == "blue"


def test_a_target_that_names_other_than_two_places_is_refused(world):
    with pytest.raises(RejectedError, match="names 1 endpoints; it must name two"):
        world.places.find_places(replace(SPEC_TARGET, places=SPEC_TARGET.places[:1]), NEXT)


def test_each_endpoint_is_asked_at_its_own_host(world):
    world.cloud.control.deploy("7")
    probe = HttpPlaceProbe(world.hosts.host_of, scheme="http")

    assert world.hosts.host_of(TARGET, Place.PRODUCTION) == world.cloud.edge.removeprefix("http://")
    assert probe.read_version(TARGET, Place.PRODUCTION) == "1"
    assert probe.read_version(TARGET, Place.CANDIDATE) == "7"
    assert probe.read_health(TARGET, Place.CANDIDATE).healthy


@pytest.fixture
def arm():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def hosts(arm):
    return TrafficManagerHosts(profiles_at(arm.url))


def test_hosts_follow_the_places_that_the_rollout_found(arm, hosts):
    arm.play(Say(200, profile(endpoint("blue"), endpoint("green"))))
    turned = replace(TARGET, located=Located(stable="green", candidate="blue"))

    assert hosts.host_of(TARGET, Place.PRODUCTION) == "blue.example"
    assert hosts.host_of(turned, Place.PRODUCTION) == "green.example"
    assert hosts.host_of(turned, Place.CANDIDATE) == "blue.example"


def test_a_host_is_read_once(arm, hosts):
    arm.play(Say(200, profile(endpoint("blue"), endpoint("green"))))

    hosts.host_of(TARGET, Place.CANDIDATE)
    hosts.host_of(TARGET, Place.CANDIDATE)

    assert len(arm.asked) == 1


def test_the_host_of_the_spec_comes_first_and_asks_nobody(arm, hosts):
    target = replace(TARGET, places=(NamedPlace(name="Blue", host="blue.shop.example"), NamedPlace(name="green")))

    assert hosts.host_of(target, Place.PRODUCTION) == "blue.shop.example"
    assert arm.asked == []


def test_a_nested_profile_has_its_own_name_also_where_azure_tells_only_the_resource(arm, hosts):
    child = f"{GROUP_ID}/providers/Microsoft.Network/trafficManagerProfiles/west"
    nested = endpoint("green", kind="nested", targetResourceId=child)
    arm.play(Say(200, profile(endpoint("blue"), nested)), Say(200, profile(name="west")))

    assert hosts.host_of(TARGET, Place.CANDIDATE) == "west.trafficmanager.net"
    assert arm.asked[1].path == child.replace("trafficManagerProfiles", "trafficmanagerprofiles")


def test_a_nested_profile_of_another_subscription_is_read_there(arm, hosts):
    child = f"{PROFILE_ID.replace(SUBSCRIPTION, SUBSCRIPTION.replace('0001', '0002'))}-west"
    arm.play(
        Say(200, profile(endpoint("blue"), endpoint("green", kind="nested", targetResourceId=child))),
        Say(200, profile(name="west")),
    )

    hosts.host_of(TARGET, Place.CANDIDATE)

    assert arm.asked[1].path == child.replace("trafficManagerProfiles", "trafficmanagerprofiles")


def test_an_endpoint_without_a_name_is_for_later(arm, hosts):
    arm.play(Say(200, profile(endpoint("blue", kind="azure"), endpoint("green"))))

    with pytest.raises(TryLaterError, match="its endpoint blue has no host name yet"):
        hosts.host_of(TARGET, Place.PRODUCTION)


def test_before_the_places_are_found_there_is_no_host(hosts):
    with pytest.raises(RejectedError, match="nobody has found yet"):
        hosts.host_of(SPEC_TARGET, Place.PRODUCTION)


@pytest.mark.parametrize(
    ("step", "error"),
    [(Say(403, {"error": {"code": "No"}}), RejectedError), (Say(429), TryLaterError), (HangUp(), TryLaterError)],
    ids=["403", "429", "broken off"],
)
def test_a_profile_that_cannot_be_read_is_said_so(arm, hosts, step, error):
    arm.play(step)

    with pytest.raises(error, match="profile front: read its endpoints"):
        hosts.host_of(TARGET, Place.PRODUCTION)
    with pytest.raises(error, match="profile front: read its endpoints"):
        TrafficManagerPlaces(profiles_at(arm.url)).find_places(SPEC_TARGET, NEXT)
