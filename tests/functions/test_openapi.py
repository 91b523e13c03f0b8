"""The OpenAPI document is true: valid, complete, and held against the running API by generated requests."""

import json
import re

import pytest
import schemathesis
import yaml
from jsonschema import Draft202012Validator

from shared.wire.api_document import DOCUMENT_FILE, api_document
from tests.functions.api_client import routes, running_api
from tests.fuzz.routes import operation_check, operations
from tests.scenario.world import SHOP, World

EXAMPLES = 50
"""Requests that are made up for each operation; `make fuzz` makes up others for as long as it may."""


def references(value) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(each) for each in value.values()))
    return set().union(*(references(each) for each in value)) if isinstance(value, list) else set()


def test_the_document_is_valid():
    schemathesis.openapi.from_dict(api_document()).validate()


def test_every_route_is_in_the_document_and_nothing_else():
    assert operations() == routes()


def test_an_operation_is_named_as_its_function():
    named = {
        (method.upper(), path): operation["operationId"]
        for path, item in api_document()["paths"].items()
        for method, operation in item.items()
    }

    assert len(set(named.values())) == len(named)
    assert all(re.fullmatch(r"[a-z][a-z_]+", name) for name in named.values())


def test_the_document_refers_to_nothing_outside_itself_and_to_nothing_that_is_not_there():
    for reference in references(api_document()):
        found = api_document()
        assert reference.startswith("#/"), reference
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_component_is_used():
    used = references(api_document())
    for kind in ("schemas", "parameters", "responses"):
        for name in api_document()["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name


def test_the_file_itself_names_the_schema_of_release_specs_beside_it():
    reference = json.loads(DOCUMENT_FILE.read_text())["components"]["schemas"]["ReleaseSpec"]["$ref"]

    assert (DOCUMENT_FILE.parent / reference).is_file()


def test_every_guarded_operation_knows_a_401_and_only_health_and_what_browsers_ask_first_have_no_security():
    for method, path in operations():
        operation = api_document()["paths"][path][method.lower()]
        is_open = path == "/api/health" or method == "OPTIONS"
        assert (operation.get("security") == []) is is_open
        assert ("401" in operation["responses"]) is not is_open


def test_every_operation_knows_a_403_for_the_key_of_something_else_save_where_one_credential_is_asked_for():
    for method, path in operations():
        responses = api_document()["paths"][path][method.lower()]["responses"]
        named = responses.get("403", {}).get("description", "")
        is_ours = "The key is one of this app's" in named or responses.get("403") == FORBIDDEN
        one_credential = path.startswith(("/api/flagger/", "/api/callbacks/"))
        assert is_ours is ("401" in responses and not one_credential), path


FORBIDDEN = {"$ref": "#/components/responses/Forbidden"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A release that passed its first step, was measured at the second and is paused."""
    world = World(tmp_path_factory.mktemp("world"))
    world.live = world.deploy("2")
    world.run_until(lambda: world.rollout(world.live)["step"] == 1)
    world.run_until(lambda: world.rollout(world.live)["guards"])
    world.override("pause", "a look at the logs")
    world.settle()
    return world


def assert_documented(name: str, shown: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": api_document()["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(shown)


def fields(name: str) -> set[str]:
    return set(api_document()["components"]["schemas"][name]["properties"])


def test_a_rollout_shows_the_documented_fields_and_no_others(world):
    rollout = world.rollout(world.live)

    assert_documented("Rollout", rollout)
    assert set(rollout) == fields("Rollout")
    assert set(rollout["targets"][0]) == fields("Target")
    assert set(rollout["guards"][0]) == fields("GuardReading")


def test_an_application_shows_the_documented_fields_and_no_others(world):
    application = world.app.views.application(SHOP)
    page = world.app.views.applications(None)

    assert_documented("Application", application)
    assert set(application) == fields("Application")
    assert_documented("ApplicationPage", page)
    assert set(page["applications"][0]) == fields("ApplicationLine")


def test_history_is_as_documented(world):
    page = world.app.views.history(world.live, 0)

    assert_documented("HistoryPage", page)
    assert {"RolloutStarted", "StepPassed", "WeightObserved", "RolloutPaused"} <= {e["type"] for e in page["events"]}


def test_every_example_is_as_documented():
    for path, item in api_document()["paths"].items():
        for operation in item.values():
            for media in (operation.get("requestBody", {}).get("content", {}), *contents(operation)):
                for kind, content in media.items():
                    for example in content.get("examples", {}).values():
                        value = (
                            example["value"] if isinstance(example["value"], dict) else yaml.safe_load(example["value"])
                        )
                        schema = content["schema"] | {"components": api_document()["components"]}
                        assert Draft202012Validator(schema).is_valid(value), (path, kind)


def contents(operation: dict) -> list[dict]:
    return [response["content"] for response in operation["responses"].values() if "content" in response]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api"), driven=True) as api:
        for name in ("shop", "frozen", "busy"):
            api.register(name)
        api.override("freeze", "frozen")
        api.deploy("2", "busy")
        yield api


@pytest.mark.parametrize("operation", sorted(operations()), ids=" ".join)
def test_generated_requests_get_documented_answers_only(api, operation):
    operation_check(*operation, EXAMPLES)(api=api)
