"""Deployments over HTTP: accepted means stored, the same request is the same rollout, nothing hangs on the queue."""

import json
from base64 import b64encode

import pytest

from tests.functions.api_client import running_api
from tests.functions.present_world import present_world, settle
from tests.scenario.world import World

EVENT = {
    "specversion": "1.0",
    "id": "run-1",
    "source": "/ci/shop",
    "type": "slipway.deployment",
    "data": {"application": "shop", "version": "2"},
}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BINARY = {
    "Content-Type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "run-1",
    "ce-source": "/ci/shop",
    "ce-type": "slipway.deployment",
}


@pytest.fixture
def api(tmp_path):
    """Nobody takes wake-ups from the queue here."""
    with running_api(tmp_path) as api:
        api.register("shop")
        yield api


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """An API for requests that change nothing."""
    folder = tmp_path_factory.mktemp("standing")
    with running_api(folder) as api:
        api.register("shop")
        yield api


def send(api, event: dict, headers: dict[str, str] = STRUCTURED):
    return api.ask("POST", "/api/deployments", json.dumps(event).encode(), headers)


def happened(api, rollout: str) -> list[str]:
    return [event["type"] for event in api.events(rollout)]


def test_what_is_accepted_can_be_read_at_once_though_nobody_serves_the_queue(api):
    answer = api.deploy("2")

    rollout = api.ask("GET", answer.location)
    assert (answer.status, rollout.status) == (202, 200)
    assert answer.json() == {
        "rollout": rollout.json()["id"],
        "application": "shop",
        "version": "2",
        "location": answer.location,
    }
    assert {"phase": "pending", "version": "2", "weight": 0, "step": None}.items() <= rollout.json().items()
    assert api.ask("GET", f"{answer.location}/history").json()["events"] == []


def test_every_one_of_a_burst_can_be_read_at_once(api):
    answers = [api.deploy(f"v{number}") for number in range(20)]

    assert len({answer.location for answer in answers}) == 20
    for number, answer in enumerate(answers):
        assert api.ask("GET", answer.location).json()["version"] == f"v{number}"


def test_a_deployment_that_could_not_be_read_at_once_is_asked_to_come_back(api):
    for number in range(20):
        api.deploy(f"v{number}")

    answer = api.deploy("one-too-many")

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_a_plain_request_without_a_key_of_its_own_is_new_each_time(api):
    assert api.deploy("2").location != api.deploy("2").location


def test_the_same_idempotency_key_is_the_same_rollout(api):
    first = api.deploy("2", headers={"Idempotency-Key": "run-1"})
    again = api.deploy("2", headers={"idempotency-key": "run-1"})
    other = api.deploy("2", headers={"Idempotency-Key": "run-2"})

    assert (first.status, again.status) == (202, 202)
    assert first.location == again.location != other.location


def test_the_same_idempotency_key_for_another_version_is_refused(api):
    api.deploy("2", headers={"Idempotency-Key": "run-1"})

    answer = api.deploy("3", headers={"Idempotency-Key": "run-1"})

    assert answer.status == 409
    assert "was used for version 2" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb"])
def test_an_idempotency_key_that_is_none_is_refused(standing, key):
    answer = standing.deploy("2", headers={"Idempotency-Key": key})

    assert (answer.status, answer.json()["errors"][0]["path"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (STRUCTURED, EVENT),
        ({"content-type": "application/cloudevents+json; charset=UTF-8"}, EVENT),
        (BINARY, EVENT["data"]),
        ({**BINARY, "ce-type": "com.example.image.pushed"}, {**EVENT["data"], "digest": "sha256:1"}),
        (
            STRUCTURED,
            {
                **{name: value for name, value in EVENT.items() if name != "data"},
                "data_base64": b64encode(b'{"application":"shop","version":"2"}').decode(),
            },
        ),
    ],
    ids=["structured", "structured with a charset", "binary", "binary of another type", "structured in base64"],
)
def test_an_event_is_known_by_source_and_id_in_whichever_mode_it_comes(api, headers, body):
    first = send(api, EVENT)

    again = send(api, body, headers)

    assert (first.status, again.status) == (202, 202)
    assert first.location == again.location


@pytest.mark.parametrize("change", [{"id": "run-2"}, {"source": "/ci/other"}])
def test_an_event_of_another_id_or_source_is_another_rollout(api, change):
    assert send(api, EVENT).location != send(api, {**EVENT, **change}).location


def test_the_same_event_twice_is_one_rollout_in_history(tmp_path):
    world = present_world(tmp_path)
    with running_api(tmp_path) as api:
        locations = {send(api, EVENT).location for _ in range(3)}
        settle(world)
        locations.add(send(api, EVENT).location)
        settle(world)
        (location,) = locations

        assert happened(api, location.rpartition("/")[2]) == ["DeploymentAccepted", "RolloutStarted"]
        assert api.ask("GET", "/api/applications/shop").json()["pending"] is None


def test_the_version_that_is_live_is_answered_with_the_rollout_that_brought_it(tmp_path):
    world = World(tmp_path)
    rollout = world.deploy("2")
    assert world.run_to_end(rollout) == "succeeded"

    with running_api(tmp_path) as api:
        answer = api.deploy("2")
        shown = api.ask("GET", answer.location).json()

    assert (answer.status, answer.json()["rollout"]) == (200, rollout)
    assert (shown["phase"], shown["weight"]) == ("succeeded", 100)


def test_the_version_on_its_way_is_answered_with_the_rollout_that_brings_it(tmp_path):
    world = World(tmp_path)
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "progressing")

    with running_api(tmp_path) as api:
        answer = api.deploy("2")

    assert (answer.status, answer.location) == (200, f"/api/rollouts/{rollout}")


def test_a_deployment_is_refused_while_one_is_live_where_the_spec_says_so(tmp_path):
    world = World(tmp_path)
    world.respec(when_busy="reject")
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "progressing")

    with running_api(tmp_path) as api:
        answer = api.deploy("3")

    assert answer.status == 409
    assert "whenBusy: reject" in answer.json()["detail"]


def test_an_unknown_application_is_a_404_and_a_wrong_name_a_400(standing):
    assert standing.deploy("2", "nobody").status == 404
    assert standing.deploy("2", "No Body").json()["errors"][0]["path"] == "application"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"application": "shop"}, "version"),
        ({"application": "shop", "version": 2}, "version"),
        ({"application": "shop", "version": "2", "wieght": 5}, "wieght"),
        ({"application": "shop", "version": "a b"}, "version"),
        ({"application": "shop", "version": "x" * 257}, "version"),
        ({"application": ["shop"], "version": "2"}, "application"),
        ({"application": "shop", "version": None}, "version"),
        ([], ""),
        (EVENT, "specversion"),
    ],
)
def test_a_wrong_field_is_named(standing, body, path):
    answer = standing.ask("POST", "/api/deployments", body)

    assert answer.status == 400
    assert path in [error["path"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"source": None}, "source"),
        ({"type": "slipway.flag"}, "type"),
        ({"data": {"application": "shop", "version": "2", "more": 1}}, "data.more"),
        ({"data": "shop"}, "data"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
    ],
)
def test_a_wrong_attribute_of_an_event_is_named(standing, change, path):
    answer = send(standing, {**EVENT, **change})

    assert answer.status == 400
    assert path in [error["path"] for error in answer.json()["errors"]]


def test_a_batch_of_events_is_refused(standing):
    assert send(standing, [EVENT], {"Content-Type": "application/cloudevents-batch+json"}).status == 400
