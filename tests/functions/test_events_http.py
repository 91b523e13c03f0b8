"""Alerts over HTTP: matched by resource id, done what the spec says, let in by a key of the source's own."""

import json
import logging
import re

import pytest

from tests.functions.alerts import NO_SAMPLES, OTHER_SCHEMAS, SAMPLES, about_our_site, alert
from tests.functions.api_client import ALERT_KEY, KEY, OTHER_SOURCE_KEY, SITE, running_api
from tests.functions.present_world import present_world, settle

PATH = "/api/events/azure-monitor"


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """An API for requests that change nothing that matters, with the shop registered."""
    folder = tmp_path_factory.mktemp("standing")
    present_world(folder).settle()
    with running_api(folder) as api:
        yield api


def received(api, rollout: str) -> list[dict]:
    return [event for event in api.events(rollout) if event["type"] == "AlertReceived"]


@pytest.mark.skipif(not SAMPLES, reason=NO_SAMPLES)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_real_alert_about_our_site_takes_the_release_back(world, api, live, sample):
    answer = api.ask("POST", PATH, about_our_site(sample))
    settle(world)

    assert (answer.status, answer.json()) == (202, {"applications": ["shop"], "ignored": False})
    assert api.ask("GET", f"/api/rollouts/{live}").json()["phase"] in ("rolling-back", "rolled-back")
    (event,) = received(api, live)
    assert (event["fired"], event["effect"]) == (True, "rolled back")
    assert world.share() == 0


@pytest.mark.skipif(not SAMPLES, reason=NO_SAMPLES)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_real_alert_that_was_resolved_is_noted(world, api, live, sample):
    answer = api.ask("POST", PATH, about_our_site(sample, fired=False))
    settle(world)

    assert answer.json() == {"applications": ["shop"], "ignored": False}
    assert [(event["fired"], event["effect"]) for event in received(api, live)] == [(False, "noted: it was resolved")]
    assert api.ask("GET", f"/api/rollouts/{live}").json()["phase"] == "progressing"


@pytest.mark.skipif(not OTHER_SCHEMAS, reason=NO_SAMPLES)
@pytest.mark.parametrize("sample", OTHER_SCHEMAS, ids=lambda path: path.stem)
def test_a_real_alert_in_another_schema_is_refused_with_the_way_out(standing, sample):
    answer = standing.ask("POST", PATH, sample.read_bytes())

    assert answer.status == 400
    assert re.search("schema|is not JSON", answer.json()["detail"])


@pytest.mark.parametrize(
    "target",
    [
        SITE,
        SITE.lower(),
        SITE.upper(),
        f"{SITE}/",
        f"{SITE}/slots/candidate",
        f" {SITE.upper()}/SLOTS/CANDIDATE ",
    ],
)
def test_a_resource_is_known_in_any_case_and_by_its_slot(standing, target):
    assert standing.ask("POST", PATH, alert(target=target)).json()["applications"] == ["shop"]


def test_a_resource_in_a_dimension_of_a_log_alert_counts_too(standing):
    document = alert(target="/subscriptions/s/resourcegroups/g/providers/microsoft.operationalinsights/workspaces/w")
    dimensions = [{"name": "_ResourceId", "value": SITE.lower()}]
    document["data"]["alertContext"] = {"condition": {"allOf": [{"dimensions": dimensions}]}}

    assert standing.ask("POST", PATH, document).json()["applications"] == ["shop"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (f"{SITE}-2", "no application has a target on"),
        ("/subscriptions/other", "no application has a target on"),
        (None, "the alert names no resource"),
    ],
)
def test_an_alert_that_concerns_nobody_is_ignored_and_says_why(world, api, live, target, reason):
    answer = api.ask("POST", PATH, alert(target=target))
    settle(world)

    assert (answer.status, answer.json()["ignored"], answer.json()["applications"]) == (202, True, [])
    assert reason in answer.json()["reason"]
    assert received(api, live) == []


