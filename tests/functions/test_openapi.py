"""The OpenAPI document is true: valid, complete, and held against the running API by generated requests."""

import json
import re

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test

from shared.wire.api_document import DOCUMENT_FILE, api_document
from tests.functions.api_client import KEY, routes, running_api
from tests.scenario.world import SHOP, World

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def operations() -> set[tuple[str, str]]:
    return {
        (method.upper(), path) for path, item in api_document()["paths"].items() for method in item if method in METHODS
    }


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


CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"with-security-parameters": False},
        "checks": {
            "unsupported_method": {"enabled": False},  # the Functions host answers 404, here as on Azure
            "positive_data_acceptance": {"enabled": False},  # a valid shape may break a rule, or name what is not there
        },
    }
)
SCHEMA = schemathesis.openapi.from_dict(api_document(), config=CONFIG)
load_all_checks()


def is_refused_by_the_server(case) -> bool:
    """Headers that are no UTF-8 never reach a function, here as on Azure."""
    return not all(str(value).isascii() for value in (case.headers or {}).values())


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api"), driven=True) as api:
        for name in ("shop", "frozen", "busy"):
            api.register(name)
        api.override("freeze", "frozen")
        api.deploy("2", "busy")
        yield api


@settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def check_answer(case, api):
    answer = case.call(base_url=api.url, headers={"X-API-Key": KEY}, timeout=30)

    if is_refused_by_the_server(case):
        assert (answer.status_code, answer.content) == (400, b"")
    else:
        case.validate_response(answer, headers={"X-API-Key": KEY}, transport_kwargs={"timeout": 30})


@pytest.mark.parametrize("operation", sorted(operations()), ids=" ".join)
def test_generated_requests_get_documented_answers_only(api, operation):
    """What `SCHEMA.parametrize` does, but for one operation and when it is its turn.

    That thinks the requests of all operations up where tests are only collected: half a minute in each process.
    """
    method, path = operation
    check = build_operation_test(
        config=SCHEMA.config,
        operation=SCHEMA[path][method],
        test_func=check_answer,
        given_kwargs={},
        feedback=FeedbackSources(),
    )

    check(api=api)
