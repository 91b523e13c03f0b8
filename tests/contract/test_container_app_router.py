"""The router of Container Apps: whole percents between two named revisions, in force or not told."""

import subprocess
import sys
import time
from dataclasses import replace

import pytest

from shared.adapters.container_apps.apps import ContainerApps
from shared.adapters.container_apps.hosts import ContainerAppHosts
from shared.adapters.container_apps.traffic import are_same, follows_latest, share_of, with_shares
from shared.adapters.container_apps.traffic_router import ContainerAppRouter
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.rounding import whole_percent
from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.app_world import app_target, app_world, at
from tests.sandbox import fetch
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import HangUp, Say, Silence, closed_port, scripted_server

OLD, NEW, OTHER = "shop--v1", "shop--v2", "shop--beta"
TARGET = at(app_target("shop"), OLD, NEW)
LATEST = {"latestRevision": True, "weight": 100}
PLACES = [Place.PRODUCTION, Place.CANDIDATE]


@pytest.fixture(scope="module")
def module_world(tmp_path_factory):
    with app_world(tmp_path_factory.mktemp("cloud")) as world:
        yield world


@pytest.fixture
def world(module_world):
    with module_world.scene():
        yield module_world


@pytest.fixture(scope="module")
def divided(module_world):
    return module_world.pinned_app()


@pytest.fixture
def app(divided):
    divided.settle()
    divided.set_traffic({"revisionName": divided.revision("0000000"), "weight": 100})
    return divided


@pytest.mark.parametrize(
    ("share", "percent"), [(0, 0), (1, 1), (5_000, 5), (33_333, 33), (33_500, 34), (99_999, 99), (100_000, 100)]
)
def test_a_share_is_rounded_to_whole_percents_and_never_to_nothing_or_everything(share, percent):
    assert whole_percent(Weight(share)) == percent


@pytest.mark.parametrize("percent", [0, 1, 50, 99, 100])
def test_the_share_that_was_set_is_the_share_in_force(world, app, percent):
    world.router.set_share(app.target, Weight(percent * 1000))

    assert app.share() == percent * 1000
    assert app.in_force().get(app.revision("v2"), 0) == percent
    assert sum(app.in_force().values()) == 100


def test_a_version_that_gets_everyone_back_has_the_settings_that_it_had(world):
    app = world.new_app(mode="multiple")
    app.deploy("2", suffix="v2", settings={"GREETING": "of version 2"})
    app.set_traffic({"revisionName": app.revision("v2"), "weight": 100})
    app.deploy("3", suffix="v3", settings={"GREETING": "of version 3"})
    target, met = at(app.target, app.revision("v2"), app.revision("v3")), []

    for share in (NONE, ALL, NONE):
        world.router.set_share(target, share)
        app.settle()
        met.append(fetch(f"{app.edge}/settings").json()["GREETING"])

    assert met == ["of version 2", "of version 3", "of version 2"]


def test_fresh_clients_really_meet_the_candidate_by_its_share(world, app):
    requests, wanted = 4000, 0.2
    world.router.set_share(app.target, Weight(20_000))
    assert app.share() == 20_000

    met = app.send(requests)

    error = (wanted * (1 - wanted) / requests) ** 0.5
    assert abs(met["2"] / requests - wanted) <= 3 * error


def test_at_everything_and_at_nothing_traffic_still_names_revisions_so_a_new_one_waits(world, app):
    for share, serving in ((ALL, "v2"), (NONE, "0000000")):
        world.router.set_share(app.target, share)
        assert app.share() == share
        assert not any(entry.get("latestRevision") for entry in app.told()["configuration"]["ingress"]["traffic"])
        assert {name for name, weight in app.in_force().items() if weight} == {app.revision(serving)}


def test_an_update_that_never_ends_is_not_waited_for_and_its_share_is_not_told(world, monkeypatch):
    monkeypatch.setattr("shared.adapters.container_apps.app._QUICK_SECONDS", 0.5)
    app = world.pinned_app()
    world.cloud.control.add_fault(on="update", kind="slow-update", count=1, delay_seconds=3600)

    world.router.set_share(app.target, Weight(25_000))
    world.router.set_share(app.target, Weight(25_000))
    with pytest.raises(TryLaterError, match="an update is under way"):
        world.router.read_share(app.target)
    with pytest.raises(TryLaterError, match="HTTP 409, ContainerAppOperationInProgress"):
        world.router.set_share(app.target, NONE)

    assert app.in_force() == {app.revision("0000000"): 100}


