"""Applications over HTTP: specs in, views out, pages of them."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import yaml

from tests.functions.api_client import SITE, SPEC, running_api
from tests.functions.present_world import present_world, settle
from tests.scenario.world import World

MANY = 230


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api")) as api:
        yield api


def named(name: str, **changes) -> dict:
    """A spec for an application of this name, on a site of its own."""
    target = {**SPEC["targets"][0], "resource": SITE.replace("/sites/shop", f"/sites/{name}")}
    return {**SPEC, "application": name, "targets": [target], **changes}


def test_a_spec_that_is_put_twice_is_created_once(api):
    created, again = api.register("twice"), api.register("twice")

    assert (created.status, again.status) == (201, 200)
    assert created.location == again.location == "/api/applications/twice"
    assert created.json()["spec_revision"] == again.json()["spec_revision"] == 1


def test_a_changed_spec_is_a_new_revision_of_the_same_application(api):
    api.register("changed")

    answer = api.register("changed", alerts={"onFired": "note"})

    assert (answer.status, answer.json()["spec_revision"]) == (200, 2)
    assert api.ask("GET", "/api/applications/changed").json()["spec"]["alerts"] == {"onFired": "note"}


@pytest.mark.parametrize("content_type", ["application/yaml", "text/yaml; charset=utf-8", "text/plain", None])
def test_a_spec_may_be_yaml(api, content_type):
    body = yaml.safe_dump(named("in-yaml")).encode()

    answer = api.ask("PUT", "/api/applications/in-yaml", body, {"Content-Type": content_type} if content_type else {})

    assert answer.status in (200, 201)


def test_the_spec_that_is_shown_can_be_put_again_and_changes_nothing(api):
    shown = api.register("again").json()["spec"]

    answer = api.ask("PUT", "/api/applications/again", shown)

    assert (answer.status, answer.json()["spec_revision"]) == (200, 1)


def test_a_spec_for_another_application_than_the_address_names_is_refused(api):
    answer = api.ask("PUT", "/api/applications/other", named("shop"))

    assert answer.status == 400
    assert answer.json()["errors"][0]["path"] == "application"
    assert api.ask("GET", "/api/applications/other").status == 404


def test_a_target_that_another_application_has_is_a_409_that_names_the_field_and_the_application(api):
    api.register("holder")
    taken = {**SPEC["targets"][0], "resource": SITE.replace("/sites/shop", "/sites/HOLDER"), "slot": "another"}

    answer = api.ask("PUT", "/api/applications/latecomer", named("latecomer", targets=[taken]))

    assert (answer.status, answer.json()["type"]) == (409, "urn:slipway:problem:rejected")
    assert answer.json()["detail"].startswith("targets[0].resource: the application holder ")
    assert api.ask("GET", "/api/applications/latecomer").status == 404


def test_a_release_window_that_lies_in_the_past_is_warned_of_in_the_answer_and_not_refused(api):
    past = {"name": "launch", "allow": {"from": "2020-01-01T09:00:00", "until": "2020-01-01T17:00:00"}}

    answer = api.register("belated", releaseWindows=[past])

    assert answer.status == 201
    assert answer.json()["warnings"] == [
        "it cannot end: release windows do not let it go on within a year",
        "release window launch lies in the past, it ended at 2020-01-01T17:00:00 (UTC): it allows nothing any more",
    ]
    assert api.register("timely").json()["warnings"] == []


def test_a_window_that_never_opens_or_ends_is_warned_of_as_the_plan_warns(api):
    never = {"name": "leap", "allow": "0 9 29 2 *", "for": "1h"}
    endless = {"name": "closed", "deny": "0 0 * * *", "for": "1d"}
    for name, window in (("leaping", never), ("closed", endless)):
        answer = api.register(name, releaseWindows=[window])
        plan = api.ask("GET", f"/api/applications/{name}/plan").json()

        assert answer.status == 201
        assert answer.json()["warnings"] == plan["warnings"]
        assert plan["warnings"] == ["it cannot end: release windows do not let it go on within a year"]


def test_an_app_setting_that_is_named_and_not_there_is_warned_of(api):
    there = {"url": "https://hooks.example.org/a", "secretSetting": "SLIPWAY_SECRET_HOOKS"}
    gone = {"url": "https://hooks.example.org/a", "secretSetting": "SLIPWAY_SECRET_NOPE"}
    workflow = {"repository": "team/shop", "workflow": "a.yml", "ref": "main", "tokenSetting": "SLIPWAY_SECRET_GH"}
    hooks = [
        {"name": "good", "at": "before-rollout", "webhook": there},
        {"name": "bad", "at": "before-rollout", "webhook": gone},
        {"name": "load", "at": "before-rollout", "github": workflow},
    ]
    people = [{"name": "team", "url": "https://hooks.example.org/b", "topics": ["stuck"], "secretSetting": "TEAM_KEY"}]

    answer = api.register("keyless", hooks=hooks, notifications=people)

    assert answer.status == 201, answer.json()
    assert [warning.partition(",")[0] for warning in answer.json()["warnings"]] == [
        "hook bad needs the app setting SLIPWAY_SECRET_NOPE",
        "hook load needs the app setting SLIPWAY_SECRET_GH",
        "notification team needs the app setting TEAM_KEY",
    ]


def test_a_wrong_yaml_spec_names_every_field_with_its_line(api):
    text = yaml.safe_dump(named("shop", guard=[], whenBusy="queue"), sort_keys=False)

    answer = api.ask("PUT", "/api/applications/shop", text.encode(), {"Content-Type": "application/yaml"})

    assert answer.status == 400
    errors = {error["path"]: error for error in answer.json()["errors"]}
    assert set(errors) == {"guard", "whenBusy"}
    assert "did you mean guards?" in errors["guard"]["detail"]
    assert all(error["line"] > 1 for error in errors.values())


@pytest.mark.parametrize("slack", [{}, [], None, "x"])
def test_a_ratio_where_none_may_be_is_refused_whatever_is_in_it(api, slack):
    guard = {"name": "g", "metric": "requests", "ratio": {"max": 1, "slack": slack}}

    answer = api.ask("PUT", "/api/applications/shop", named("shop", guards=[guard]))

    assert answer.status == 400
    assert "guards[0].ratio" in {error["path"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("path", ["", "/admission", "/overrides"])
@pytest.mark.parametrize("name", ["nobody", "Nobody", "größe", "a b", "a%2Fb", "x" * 3000, "#?\\", "'; --", "{name}"])
def test_an_application_that_is_not_there_is_a_404(api, path, name):
    body = {"action": "pause"} if path == "/overrides" else None

    answer = api.ask("POST" if path else "GET", f"/api/applications/{quote(name, safe='%')}{path}", body)

    assert (answer.status, answer.json()["type"]) == (404, "urn:slipway:problem:not-found")
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("no application can have this name" in answer.json()["detail"]) is (name != "nobody")


def test_admission_is_given_where_nothing_is_under_way_and_withheld_with_a_reason(api):
    api.register("admitting")

    assert api.ask("POST", "/api/applications/admitting/admission").json() == {"admitted": True, "reason": None}
    assert api.ask("POST", "/api/applications/admitting/admission", {"version": "2"}).json()["admitted"] is True
    assert api.ask("POST", "/api/applications/admitting/admission", {"verison": "2"}).status == 400


def test_admission_is_withheld_while_a_release_is_past_the_point_of_being_superseded(tmp_path):
    world = World(tmp_path)
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "promoting")

    with running_api(tmp_path) as api:
        answer = api.ask("POST", "/api/applications/shop/admission").json()

    assert answer["admitted"] is False
    assert rollout in answer["reason"]


def test_a_long_list_is_read_page_by_page_each_application_once(tmp_path):
    world = present_world(tmp_path)
    names = [f"app-{number:03d}" for number in range(MANY)]
    with running_api(tmp_path) as api:
        for name in names:
            assert api.register(name).status == 201
        settle(world)
        pages = list(read_pages(api))

    assert [len(page) for page in pages] == [200, MANY + 1 - 200]
    assert sorted(line["application"] for page in pages for line in page) == [*names, "shop"]


def read_pages(api) -> Iterator[list[dict]]:
    after = ""
    while after is not None:
        page = api.ask("GET", f"/api/applications?after={quote(after)}").json()
        yield page["applications"]
        after = page["next"]


@pytest.mark.parametrize(
    "after",
    [
        "garbage",
        "16:",
        "99:x",
        "1:x",
        "-1:x",
        "²²:x",
        "00",
        ":",
        "00:a b",
        "0" * 5000,
        "00:" + "x" * 201,
        "00:%00",
        "%FF",
    ],
)
@pytest.mark.parametrize("route", ["applications", "dead-letters"])
def test_an_after_that_no_page_gave_is_refused(api, route, after):
    encoded = after if "%" in after else quote(after)

    answer = api.ask("GET", f"/api/{route}?after={encoded}")

    if route == "dead-letters" and after.isascii() and len(after) <= 200 and not set(after) & set(" %"):
        assert answer.status == 200
    else:
        assert (answer.status, answer.json()["errors"][0]["path"]) == (400, "after")


def test_the_name_of_a_resource_in_a_spec_may_be_in_any_case(api):
    target = {**SPEC["targets"][0], "resource": SITE.upper()}

    assert api.ask("PUT", "/api/applications/loud", named("loud", targets=[target])).status == 201


def test_a_spec_that_is_json_is_told_from_yaml_without_a_content_type(api):
    answer = api.ask("PUT", "/api/applications/bare", json.dumps(named("bare")).encode())

    assert answer.status == 201
