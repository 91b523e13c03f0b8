"""Overrides over HTTP: refused at the door with the reason, or accepted and, should that be, refused on their turn."""

import json

import pytest

from tests.functions.api_client import SECOND_KEY, running_api
from tests.functions.present_world import settle


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """An API for requests that change nothing."""
    folder = tmp_path_factory.mktemp("standing")
    with running_api(folder) as api:
        api.register("shop")
        yield api


def test_an_override_is_accepted_with_where_to_see_what_comes_of_it(world, api, live):
    answer = api.override("pause", reason="a look at the logs")
    settle(world)

    assert answer.status == 202
    assert answer.location == f"/api/rollouts/{live}"
    assert answer.json() == {"application": "shop", "action": "pause", "rollout": live, "location": answer.location}
    shown = api.ask("GET", answer.location).json()
    assert (shown["phase"], shown["paused"]["by"]) == ("paused", "alice")
    assert shown["paused"]["reason"].endswith("a look at the logs")


def test_history_names_whose_key_it_was(world, api, live):
    asked = {"action": "pause", "reason": "mine"}
    api.ask("POST", "/api/applications/shop/overrides", asked, key=SECOND_KEY)
    settle(world)

    (paused,) = [event for event in api.events(live) if event["type"] == "RolloutPaused"]
    assert paused["by"] == "bob"
    assert paused["reason"].endswith("mine")


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("pause", "no rollout is live"),
        ("resume", "no rollout is live"),
        ("promote", "no rollout is live"),
        ("approve", "no rollout is live"),
        ("unfreeze", "it is not frozen"),
        ("retry", "there is no rollout to retry"),
        ("rollback", "there is nothing to take back"),
    ],
)
def test_what_cannot_be_done_is_a_409_with_the_reason(standing, action, reason):
    answer = standing.override(action)

    assert (answer.status, answer.json()["type"]) == (409, "urn:slipway:problem:rejected")
    assert reason in answer.json()["detail"]


def test_an_override_for_a_step_that_is_over_is_refused(api, live):
    answer = api.override("skip", step=7)

    assert answer.status == 409
    assert "not at 7" in answer.json()["detail"]


def test_an_override_that_was_accepted_and_cannot_be_done_on_its_turn_is_refused_in_history(world, api, live):
    first, second = api.override("pause", reason="first"), api.override("pause", reason="second")
    settle(world)

    assert (first.status, second.status) == (202, 202)
    (refused,) = [event for event in api.events(live) if event["type"] == "CommandRefused"]
    assert refused["action"] == "pause"
    assert "paused already" in refused["reason"]


def test_an_override_without_a_rollout_points_to_the_application(world, api):
    answer = api.override("freeze", reason="holidays")
    settle(world)

    assert (answer.status, answer.location, answer.json()["rollout"]) == (202, "/api/applications/shop", None)
    frozen = api.ask("GET", answer.location).json()["frozen"]
    assert (frozen["reason"], frozen["by"]) == ("holidays", "alice")


def test_a_retry_can_be_read_at_once_under_the_id_of_the_new_rollout(world, api):
    failed = world.deploy("3", error_rate=0.5)
    assert world.run_to_end(failed) == "rolled-back"

    answer = api.override("retry")

    shown = api.ask("GET", answer.location).json()
    assert (answer.status, shown["phase"], shown["version"]) == (202, "pending", "3")
    assert shown["id"] != failed


def test_the_same_idempotency_key_is_the_same_override(world, api, live):
    headers = {"Idempotency-Key": "k1"}
    statuses = [
        api.ask("POST", "/api/applications/shop/overrides", {"action": "pause"}, headers).status for _ in range(3)
    ]
    settle(world)

    assert statuses == [202] * 3
    happened = [event["type"] for event in api.events(live)]
    assert (happened.count("RolloutPaused"), happened.count("CommandRefused")) == (1, 0)


def test_another_action_under_the_same_idempotency_key_is_another_override(world, api, live):
    headers = {"Idempotency-Key": "k1"}
    api.ask("POST", "/api/applications/shop/overrides", {"action": "pause"}, headers)
    answer = api.ask("POST", "/api/applications/shop/overrides", {"action": "rollback"}, headers)
    settle(world)

    assert answer.status == 202
    assert api.ask("GET", f"/api/rollouts/{live}").json()["phase"] in ("rolling-back", "rolled-back")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "action"),
        ({"action": "pasue"}, "action"),
        ({"action": "pause", "resaon": "x"}, "resaon"),
        ({"action": "pause", "reason": "x" * 501}, "reason"),
        ({"action": "pause", "step": 10**30}, "step"),
        ({"action": "pause", "step": 1.5}, "step"),
        ("pause", ""),
        (None, ""),
    ],
)
def test_a_wrong_field_is_named(standing, body, path):
    sent = b"" if body is None else json.dumps(body).encode()

    answer = standing.ask("POST", "/api/applications/shop/overrides", sent)

    assert answer.status == 400
    assert path in [error["path"] for error in answer.json()["errors"]]
