"""Plans over HTTP: what a release would come to, before anything runs and without anything stored."""

import json
from datetime import datetime, timedelta

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.wire.api_document import api_document
from tests.functions.api_client import SPEC, running_api
from tests.functions.present_world import present_world, settle

APP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.App/containerApps/shop"
AT = "2026-11-24T09:00:00Z"
ON_APP = SPEC | {
    "targets": [{"name": "app", "kind": "container-app", "resource": APP}],
    "strategy": {"canary": {"steps": [12.5, 12.6, 50]}},
    "metrics": {"source": {"kind": "observations"}},
}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api")) as api:
        yield api


def assert_documented(plan) -> None:
    schema = {"$ref": "#/components/schemas/Plan", "components": api_document()["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(plan)
    assert set(plan) == set(api_document()["components"]["schemas"]["Plan"]["properties"])


def test_the_plan_of_a_registered_spec_is_shown_with_its_times(api):
    api.register("planned")

    answer = api.ask("GET", f"/api/applications/planned/plan?at={AT}")

    plan = answer.json()
    assert answer.status == 200
    assert_documented(plan)
    assert [step["weight"] for step in plan["steps"]] == [5, 25, 50, 95]
    assert plan["steps"][0]["begins"] == {"earliest": AT, "latest": "2026-11-24T09:10:00Z"}
    assert plan["steps"][0]["ends"] == {"earliest": "2026-11-24T09:03:00Z", "latest": "2026-11-24T09:40:00Z"}
    assert plan["total"]["says"] == "at best 29 min, at worst 2 h 40 min, if it never pauses"
    assert (plan["returns"], plan["not_now"]) == (False, None)


def test_without_a_time_it_is_reckoned_from_now(api):
    api.register("planned-now")

    plan = api.ask("GET", "/api/applications/planned-now/plan").json()

    assert abs(datetime.fromisoformat(plan["at"]) - datetime.now().astimezone()) < timedelta(minutes=5)


def test_a_spec_that_is_not_registered_is_planned_and_not_stored(api):
    answer = api.ask("POST", f"/api/plan?at={AT}", ON_APP | {"application": "only-planned"})

    plan = answer.json()
    assert answer.status == 200
    assert_documented(plan)
    assert plan["steps"][0]["rounding"] == ["12.5 % becomes 13 % on app (container-app)"]
    assert plan["steps"][0]["targets"] == [
        {"name": "app", "kind": "container-app", "wave": 1, "weight": 13, "rounded": True}
    ]
    assert plan["warnings"] == [
        "steps 0 and 1 both come to 13 % on app (container-app): the second one moves nobody there"
    ]
    assert api.ask("GET", "/api/applications/only-planned").status == 404


def test_yaml_and_json_give_the_same_plan_and_so_does_the_registered_spec(api):
    spec = ON_APP | {"application": "both"}
    api.ask("PUT", "/api/applications/both", spec)

    by_json = api.ask("POST", f"/api/plan?at={AT}", spec).json()
    in_yaml = yaml.safe_dump(spec).encode()
    by_yaml = api.ask("POST", f"/api/plan?at={AT}", in_yaml, {"Content-Type": "application/yaml"}).json()

    assert by_json == by_yaml == api.ask("GET", f"/api/applications/both/plan?at={AT}").json()


def test_a_spec_that_cannot_be_is_refused_as_it_would_be_when_it_is_put(api):
    wrong = json.dumps(ON_APP | {"application": "wrong", "whenBusy": "never", "guard": []}).encode()

    planned = api.ask("POST", "/api/plan", wrong, {"Content-Type": "application/json"})
    put = api.ask("PUT", "/api/applications/wrong", wrong, {"Content-Type": "application/json"})

    assert planned.status == put.status == 400
    assert planned.json() == put.json()
    assert {error["path"] for error in planned.json()["errors"]} == {"whenBusy", "guard"}


@pytest.mark.parametrize(
    ("query", "field"), [("at=noon", "at"), ("at=1999-01-01T00:00:00Z", "at"), ("version=a%20b", "version")]
)
def test_what_cannot_be_asked_is_refused_by_its_name(api, query, field):
    api.register("asked")

    answer = api.ask("GET", f"/api/applications/asked/plan?{query}")

    assert answer.status == 400
    assert [error["path"] for error in answer.json()["errors"]] == [field]


def test_an_empty_question_asks_nothing(api):
    api.register("unasked")

    answer = api.ask("GET", "/api/applications/unasked/plan?version=&at=")

    assert (answer.status, answer.json()["version"]) == (200, None)


def test_nobody_gets_a_plan_without_a_key_or_of_what_is_not_there(api):
    assert api.ask("GET", "/api/applications/shop/plan", key=None).status == 401
    assert api.ask("POST", "/api/plan", SPEC, key=None).status == 401
    assert api.ask("GET", "/api/applications/not-there/plan").status == 404
    assert api.ask("GET", "/api/applications/Not_A_Name/plan").status == 404


def test_the_version_before_has_a_plan_of_its_own_while_it_is_kept_warm(tmp_path):
    world = present_world(tmp_path)
    with running_api(tmp_path) as api:
        rollout = world.deploy("2")
        settle(world)
        assert world.run_to_end(rollout) == "succeeded"

        back = api.ask("GET", "/api/applications/shop/plan?version=1").json()
        again = api.ask("GET", "/api/applications/shop/plan?version=2").json()
        on = api.ask("GET", "/api/applications/shop/plan?version=3").json()
        world.override("freeze", "stocktaking")
        settle(world)
        frozen = api.ask("GET", "/api/applications/shop/plan?version=1").json()

    assert frozen["not_now"] == "frozen by alice: stocktaking; the override rollback goes back to it all the same"
    assert (back["returns"], [step["kind"] for step in back["steps"]]) == (True, ["promote"])
    assert_documented(back)
    assert again["not_now"] == f"version 2 is what {rollout} brings"
    assert (on["returns"], on["not_now"], len(on["steps"])) == (False, None, 4)


def test_a_freeze_is_said_and_hides_nothing(tmp_path):
    world = present_world(tmp_path)
    with running_api(tmp_path) as api:
        world.override("freeze", "stocktaking")
        settle(world)

        plan = api.ask("GET", "/api/applications/shop/plan").json()

    assert plan["not_now"].startswith("frozen by alice: ")
    assert "stocktaking" in plan["not_now"]
    assert len(plan["steps"]) == 4
