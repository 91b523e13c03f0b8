"""The finder of Container Apps: who serves, who waits, and whether a new revision would wait at all."""

from datetime import timedelta

import pytest

from shared.adapters.container_apps.apps import ContainerApps
from shared.adapters.container_apps.place_finder import ContainerAppPlaces
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.names import Version
from shared.domain.rollout.weight import NONE, Weight
from tests.app_world import app_target, app_world
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import HangUp, Say, scripted_server

DIGEST = "sha256:" + "ab" * 32
NOBODY = "never-deployed"
OLD, NEW = "shop--v1", "shop--v2"


@pytest.fixture(scope="module")
def module_world(tmp_path_factory):
    with app_world(tmp_path_factory.mktemp("cloud")) as world:
        yield world


@pytest.fixture
def world(module_world):
    with module_world.scene():
        yield module_world


@pytest.fixture(scope="module")
def pinned(module_world):
    """An app whose first revision serves, with three that wait, each another kind of image."""
    app = module_world.pinned_app()
    app.deploy("3", suffix="v3", image=f"registry.example:5000/team/shop:3.0.1@{DIGEST}")
    app.deploy("4", suffix="v4", image="registry.example:5000/team/shop")
    return app


@pytest.mark.parametrize(
    ("version", "suffix"),
    [
        ("{app}--v2", "v2"),
        ("v2", "v2"),
        ("2", "v2"),
        ("3.0.1", "v3"),
        (DIGEST, "v3"),
        ("registry.example:5000/team/shop:3.0.1", "v3"),
        (NOBODY, "v4"),
        ("5000", "v4"),
    ],
    ids=["name", "suffix", "tag", "tag beside a digest", "digest", "image", "unknown", "port of a registry"],
)
def test_the_candidate_is_the_revision_that_bears_the_version_or_the_newest_that_waits(pinned, version, suffix):
    located = pinned.find(version.format(app=pinned.name))

    assert (located.stable, located.candidate) == (pinned.revision("0000000"), pinned.revision(suffix))
    assert (located.pins, located.settles, located.says) == (timedelta(0), timedelta(0), "")


def test_a_version_that_serves_already_is_its_own_place(pinned):
    located = pinned.find("1")

    assert located.stable == located.candidate == pinned.revision("0000000")
    assert "serves already" in located.says


def test_who_serves_most_is_stable_and_it_is_said_who_will_lose_its_share(world):
    app = world.pinned_app()
    app.deploy("3", suffix="v3")
    entries = [("0000000", 10), ("v2", 90)]
    app.set_traffic(*({"revisionName": app.revision(suffix), "weight": weight} for suffix, weight in entries))

    located = app.find("3")

    assert (located.stable, located.candidate) == (app.revision("v2"), app.revision("v3"))
    assert located.says == f"{app.revision('0000000')} (10 %) will get nothing with the first weight"


def test_two_that_serve_alike_are_for_a_person_to_tell_apart(world):
    app = world.pinned_app()
    app.set_traffic(*({"revisionName": app.revision(suffix), "weight": 50} for suffix in ("0000000", "v2")))

    with pytest.raises(RejectedError, match="get 50 % each: give most to the one that is stable"):
        app.find("3")


def test_one_revision_at_a_time_is_refused_with_the_fix_and_left_as_it_is(world):
    app = world.new_app()

    with pytest.raises(RejectedError, match=r"single revision mode.*set-mode --mode multiple.*or say `converts: true`"):
        app.find("2")

    assert app.told()["configuration"]["activeRevisionsMode"] == "Single"


def test_one_revision_at_a_time_is_converted_without_moving_anyone_and_the_next_one_waits(world):
    app = world.new_app()
    before = app.send(50)

    with pytest.raises(TryLaterError, match="waiting for a new one"):
        app.find("2", converts=True)
    app.settle()
    app.deploy("2", suffix="v2")
    located = app.find("2", converts=True)

    assert before == app.send(50) == {"1": 50}
    assert app.told()["configuration"]["activeRevisionsMode"] == "Multiple"
    assert app.in_force() == {app.revision("0000000"): 100}
    assert (located.stable, located.candidate) == (app.revision("0000000"), app.revision("v2"))
    world.router.set_share(app.target, Weight(30_000))
    assert app.share() == 30_000


