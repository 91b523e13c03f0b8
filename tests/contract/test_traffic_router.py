"""Every router divides traffic alike, in memory and by App Service's routing rules."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.app_service.hosts import AppServiceHosts
from shared.adapters.app_service.routing_rules import are_same, read_share, with_share
from shared.adapters.app_service.sites import AppServiceSites
from shared.adapters.app_service.traffic_router import AppServiceRouter
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import HangUp, Say, Silence, closed_port, scripted_server
from tests.traffic_worlds import TARGET, MemoryWorld, sandbox_world

RECORDING = Path(__file__).parents[3] / "shared/payloads/azure-recordings/app-service-slots/test_traffic_routing.json"
HOST = "shop-candidate.example"
CANDIDATE = {"name": "candidate", "actionHostName": HOST, "reroutePercentage": 25.0}
OTHER = {"name": "beta", "actionHostName": "shop-beta.example", "reroutePercentage": 10.0, "changeStep": None}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_world(tmp_path_factory.mktemp("cloud")) as world:
        yield world


@pytest.fixture(params=["memory", "app service"])
def router(request):
    world = MemoryWorld() if request.param == "memory" else request.getfixturevalue("sandbox")
    world.router.set_share(TARGET, NONE)
    yield world.router
    world.router.set_share(TARGET, NONE)


def test_a_site_that_was_never_divided_sends_nothing_to_the_candidate(router):
    assert router.read_share(TARGET) == NONE


@pytest.mark.parametrize("share", [1, 5_000, 33_333, 99_999, 100_000])
def test_the_share_that_was_set_is_the_share_in_force(router, share):
    router.set_share(TARGET, Weight(share))

    assert router.read_share(TARGET) == share


def test_setting_the_same_share_twice_is_harmless(router):
    router.set_share(TARGET, Weight(25_000))
    router.set_share(TARGET, Weight(25_000))

    assert router.read_share(TARGET) == 25_000


def test_share_zero_takes_the_rule_away(router):
    router.set_share(TARGET, Weight(25_000))

    router.set_share(TARGET, NONE)

    assert router.read_share(TARGET) == NONE


def test_the_sandbox_shows_one_rule_named_after_the_slot_and_none_at_zero(sandbox):
    sandbox.router.set_share(TARGET, Weight(33_333))
    rules = sandbox.cloud.control.site()["rules"]
    sandbox.router.set_share(TARGET, NONE)

    host = sandbox.cloud.slots["candidate"].removeprefix("http://")
    assert rules == [{"name": "candidate", "host_name": host, "percentage": 33.333}]
    assert sandbox.cloud.control.site()["rules"] == []


@pytest.mark.parametrize("share", [NONE, Weight(5_000), ALL])
def test_rules_of_others_stay_as_they_are(share):
    rules = with_share([OTHER, CANDIDATE], "candidate", HOST, share)

    assert OTHER in rules
    assert read_share(rules, HOST) == share


@pytest.mark.parametrize(
    "ours",
    [
        {"name": "Candidate", "actionHostName": "an-older-host.example", "reroutePercentage": 5.0},
        {"name": "by-hand", "actionHostName": HOST.upper(), "reroutePercentage": 5.0},
    ],
    ids=["of its name", "to its host"],
)
def test_every_rule_of_the_slot_is_replaced_by_one(ours):
    assert with_share([ours, OTHER, CANDIDATE], "candidate", HOST, Weight(50_000)) == [
        OTHER,
        {"name": "candidate", "actionHostName": HOST, "reroutePercentage": 50.0},
    ]


def test_two_rules_to_the_slot_count_together_but_never_more_than_all():
    by_hand = {"name": "by-hand", "actionHostName": HOST, "reroutePercentage": 80.0}

    assert read_share([CANDIDATE, OTHER], HOST) == 25_000
    assert read_share([CANDIDATE, by_hand], HOST) == ALL


def test_a_rule_that_ramps_up_by_itself_is_not_the_same_as_one_that_stays():
    ramping = {**CANDIDATE, "changeStep": 5.0}

    assert are_same([{**CANDIDATE, "changeStep": None}], [CANDIDATE])
    assert not are_same([ramping], with_share([ramping], "candidate", HOST, Weight(25_000)))


@pytest.fixture
def arm():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def app_service(arm):
    return router_at(arm.url)


def router_at(url, **options):
    sites = AppServiceSites(AnyToken(), base_url=url, allow_http=True, **options)
    return AppServiceRouter(sites, AppServiceHosts(sites))


SLOT_SITE = Say(200, {"properties": {"defaultHostName": HOST}})


def config(*rules):
    return Say(200, {"properties": {"numberOfWorkers": 1, "experiments": {"rampUpRules": list(rules)}}})


def test_what_is_so_already_is_not_written_again(arm, app_service):
    arm.play(SLOT_SITE, config(OTHER, {**CANDIDATE, "minReroutePercentage": None}))

    app_service.set_share(TARGET, Weight(25_000))

    assert [asked.method for asked in arm.asked] == ["GET", "GET"]


def test_nothing_but_the_rules_is_written(arm, app_service):
    arm.play(SLOT_SITE, config(OTHER), config())

    app_service.set_share(TARGET, Weight(25_000))

    other = {name: value for name, value in OTHER.items() if value is not None}
    assert arm.asked[-1].method == "PATCH"
    assert arm.asked[-1].json() == {"properties": {"experiments": {"rampUpRules": [other, CANDIDATE]}}}


@pytest.mark.parametrize("properties", [{}, {"experiments": None}, {"experiments": {"rampUpRules": None}}], ids=str)
def test_a_site_whose_rules_were_never_set_gets_its_first(arm, app_service, properties):
    arm.play(SLOT_SITE, Say(200, {"properties": properties}), config())

    app_service.set_share(TARGET, Weight(25_000))

    assert arm.asked[-1].json()["properties"]["experiments"]["rampUpRules"] == [CANDIDATE]


def test_the_host_name_is_read_once(arm, app_service):
    arm.play(SLOT_SITE, config())

    app_service.read_share(TARGET)
    app_service.read_share(TARGET)

    assert [asked.path.rpartition("/")[2] for asked in arm.asked] == ["candidate", "web", "web"]


@pytest.mark.skipif(not RECORDING.exists(), reason="the recorded ARM traffic is not beside the project")
def test_our_calls_are_those_of_the_azure_cli(arm, app_service):
    """The tool writes the whole configuration back; of that we send only the rules."""
    recorded = [pair["request"] for pair in json.loads(RECORDING.read_text())["interactions"]]
    theirs = [one for one in recorded if one["method"] == "PATCH" and one["body"]["properties"]["experiments"]]
    rule = theirs[0]["body"]["properties"]["experiments"]["rampUpRules"][0]
    target = _target_of(theirs[0]["uri"], rule["name"])
    found = next(pair for pair in json.loads(RECORDING.read_text())["interactions"] if _reads_config(pair))
    arm.play(Say(200, {"properties": {"defaultHostName": rule["actionHostName"]}}), Say(200, found["response"]["body"]))

    app_service.set_share(target, Weight(round(rule["reroutePercentage"] * 1000)))

    mine = arm.asked[-1]
    assert (mine.method, mine.path) == ("PATCH", _path(theirs[0]["uri"]))
    assert mine.json()["properties"]["experiments"] == {"rampUpRules": [rule]}
    assert (arm.asked[-2].method, arm.asked[-2].path) == ("GET", _path(found["request"]["uri"]))


def _reads_config(pair):
    return pair["request"]["method"] == "GET" and _path(pair["request"]["uri"]).endswith("/config/web")


def _path(uri):
    return uri.partition("management.azure.com")[2].partition("?")[0]


def _target_of(uri, slot):
    return replace(TARGET, resource=_path(uri).removesuffix("/config/web"), slot=slot)


@pytest.mark.parametrize("status", [408, 409, 412, 429, 500, 502, 503, 504])
def test_trouble_of_the_service_is_for_later(arm, app_service, status):
    arm.play(Say(status, {"error": {"code": "Busy", "message": "not now"}}))

    with pytest.raises(TryLaterError, match=f"HTTP {status}, Busy: not now"):
        app_service.set_share(TARGET, Weight(5_000))

    assert len(arm.asked) == 1


def test_the_time_that_the_service_asks_for_is_kept_and_not_slept(arm, app_service):
    arm.play(Say(429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": "37"}))

    with pytest.raises(TryLaterError) as caught:
        app_service.read_share(TARGET)

    assert caught.value.after_seconds == 37


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_a_refusal_is_for_good_and_says_why(arm, app_service, status):
    body = {"Code": "Forbidden", "Message": "role is missing"} if status == 403 else {"error": {"code": "No"}}
    arm.play(Say(status, body, {"Location": "http://127.0.0.1:9/elsewhere"}))

    with pytest.raises(RejectedError, match="role is missing" if status == 403 else "No"):
        app_service.read_share(TARGET)


@pytest.mark.parametrize("body", [b"<html>", b"[1, 2", b"[]", b'"text"', b'{"properties": 5}', b'{"properties": null}'])
def test_an_answer_that_cannot_be_read_is_for_later(arm, app_service, body):
    arm.play(Say(200, body))

    with pytest.raises(TryLaterError, match="site shop"):
        app_service.set_share(TARGET, Weight(5_000))


def test_no_answer_is_for_later_and_not_waited_for_twice(arm, app_service, monkeypatch):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.2)
    arm.play(Silence())

    with pytest.raises(TryLaterError):
        app_service.read_share(TARGET)

    assert len(arm.asked) == 1


def test_a_call_that_broke_off_is_tried_once_more_at_once(arm, app_service):
    arm.play(HangUp(), SLOT_SITE, config(CANDIDATE))

    assert app_service.read_share(TARGET) == 25_000


def test_a_call_that_breaks_off_twice_is_for_later(arm, app_service):
    arm.play(HangUp())

    with pytest.raises(TryLaterError):
        app_service.read_share(TARGET)

    assert len(arm.asked) == 2


def test_a_refused_connection_is_for_later():
    with pytest.raises(TryLaterError):
        router_at(f"http://127.0.0.1:{closed_port()}").read_share(TARGET)


def test_all_calls_of_a_method_share_one_deadline(arm, app_service, monkeypatch):
    monkeypatch.setattr("shared.adapters.app_service.traffic_router._CALL_SECONDS", 0.3)
    arm.play(SLOT_SITE, Silence())

    with pytest.raises(TryLaterError):
        app_service.set_share(TARGET, Weight(5_000))


def test_a_token_never_travels_over_plain_http_unless_that_is_allowed(arm):
    sites = AppServiceSites(AnyToken(), base_url=arm.url)

    with pytest.raises(TryLaterError):
        AppServiceRouter(sites, AppServiceHosts(sites)).read_share(TARGET)

    assert arm.asked == []


@pytest.mark.parametrize("resource", ["", "shop", TARGET.resource + "/slots/candidate", "/subscriptions/../x"])
def test_what_is_not_the_id_of_a_site_is_rejected(app_service, resource):
    with pytest.raises(RejectedError, match="is not the resource id"):
        app_service.read_share(replace(TARGET, resource=resource))


def test_the_sdk_is_not_imported_before_it_is_needed():
    modules = "shared.adapters.app_service.traffic_router shared.adapters.app_service.promoter "
    modules += "shared.adapters.azure_monitor.metrics_source shared.adapters.http_json.place_probe"
    names = modules.split()
    code = f"import sys, {', '.join(names)}; print([m for m in ('azure.core', 'requests') if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