def test_an_update_that_takes_longer_than_it_is_looked_at_is_told_by_a_later_look(world, app, monkeypatch):
    monkeypatch.setattr("shared.adapters.container_apps.app._QUICK_SECONDS", 0.0)
    world.cloud.control.add_fault(on="update", kind="slow-update", count=1, delay_seconds=0.5)

    world.router.set_share(app.target, Weight(25_000))

    assert app.share() == 25_000


def test_an_update_that_fails_is_said_and_written_again(world, app):
    world.cloud.control.add_fault(on="update", kind="update-fails", count=1)

    with pytest.raises(TryLaterError, match="is not in force: it failed"):
        world.router.set_share(app.target, Weight(25_000))
    with pytest.raises(TryLaterError, match=f"tells 25 % for {app.revision('v2')}, which has 0 %"):
        world.router.read_share(app.target)
    world.router.set_share(app.target, Weight(25_000))

    assert app.share() == 25_000


def test_another_update_under_way_is_for_later(world, app):
    world.cloud.control.add_fault(on="update", kind="update-conflict", count=1)

    with pytest.raises(TryLaterError, match="ContainerAppOperationInProgress"):
        world.router.set_share(app.target, Weight(5_000))


def test_throttling_is_for_as_much_later_as_it_says(world, app):
    world.cloud.control.add_fault(on="update", kind="429", count=1, method="PATCH", retry_after=17)

    with pytest.raises(TryLaterError) as caught:
        world.router.set_share(app.target, Weight(5_000))

    assert caught.value.after_seconds == 17


def test_an_update_whose_answer_is_lost_may_have_been_done(world, app, monkeypatch):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 1.0)
    world.cloud.control.add_fault(on="update", kind="timeout", count=1, method="PATCH", applied=True)

    with pytest.raises(UnansweredError):
        world.router.set_share(app.target, Weight(5_000))

    assert app.share() == 5_000


def test_an_app_with_one_revision_at_a_time_is_refused_and_its_latest_revision_has_everything(world):
    app = world.new_app()
    app.deploy("2", suffix="v2")

    with pytest.raises(RejectedError, match="single revision mode, where weights do nothing: set activeRevisionsMode"):
        world.router.set_share(app.target, Weight(5_000))

    assert app.share() == ALL
    assert world.router.read_share(at(app.target, app.revision("v2"), app.revision("0000000"))) == NONE


def test_an_app_that_does_not_exist_is_refused_for_good(world):
    with pytest.raises(RejectedError, match=r"HTTP 404, ResourceNotFound: .*containerApps/nowhere"):
        world.router.read_share(at(app_target("nowhere"), "a", "b"))


def test_each_revision_is_probed_at_its_own_host_however_traffic_divides(world, app):
    world.router.set_share(app.target, Weight(50_000))

    assert [world.probe.read_version(app.target, place) for place in PLACES * 2] == ["1", "2"] * 2
    assert world.probe.read_health(app.target, Place.CANDIDATE).healthy


def test_a_label_stays_and_revisions_of_no_part_in_it_get_nothing():
    traffic = [
        {"revisionName": OLD, "weight": 70, "label": "blue"},
        {"revisionName": OTHER, "weight": 20, "label": "beta"},
        {"revisionName": "shop--old", "weight": 10},
        {"revisionName": NEW, "weight": 0, "label": "green"},
    ]

    assert with_shares(traffic, {OLD: 90, NEW: 10}) == [
        {"revisionName": OLD, "weight": 90, "label": "blue"},
        {"revisionName": OTHER, "weight": 0, "label": "beta"},
        {"revisionName": NEW, "weight": 10, "label": "green"},
    ]


def test_a_revision_with_two_labels_has_the_sum_and_keeps_both():
    traffic = [{"revisionName": NEW, "weight": 75, "label": "a"}, {"revisionName": NEW, "weight": 25, "label": "b"}]

    assert share_of(traffic, NEW, OLD) == ALL
    assert with_shares(traffic, {OLD: 40, NEW: 60}) == [
        {"revisionName": NEW, "weight": 60, "label": "a"},
        {"revisionName": NEW, "weight": 0, "label": "b"},
        {"revisionName": OLD, "weight": 40},
    ]