def test_a_revision_that_is_not_ready_yet_is_held_back_by_a_conversion_in_time(world):
    app = world.new_app()
    app.deploy("2", suffix="v2", provision_seconds=3600)

    with pytest.raises(TryLaterError, match=f"{app.revision('v2')} is not provisioned yet"):
        app.find("2", converts=True)
    app.settle()

    assert app.in_force() == {app.revision("0000000"): 100}


def test_traffic_to_the_latest_revision_is_refused_with_the_fix(world):
    app = world.new_app(mode="multiple")

    fix = f"latestRevision: true.*--revision-weight {app.revision('0000000')}=100.*or say `converts: true`"
    with pytest.raises(RejectedError, match=fix):
        app.find("2")

    assert app.told()["configuration"]["ingress"]["traffic"] == [{"weight": 100, "latestRevision": True}]


def test_traffic_to_the_latest_revision_is_pinned_to_it_by_name_and_that_is_said(world):
    app = world.new_app(mode="multiple")
    app.deploy("2", suffix="v2")
    app.deploy("3", suffix="v3")
    traffic = [{"latestRevision": True, "weight": 80}, {"revisionName": app.revision("v2"), "weight": 20, "label": "b"}]
    app.set_traffic(*traffic)
    before = app.in_force()

    located = app.find(NOBODY, converts=True)
    app.settle()

    assert app.in_force() == before
    assert (located.stable, located.candidate) == (app.revision("v3"), app.revision("0000000"))
    assert located.says.startswith(f"its traffic was pinned to {app.revision('v3')}, that served it; ")
    app.deploy("4", suffix="v4")
    assert app.in_force() == before


def test_an_app_can_be_made_fit_when_it_is_registered(world):
    app = world.new_app()
    target = app_target(app.name, converts=True)

    said = world.places.pin_traffic(target)
    app.settle()

    served = f"its traffic was pinned to {app.revision('0000000')}, that served it"
    assert said == f"it was switched from one revision at a time to several, and {served}"
    assert world.places.pin_traffic(target) == ""
    assert world.places.pin_traffic(app_target(app.name)) == ""


@pytest.mark.parametrize(
    ("order", "why"),
    [({"fails": True}, r"failed \(The image could not be pulled.\)"), ({"provision_seconds": 3600}, "not provisioned")],
    ids=["failed", "provisioning"],
)
def test_a_revision_that_nobody_can_be_sent_to_is_waited_for(world, order, why):
    app = world.pinned_app()
    app.deploy("3", suffix="v3", **order)

    for version in ("3", NOBODY):
        with pytest.raises(TryLaterError, match=f"waiting for its revision: {app.revision('v3')} .*{why}"):
            app.find(version)


def test_a_revision_that_is_not_active_is_waited_for_if_it_is_the_version_and_else_passed_over(world):
    app = world.pinned_app()
    app.deactivate("v2")

    with pytest.raises(TryLaterError, match=f"{app.revision('v2')} is not active: activate it"):
        app.find("2")
    with pytest.raises(TryLaterError, match="none is active without traffic: waiting for a new one"):
        app.find(NOBODY)


def test_clients_that_stay_by_cookie_are_told_with_the_bound_that_is_assumed(world):
    app = world.pinned_app(sticky=True)

    located = app.find("2")

    assert located.pins == timedelta(hours=1)
    assert "session affinity is on" in located.says
    assert "1 hour is assumed" in located.says
    world.router.set_share(app.target, Weight(50_000))
    assert app.share() == 50_000
    met = app.send(400, clients="sticky", users=40)
    assert set(met) == {"1", "2"}
    world.router.set_share(app.target, NONE)
    assert app.share() == NONE
    assert app.send(50) == {"1": 50}


def test_an_update_under_way_is_waited_for(world, monkeypatch):
    app = world.pinned_app()
    world.cloud.control.add_fault(on="update", kind="slow-update", count=1, delay_seconds=3600)
    monkeypatch.setattr("shared.adapters.container_apps.app._QUICK_SECONDS", 0.0)
    world.router.set_share(app.target, Weight(5_000))

    with pytest.raises(TryLaterError, match="an update is under way: waiting for its end"):
        app.find("2")


@pytest.mark.parametrize(("kind", "error"), [("403", RejectedError), ("429", TryLaterError), ("500", TryLaterError)])
def test_a_refusal_of_the_management_api_is_for_good_or_for_later(world, pinned, kind, error):
    world.cloud.control.add_fault(on="update", kind=kind, count=1, path="/revisions", retry_after=9)

    with pytest.raises(error, match=f"list its revisions: HTTP {kind}") as caught:
        pinned.find("2")

    assert kind != "429" or caught.value.after_seconds == 9


