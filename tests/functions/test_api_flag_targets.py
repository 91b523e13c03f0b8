"""A flag is ramped over the real API: OFREP's users follow it, events are taken, and the kill switch ends it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any

import pytest

from tests.functions.api_client import SENDERS_KEY, Api, running_api
from tests.functions.flags_in_use import EVALUATION_KEY, SETTINGS, save

FLAG = {"key": "checkout", "type": "boolean", "default": "off"}
SECONDS = 5
USERS = 2_000
SPEC: dict[str, Any] = {
    "application": "shop",
    "targets": [{"name": "checkout", "kind": "feature-flag", "resource": "flag:production/checkout", "variant": "on"}],
    "strategy": {"canary": {"steps": [5, 25], "bake": {"min": "1h", "max": "2h"}}},
    "metrics": {"window": f"{SECONDS}s", "source": {"kind": "observations"}},
}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        with running_api(tmp_path_factory.mktemp("flag-targets"), driven=True) as running:
            save(running, FLAG)
            assert running.ask("PUT", "/api/applications/shop", SPEC).status in (200, 201)
            yield running


def wait_for(done: Callable[[], bool], seconds: float = 40) -> None:
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, "it takes too long"
        time.sleep(0.2)


def report(start: datetime, **changes: Any) -> dict[str, Any]:
    sample = {"requests": 100, "failures": 0}
    window = {"window": start.isoformat(), "seconds": SECONDS, "sender": "shop-1"}
    return {"flag": "checkout", "environment": "production", **window, "variants": {"off": sample}, **changes}


def window_before(now: datetime, number: int) -> datetime:
    length = timedelta(seconds=SECONDS)
    return now - (now - datetime(1970, 1, 1, tzinfo=UTC)) % length - number * length


def send(api: Api, document: Any, key: str = SENDERS_KEY) -> Any:
    return api.ask("POST", "/api/flags/events", document, key=key)


def enrolled(api: Api) -> set[str]:
    headers = {"Authorization": f"Bearer {EVALUATION_KEY}"}
    found = set()
    for number in range(USERS):
        body = {"context": {"targetingKey": f"user-{number}"}}
        answer = api.ask("POST", "/ofrep/v1/evaluate/flags/checkout", body, headers, key=None)
        assert answer.status == 200, answer.body
        if answer.json()["value"]:
            found.add(f"user-{number}")
    return found


def assert_share(found: set[str], percent: float) -> None:
    wanted = percent / 100
    assert abs(len(found) / USERS - wanted) <= 3 * sqrt(wanted * (1 - wanted) / USERS)


def test_a_ramp_over_the_api_is_followed_by_ofrep_and_ended_by_the_kill_switch(api):
    now = datetime.now(UTC)
    wait_for(lambda: send(api, report(window_before(now, 1))).status == 202)
    taken = send(api, {"events": [report(window_before(now, number)) for number in range(1, 30)]})
    assert (taken.status, taken.json()["accepted"], taken.json()["repeated"]) == (202, 28, 1)
    assert {note["index"] for note in taken.json()["notes"]} == set(range(29)), "nobody drives it yet"

    rollout = api.deploy("2.4.1").json()["rollout"]

    def weight() -> float:
        targets = api.ask("GET", f"/api/rollouts/{rollout}").json()["targets"]
        return float(targets[0]["observed"] or 0) if targets else 0

    wait_for(lambda: weight() == 5)
    at_5 = enrolled(api)
    assert_share(at_5, 5)
    refused = api.ask("PUT", "/api/flags/checkout?environment=production", FLAG, {"If-Match": "*"})
    assert refused.status == 409
    assert rollout in refused.json()["detail"]
    view = api.ask("GET", "/api/flags/checkout?environment=production").json()
    assert view["driven_by"] == [
        {"rollout": rollout, "rule": None, "region": None, "candidate": "on", "stable": "off", "version": "2.4.1"}
    ]

    wait_for(lambda: api.override("skip").status == 202)
    wait_for(lambda: weight() == 25)
    at_25 = enrolled(api)
    assert_share(at_25, 25)
    assert at_5 <= at_25

    began = time.monotonic()
    killed = api.ask(
        "POST", "/api/flags/checkout?environment=production", {"action": "kill", "reason": "it loses orders"}
    )
    assert killed.status == 200, killed.body
    assert enrolled(api) == set()
    wait_for(lambda: api.ask("GET", f"/api/rollouts/{rollout}").json()["phase"] == "rolled-back", 20)
    assert time.monotonic() - began < 30
    assert "it loses orders" in api.ask("GET", f"/api/rollouts/{rollout}").json()["reason"]
    wait_for(lambda: not api.ask("GET", "/api/flags/checkout?environment=production").json()["driven_by"])


def test_events_need_a_key_and_a_flag_that_is_released(api):
    good = report(window_before(datetime.now(UTC), 1))

    assert send(api, good, key="nobody's-key-0123456789").status == 401
    assert send(api, {**good, "flag": "other"}).status == 409
    assert send(api, {**good, "environment": "moon"}).status == 400
    wrong = send(api, {**good, "variants": {"off": {"requests": 1, "failures": 2}}})
    assert wrong.status == 400
    assert "variants.off.failures" in str(wrong.json())


def typo(resource: str, variant: str | None = None) -> dict[str, Any]:
    named = {} if variant is None else {"variant": variant}
    target = {"name": "checkout", "kind": "feature-flag", "resource": resource, **named}
    return {**SPEC, "application": "typo", "targets": [target]}


TYPOS = pytest.mark.parametrize(
    ("resource", "variant", "says"),
    [
        ("flag:nope/checkout", "on", "there is no environment nope, only production, test"),
        ("flag:production/checkuot", "on", "flag production/checkuot is not there"),
        ("flag:production/checkout#rule:staf", "on", "rule staf of flag production/checkout is not there"),
        ("flag:production/checkout#region:eu", "onn", "flag production/checkout has no variant onn"),
    ],
)


@TYPOS
def test_who_names_a_flag_that_is_not_there_is_warned_at_once(api, resource, variant, says):
    answer = api.ask("PUT", "/api/applications/typo", typo(resource, variant))

    assert answer.status in (200, 201)
    (warning,) = answer.json()["warnings"]
    assert f"target checkout: {says}" in warning


@TYPOS
def test_a_plan_warns_of_a_flag_that_is_not_there_as_its_registration_does(api, resource, variant, says):
    warned = api.ask("PUT", "/api/applications/typo", typo(resource, variant)).json()["warnings"]

    assert api.ask("GET", "/api/applications/typo/plan").json()["warnings"] == warned
    assert api.ask("POST", "/api/plan", typo(resource, variant)).json()["warnings"] == warned
    plan = api.ask("GET", "/api/applications/typo/plan?version=2.4.1").json()
    assert plan["not_now"] == warned[0]
    admission = api.ask("POST", "/api/applications/typo/admission", {"version": "2.4.1"}).json()
    assert admission == {"admitted": False, "reason": warned[0]}


def test_a_version_that_names_no_variant_is_not_for_now(api):
    api.ask("PUT", "/api/applications/typo", typo("flag:production/checkout#region:us"))

    named, mistyped = (
        api.ask("GET", f"/api/applications/typo/plan?version={version}").json() for version in ("on", "onn")
    )
    assert (named["not_now"], named["warnings"]) == (None, [])
    assert "flag production/checkout has no variant onn" in mistyped["not_now"]
    assert api.ask("POST", "/api/applications/typo/admission", {"version": "on"}).json()["admitted"] is True


def test_who_names_a_flag_that_is_there_is_not_warned(api):
    answer = api.ask("PUT", "/api/applications/typo", typo("flag:production/checkout#region:us"))
    assert (answer.status, answer.json()["warnings"]) == (200, [])
    assert api.ask("GET", "/api/applications/typo/plan").json()["warnings"] == []