@pytest.mark.parametrize("traffic", [[LATEST], []], ids=["latest", "never set"])
def test_what_goes_to_the_latest_revision_counts_for_the_one_that_was_ready_last(traffic):
    assert follows_latest(traffic)
    assert (share_of(traffic, NEW, latest_ready=NEW), share_of(traffic, NEW, latest_ready=OLD)) == (ALL, NONE)
    assert with_shares(traffic, {OLD: 100}) == [{"revisionName": OLD, "weight": 100}]


def test_an_entry_of_nothing_differs_only_by_its_label():
    one = [{"revisionName": OLD, "weight": 100}]

    assert are_same(one, [*one, {"revisionName": NEW, "weight": 0}])
    assert not are_same(one, [*one, {"revisionName": NEW, "weight": 0, "label": "green"}])
    assert not are_same(one, [LATEST])


@pytest.fixture
def arm():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def router(arm):
    return router_at(arm.url)


def router_at(url, **options):
    return ContainerAppRouter(ContainerApps(AnyToken(), base_url=url, **{"allow_http": True, **options}))


def told(*traffic, mode="Multiple", state="Succeeded", **ingress):
    configuration = {"activeRevisionsMode": mode, "ingress": {"traffic": list(traffic), **ingress}}
    properties = {"provisioningState": state, "latestReadyRevisionName": OLD, "configuration": configuration}
    return Say(200, {"properties": properties})


def by_name(old, new):
    return [{"revisionName": OLD, "weight": old}, {"revisionName": NEW, "weight": new}]


def test_what_is_so_already_is_not_written_again(arm, router):
    arm.play(told(*by_name(75, 25)))

    router.set_share(TARGET, Weight(25_000))

    assert [asked.method for asked in arm.asked] == ["GET"]


def test_nothing_but_traffic_is_written_and_then_read_again(arm, router):
    arm.play(told(*by_name(100, 0)), Say(202), told(*by_name(75, 25)))

    router.set_share(TARGET, Weight(25_000))

    assert [asked.method for asked in arm.asked] == ["GET", "PATCH", "GET"]
    written = {"properties": {"configuration": {"ingress": {"traffic": by_name(75, 25)}}}}
    assert arm.asked[1].json() == written


def test_an_update_that_was_taken_and_changed_nothing_is_said(arm, router):
    arm.play(told(*by_name(100, 0)), Say(202), told(*by_name(100, 0)))

    with pytest.raises(TryLaterError, match="was taken and is not in force: the app tells other shares"):
        router.set_share(TARGET, Weight(25_000))


def test_an_update_that_breaks_off_is_not_sent_twice(arm, router):
    arm.play(told(*by_name(100, 0)), HangUp())

    with pytest.raises(UnansweredError):
        router.set_share(TARGET, Weight(25_000))

    assert [asked.method for asked in arm.asked] == ["GET", "PATCH"]


def test_a_look_that_broke_off_is_tried_once_more_at_once(arm, router):
    arm.play(HangUp(), told(*by_name(75, 25)))

    assert router.read_share(TARGET) == 25_000


@pytest.mark.parametrize("status", [408, 409, 412, 429, 500, 502, 503, 504])
def test_trouble_of_the_service_is_for_later(arm, router, status):
    arm.play(told(*by_name(100, 0)), Say(status, {"error": {"code": "Busy", "message": "not now"}}))

    with pytest.raises(TryLaterError, match=f"HTTP {status}, Busy: not now"):
        router.set_share(TARGET, Weight(5_000))

    assert len(arm.asked) == 2


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_a_refusal_is_for_good_and_says_why(arm, router, status):
    arm.play(Say(status, {"error": {"code": "No", "message": "role is missing"}}, {"Location": "http://127.0.0.1:9/"}))

    with pytest.raises(RejectedError, match=r"container app shop: .*role is missing"):
        router.read_share(TARGET)