def test_an_app_that_does_not_exist_is_refused_for_good(world):
    with pytest.raises(RejectedError, match="HTTP 404, ResourceNotFound"):
        world.places.find_places(app_target("nowhere"), Version("2"))


@pytest.fixture
def arm():
    with scripted_server(Say(500)) as server:
        yield server


def find(arm, *, converts=False, version="2"):
    places = ContainerAppPlaces(ContainerApps(AnyToken(), base_url=arm.url, allow_http=True))
    return places.find_places(app_target("shop", converts=converts), Version(version))


def told(mode, *traffic, state="Succeeded"):
    configuration = {"activeRevisionsMode": mode, "ingress": {"traffic": list(traffic)}}
    properties = {"provisioningState": state, "latestReadyRevisionName": OLD, "configuration": configuration}
    return Say(200, {"properties": properties})


def page(*revisions, link=None):
    value = [
        {
            "name": name,
            "properties": {
                "createdTime": f"2026-11-23T12:00:0{number}+00:00",
                "active": True,
                "trafficWeight": weight,
                "provisioningState": "Provisioned",
            },
        }
        for number, (name, weight) in enumerate(revisions)
    ]
    return Say(200, {"value": value, "nextLink": link})


ALL_TO_OLD = {"revisionName": OLD, "weight": 100}
LATEST = {"latestRevision": True, "weight": 100}


def test_the_mode_is_looked_at_before_anything_else(arm):
    arm.play(told("Single", ALL_TO_OLD))

    with pytest.raises(RejectedError, match="single revision mode"):
        find(arm)

    assert len(arm.asked) == 1


def test_another_mode_is_never_converted(arm):
    arm.play(told("Labels", ALL_TO_OLD))

    with pytest.raises(RejectedError, match="labels revision mode") as caught:
        find(arm, converts=True)

    assert "converts" not in str(caught.value)


def test_revisions_are_read_page_by_page(arm):
    arm.play(
        told("Multiple", ALL_TO_OLD),
        page((OLD, 100), link=f"{arm.url}/more?page=2"),
        page(("shop--v1a", 0), link=f"{arm.url}/more?page=3"),
        page((NEW, 0)),
    )

    assert find(arm, version="v2").candidate == NEW
    assert [(asked.path, asked.query["page"]) for asked in arm.asked[2:]] == [("/more", "2"), ("/more", "3")]


def test_one_call_switches_the_mode_and_pins_the_traffic(arm):
    arm.play(
        told("Single", LATEST),
        page((OLD, 100), (NEW, 0)),
        Say(202),
        told("Multiple", ALL_TO_OLD),
    )

    located = find(arm, converts=True)

    assert [asked.method for asked in arm.asked] == ["GET", "GET", "PATCH", "GET"]
    configuration = {"activeRevisionsMode": "Multiple", "ingress": {"traffic": [ALL_TO_OLD]}}
    assert arm.asked[2].json() == {"properties": {"configuration": configuration}}
    assert located.says.startswith("it was switched from one revision at a time to several")


def test_nothing_is_converted_while_one_revision_takes_over_from_another(arm):
    arm.play(told("Single", LATEST), page((OLD, 0), (NEW, 100)))

    with pytest.raises(TryLaterError, match="waiting until it is known which one serves"):
        find(arm, converts=True)

    assert [asked.method for asked in arm.asked] == ["GET", "GET"]


def test_a_conversion_that_is_taken_and_does_nothing_is_said(arm):
    arm.play(told("Single", LATEST), page((OLD, 100), (NEW, 0)), Say(202), told("Single", LATEST))

    with pytest.raises(TryLaterError, match="was taken and is not in force"):
        find(arm, converts=True)


def test_a_conversion_that_breaks_off_is_not_sent_twice(arm):
    arm.play(told("Single", LATEST), page((OLD, 100), (NEW, 0)), HangUp())

    with pytest.raises(UnansweredError):
        find(arm, converts=True)

    assert [asked.method for asked in arm.asked] == ["GET", "GET", "PATCH"]


@pytest.mark.parametrize("body", [b"<html>", {"value": [{}]}, {"value": 5}, {"value": [{"name": OLD}]}], ids=str)
def test_a_list_that_cannot_be_read_is_for_later(arm, body):
    arm.play(told("Multiple", ALL_TO_OLD), Say(200, body))

    with pytest.raises(TryLaterError, match="container app shop: list its revisions"):
        find(arm)