def test_the_same_alert_twice_is_one(world, api, live):
    for _ in range(3):
        assert api.ask("POST", PATH, alert()).status == 202
    settle(world)
    assert api.ask("POST", PATH, alert()).json()["applications"] == ["shop"]
    settle(world)

    assert len(received(api, live)) == 1


def test_one_alert_fires_and_is_resolved_as_two(world, api, live):
    world.respec(on_alert="note")
    api.ask("POST", PATH, alert())
    api.ask("POST", PATH, alert(fired=False))
    settle(world)

    assert sorted(event["fired"] for event in received(api, live)) == [False, True]


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (f"?code={ALERT_KEY}", {}),
        ("", {"X-API-Key": ALERT_KEY}),
        ("", {"Authorization": f"Bearer {ALERT_KEY}"}),
    ],
    ids=["address", "header", "bearer"],
)
def test_the_sources_own_key_opens_the_source(standing, query, headers):
    assert standing.ask("POST", f"{PATH}{query}", alert(), headers, key=None).status == 202


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/applications"),
        ("GET", "/api/applications/shop"),
        ("PUT", "/api/applications/shop"),
        ("POST", "/api/applications/shop/overrides"),
        ("POST", "/api/deployments"),
        ("GET", "/api/dead-letters"),
        ("POST", "/api/events/elsewhere"),
        ("POST", "/api/events/AZURE-MONITOR"),
    ],
)
def test_the_sources_own_key_opens_nothing_else(standing, method, path):
    # Where no source's key may stand in the address, it is not looked for there.
    in_address = standing.ask(method, f"{path}?code={ALERT_KEY}", b"{}", key=None).status
    assert in_address == (403 if path.startswith("/api/events/") else 401)
    assert standing.ask(method, path, b"{}", {"X-API-Key": ALERT_KEY}, key=None).status == 403


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (KEY, 401),
        (OTHER_SOURCE_KEY, 403),
        ("wrong", 401),
        (ALERT_KEY[:-1], 401),
        ("%FF", 401),
        (f"{ALERT_KEY}&code={ALERT_KEY}", 401),
    ],
)
def test_another_code_does_not_open_the_source(standing, code, status):
    assert standing.ask("POST", f"{PATH}?code={code}", alert(), key=None).status == status


def test_a_source_with_a_key_whose_events_nobody_reads_is_a_404(standing):
    answer = standing.ask("POST", f"/api/events/elsewhere?code={OTHER_SOURCE_KEY}", alert(), key=None)

    assert answer.status == 404
    assert "azure-monitor" in answer.json()["detail"]


def test_the_code_stands_in_no_line_of_the_log(standing, caplog):
    caplog.set_level(logging.DEBUG)

    standing.ask("POST", f"{PATH}?code={ALERT_KEY}", alert(), key=None)
    standing.ask("POST", f"{PATH}?code={ALERT_KEY}", b"garbage", key=None)

    assert "take_event" in caplog.text
    assert "garbage" not in caplog.text
    assert ALERT_KEY not in caplog.text
    assert "code=" not in caplog.text


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"monitorCondition": "Acknowledged"}, "data.essentials.monitorCondition"),
        ({"alertId": None}, "data.essentials.alertId"),
        ({"firedDateTime": "yesterday"}, "data.essentials.firedDateTime"),
    ],
)
def test_what_an_alert_cannot_be_understood_without_is_named(standing, change, path):
    answer = standing.ask("POST", PATH, alert(**change))

    assert answer.status == 400
    assert [error["path"] for error in answer.json()["errors"]] == [path]


def test_fields_that_nobody_knows_are_ignored_in_a_foreign_format(standing):
    document = json.loads(json.dumps(alert()))
    document["new"] = document["data"]["new"] = document["data"]["essentials"]["new"] = {"deep": [1, 2]}

    assert standing.ask("POST", PATH, document).status == 202