@pytest.mark.parametrize("body", [b"<html>", b"[1, 2", b"[]", b'"text"', b'{"properties": 5}', b'{"properties": null}'])
def test_an_answer_that_cannot_be_read_is_for_later(arm, router, body):
    arm.play(Say(200, body))

    with pytest.raises(TryLaterError, match="container app shop"):
        router.read_share(TARGET)


def test_no_answer_is_for_later_and_not_waited_for_twice(arm, router, monkeypatch):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.2)
    arm.play(Silence())

    with pytest.raises(TryLaterError):
        router.read_share(TARGET)

    assert len(arm.asked) == 1


def test_looking_at_an_update_ends_with_the_methods_time(arm, monkeypatch):
    monkeypatch.setattr("shared.adapters.container_apps.app._QUICK_SECONDS", 60.0)
    apps = ContainerApps(AnyToken(), base_url=arm.url, allow_http=True)
    arm.play(Say(202), told(*by_name(75, 25), state="InProgress"))
    began = time.monotonic()

    with pytest.raises(TryLaterError, match="not done within 1 s"):
        apps.open(TARGET, seconds=1.0).update({})

    assert time.monotonic() - began < 10


def test_a_refused_connection_is_for_later():
    with pytest.raises(TryLaterError):
        router_at(f"http://127.0.0.1:{closed_port()}").read_share(TARGET)


def test_an_app_without_an_ingress_has_no_traffic_to_divide(arm, router):
    arm.play(Say(200, {"properties": {"configuration": {"activeRevisionsMode": "Multiple", "ingress": None}}}))

    with pytest.raises(RejectedError, match="has no ingress"):
        router.read_share(TARGET)


def test_a_version_that_serves_already_has_no_share_to_take_back(arm, router):
    arm.play(told({"revisionName": OLD, "weight": 100}))

    assert router.read_share(at(TARGET, OLD, OLD)) == NONE


def test_revisions_that_no_preflight_found_are_not_guessed(arm, router):
    for ask in (lambda: router.read_share(app_target("shop")), lambda: router.set_share(app_target("shop"), ALL)):
        with pytest.raises(RejectedError, match="a preflight finds them"):
            ask()
    with pytest.raises(RejectedError, match="a preflight finds them"):
        hosts_at(arm.url).host_of(app_target("shop"), Place.PRODUCTION)

    assert arm.asked == []


def test_a_token_never_travels_over_plain_http_unless_that_is_allowed(arm):
    with pytest.raises(TryLaterError):
        router_at(arm.url, allow_http=False).read_share(TARGET)

    assert arm.asked == []


@pytest.mark.parametrize("resource", ["", "shop", TARGET.resource + "/revisions/x", "/subscriptions/../x"])
def test_what_is_not_the_id_of_an_app_is_rejected(router, resource):
    with pytest.raises(RejectedError, match="is not the resource id of a Container App"):
        router.read_share(replace(TARGET, resource=resource))


def hosts_at(url):
    return ContainerAppHosts(ContainerApps(AnyToken(), base_url=url, allow_http=True))


def host(name):
    return Say(200, {"name": NEW, "properties": {"fqdn": name, "createdTime": "2026-11-23T12:00:00+00:00"}})


def test_host_names_are_asked_for_once(arm):
    hosts = hosts_at(arm.url)
    arm.play(host("v1.example"), host("v2.example"))

    assert [hosts.host_of(TARGET, place) for place in [*PLACES, *PLACES]] == ["v1.example", "v2.example"] * 2
    assert [asked.path.rpartition("/")[2] for asked in arm.asked] == [OLD, NEW]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Say(404, {"error": {"code": "RevisionNotFound"}}), RejectedError),
        (Say(500), TryLaterError),
        (host(None), TryLaterError),
    ],
    ids=["no such revision", "unwell", "no name"],
)
def test_a_revision_whose_host_name_cannot_be_read_is_not_asked(arm, answer, error):
    arm.play(answer)

    with pytest.raises(error):
        hosts_at(arm.url).host_of(TARGET, Place.CANDIDATE)


def test_the_sdk_is_not_imported_before_it_is_needed():
    modules = ["traffic_router", "place_finder", "hosts"]
    names = [f"shared.adapters.container_apps.{module}" for module in modules]
    code = f"import sys, {', '.join(names)}; print([m for m in ('azure.core', 'requests') if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
