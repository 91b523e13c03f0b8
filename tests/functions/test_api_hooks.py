"""What hooks call back over the real host: from whom it is taken, once, and what everybody else is told."""

import json
import logging
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.domain.rollout.hooks import GithubWorkflow, HookState, HookStatus, Webhook
from shared.domain.rollout.spec import Hook, Outcome, Stage
from shared.wire.hook_signature import signed_headers
from tests.functions.api_client import (
    A_CALL,
    ALERT_KEY,
    FLAGGER_KEY,
    HOOK_SECRET,
    HOOKS_KEY,
    KEY,
    SHOP_HOOKS_KEY,
    running_api,
)
from tests.functions.present_world import present_world, settle

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "hooks.md"
ADDRESS = "https://hooks.example/migrate?key=in-the-address"
PLAIN = Webhook(url=ADDRESS)
SIGNED = Webhook(url=ADDRESS, secret_setting="SLIPWAY_SECRET_HOOKS")
WORKFLOW = GithubWorkflow(repository="team/shop", workflow="migrate.yml", ref="main", token_setting="SLIPWAY_SECRET_GH")
DONE = {"status": "succeeded", "detail": "12 rows"}
HOURS = timedelta(hours=20)


@pytest.fixture
def world(tmp_path):
    world = present_world(tmp_path)
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING))
    return world


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """An API, and the id of a call that is under way there for good: nobody drives what is accepted."""
    world = present_world(tmp_path_factory.mktemp("standing"))
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING))
    call_id = under_way(world)
    with running_api(world.folder) as api:
        yield api, call_id


def under_way(world, call=PLAIN, at=Stage.EXPAND, **fields):
    """A rollout whose hook was called and has not answered yet; returns the call's id."""
    world.respec(hooks=(Hook(name="migrate", at=at, call=call, timeout=HOURS, **fields),))
    world.live = world.deploy("2")
    world.settle()
    return world.hooks.called[-1].call_id


def report(api, call_id, body=DONE, *, application="shop", key=SHOP_HOOKS_KEY, headers=None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"X-API-Key": key} if key else {}
    return api.ask("POST", f"/api/callbacks/hooks/{application}/{call_id}", content, sent | (headers or {}), key=None)


def signed(call_id, body=DONE, secret=HOOK_SECRET, now=None):
    return signed_headers(secret, call_id, json.dumps(body).encode(), now or datetime.now(UTC))


def ended(world, rollout):
    return [(e["hook"], e["status"]) for e in world.events(rollout) if e["type"] == "HookEnded"]


def test_what_is_called_back_is_accepted_and_the_rollout_goes_on(world, api):
    call_id = under_way(world)

    answer = report(api, call_id)

    assert (answer.status, answer.json()) == (202, {"application": "shop", "call": call_id, "status": "succeeded"})
    settle(world)
    assert ended(world, world.live) == [("migrate", {"state": "succeeded", "detail": "12 rows", "progress": ""})]
    assert world.share() > 0


def test_how_far_it_is_shows_in_the_rollout(world, api):
    call_id = under_way(world)

    assert report(api, call_id, {"status": "running", "progress": "3 of 9"}).status == 202
    settle(world)

    hook = api.ask("GET", f"/api/rollouts/{world.live}").json()["hook"]
    assert (hook["id"], hook["state"], hook["progress"]) == (call_id, "running", "3 of 9")


def test_a_failure_takes_the_rollout_back(world, api):
    report(api, under_way(world), {"status": "failed", "detail": "no such table"})
    settle(world)
    world.run_to_end(world.live)

    assert world.phase(world.live) == "failed"
    assert "no such table" in world.rollout(world.live)["reason"]


def test_the_address_that_a_call_names_is_the_one_that_takes_its_answer(world, api):
    under_way(world)
    [call] = world.hooks.called
    path = call.body["callback"].removeprefix("https://slipway.example")

    assert api.ask("POST", path, DONE, {"X-API-Key": SHOP_HOOKS_KEY}, key=None).status == 202


@pytest.mark.parametrize("call", [PLAIN, WORKFLOW], ids=["webhook", "workflow"])
def test_a_key_of_the_application_of_all_hooks_or_of_an_operator_opens(world, api, call):
    call_id, going = under_way(world, call), {"status": "running"}

    for key in (SHOP_HOOKS_KEY, HOOKS_KEY, KEY):
        assert report(api, call_id, going, key=key).status == 202
        assert report(api, call_id, going, key=None, headers={"Authorization": f"Bearer {key}"}).status == 202


@pytest.mark.parametrize("key", [None, "wrong", ALERT_KEY, FLAGGER_KEY, SHOP_HOOKS_KEY.upper(), HOOK_SECRET])
def test_other_keys_open_nothing_and_are_told_nothing_of_what_there_is(standing, key):
    api, call_id = standing
    for application, call in (("shop", call_id), ("shop", A_CALL), ("nobody", call_id), ("No_Name", "%20")):
        answer = report(api, call, application=application, key=key)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_key_in_the_address_opens_nothing(standing):
    api, call_id = standing
    for key in (SHOP_HOOKS_KEY, HOOKS_KEY, KEY):
        assert report(api, f"{call_id}?code={key}", key=None).status == 401


def test_the_key_of_one_applications_hooks_is_not_good_for_another_and_for_nothing_else(standing):
    api, _ = standing
    api.register("other")

    assert report(api, A_CALL, application="other", key=SHOP_HOOKS_KEY).status == 401
    assert report(api, A_CALL, application="other", key=HOOKS_KEY).status == 404
    for key in (SHOP_HOOKS_KEY, HOOKS_KEY):
        for path in ("/api/applications/shop", "/api/openapi.json"):
            assert api.ask("GET", path, headers={"X-API-Key": key}, key=None).status == 403
        assert api.ask("POST", "/api/events/azure-monitor", b"{}", {"X-API-Key": key}, key=None).status == 403


def test_a_webhook_that_is_signed_to_signs_its_answer(world, api):
    call_id = under_way(world, SIGNED)

    assert report(api, call_id, key=None, headers=signed(call_id)).status == 202
    settle(world)
    assert ended(world, world.live) != []


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_what_the_guide_says_of_signing_is_taken(world, api):
    [script] = [each for each in re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL) if "openssl" in each]
    call_id = under_way(world, SIGNED)
    where = f"{api.url}/api/callbacks/hooks/shop/{call_id}"
    env = {**os.environ, "ID": call_id, "KEY": HOOK_SECRET, "CALLBACK": where, "no_proxy": "127.0.0.1"}

    ran = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True)

    assert json.loads(ran.stdout) == {"application": "shop", "call": call_id, "status": "succeeded"}


def test_where_calls_are_signed_nothing_unsigned_is_taken_but_an_operators_word(world, api):
    call_id, now = under_way(world, SIGNED), datetime.now(UTC)
    forged = [
        {},
        signed(call_id, secret="another-key"),
        signed(call_id, secret=""),
        signed(A_CALL),
        signed(call_id, {"status": "failed"}),
        signed(call_id, now=now - timedelta(minutes=6)),
        signed(call_id, now=now + timedelta(minutes=6)),
        {**signed(call_id), "X-Slipway-Timestamp": "soon"},
        {**signed(call_id), "X-Slipway-Signature": "sha256="},
    ]

    for key in (None, SHOP_HOOKS_KEY, HOOKS_KEY):
        assert {report(api, call_id, key=key, headers=headers).status for headers in forged} == {401}
    settle(world)
    assert ended(world, world.live) == []
    assert report(api, call_id, key=KEY).status == 202


def test_a_signature_says_nothing_where_calls_are_not_signed(world, api):
    call_id = under_way(world, PLAIN)

    assert report(api, call_id, key=None, headers=signed(call_id)).status == 401
    assert report(api, call_id, headers=signed(call_id, secret="another-key")).status == 202


@pytest.mark.parametrize("setting", ["SLIPWAY_SECRET_NOT_THERE", "SLIPWAY_KEYS"])
def test_a_key_that_is_not_there_or_is_the_apps_own_signs_nothing(world, api, setting):
    call_id = under_way(world, Webhook(url=ADDRESS, secret_setting=setting))

    for secret in ("", "None", f"alice={KEY};bob=another-operators-key-0123456789"):
        assert report(api, call_id, key=None, headers=signed(call_id, secret=secret)).status == 401


def test_the_same_answer_again_is_the_same(world, api):
    call_id = under_way(world)

    assert [report(api, call_id).status for _ in range(3)] == [202] * 3
    settle(world)
    world.run_until(lambda: world.rollout(world.live)["step"] > 0)
    assert report(api, call_id).status == 202
    settle(world)

    assert len(ended(world, world.live)) == 1
    assert "CommandRefused" not in world.happened(world.live)


def test_a_signed_answer_can_be_repeated_when_the_call_is_over(world, api):
    call_id = under_way(world, SIGNED)
    report(api, call_id, key=None, headers=signed(call_id))
    settle(world)
    world.run_until(lambda: world.rollout(world.live)["step"] > 0)

    later = datetime.now(UTC) + timedelta(seconds=2)
    assert report(api, call_id, key=None, headers=signed(call_id, now=later)).status == 202


def test_an_answer_that_names_itself_is_the_same_whatever_it_says(world, api):
    call_id = under_way(world)

    first = report(api, call_id, headers={"Idempotency-Key": "run-7"})
    again = report(api, call_id, {"status": "failed"}, headers={"Idempotency-Key": "run-7"})
    settle(world)

    assert (first.status, again.status) == (202, 202)
    assert [status["state"] for _, status in ended(world, world.live)] == ["succeeded"]


def test_another_answer_when_the_call_is_over_is_a_409_that_says_so(world, api):
    call_id = under_way(world)
    report(api, call_id)
    settle(world)

    for body in ({"status": "failed"}, {"status": "running"}, {"status": "succeeded"}):
        answer = report(api, call_id, body)
        assert (answer.status, answer.json()["type"]) == (409, "urn:slipway:problem:rejected")
        assert call_id in answer.json()["detail"]
    world.run_to_end(world.live)
    assert report(api, call_id, {"status": "failed"}).status == 409


def test_a_hook_that_is_called_again_may_fail_in_the_same_words_again(world, api):
    call_id, failed = under_way(world, otherwise=Outcome.PAUSE), {"status": "failed", "detail": "locked"}
    report(api, call_id, failed)
    settle(world)
    assert world.phase(world.live) == "paused"
    world.override("resume")
    world.settle()
    assert world.phase(world.live) == "waiting"

    assert report(api, call_id, failed).status == 202
    settle(world)
    assert world.phase(world.live) == "paused"
    assert len(ended(world, world.live)) == 2


def test_a_hook_that_is_called_when_all_is_over_is_heard_too(world, api):
    world.respec(hooks=(Hook(name="tell", at=Stage.AFTER_PROMOTION, call=PLAIN, timeout=HOURS),))
    rollout = world.deploy("2")
    world.run_to_end(rollout)
    world.settle()
    [call] = world.hooks.called
    [duty] = api.ask("GET", "/api/applications/shop").json()["duties"]

    assert (duty["id"], duty["rollout"], duty["state"]) == (call.call_id, rollout, "running")
    assert report(api, call.call_id).status == 202
    settle(world)
    assert ended(world, rollout)[0][0] == "tell"
    assert api.ask("GET", "/api/applications/shop").json()["duties"] == []
    assert report(api, call.call_id, {"status": "failed"}).status == 409


@pytest.mark.parametrize(
    "call_id",
    [
        A_CALL,
        "smoke",
        "shop-0123456789ab",
        "x" * 128,
        "x" * 129,
        "a%20b",
        "-x",
        "..",
        "%2e%2e",
        "shop-0123456789ab.x.migrate",
    ],
)
def test_a_call_that_nobody_made_is_a_404(standing, call_id):
    api, _ = standing

    answer = report(api, call_id)

    assert (answer.status, answer.json()["type"] if answer.body else None) in (
        (404, "urn:slipway:problem:not-found"),
        (404, None),
    )


def test_another_hook_of_the_same_rollout_and_another_rollout_are_404(standing):
    api, call_id = standing
    assert report(api, call_id.replace("migrate", "smoke")).status == 404
    assert report(api, f"shop-ffffffffffff.{call_id.partition('.')[2]}").status == 404


@pytest.mark.parametrize("application", ["nobody", "No_Name"])
def test_an_application_that_nobody_registered_is_a_404_that_says_what_to_do(standing, application):
    api, _ = standing
    answer = report(api, A_CALL, application=application, key=HOOKS_KEY if application == "nobody" else KEY)

    assert answer.status == 404
    assert "there is no application" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["status"]),
        ({"status": "done"}, ["status"]),
        ({"status": "failed", "detail": 7, "progress": "x" * 201}, ["detail", "progress"]),
        ({"status": "failed", "result": 1}, ["result"]),
        (b"", [""]),
        (b"{", [""]),
        (b"x" * 100_000, [""]),
    ],
)
def test_a_wrong_answer_is_a_400_that_names_each_field(standing, body, paths):
    api, call_id = standing
    answer = report(api, call_id, body)

    assert answer.status == 400
    assert [error["path"] for error in answer.json()["errors"]] == paths


def test_an_odd_idempotency_key_is_a_400(standing):
    api, call_id = standing
    answer = report(api, call_id, headers={"Idempotency-Key": " "})

    assert [error["path"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


def test_a_body_over_256_kb_is_a_413(standing):
    api, call_id = standing
    assert report(api, call_id, b" " * (256 * 1024 + 1)).status == 413


def test_a_store_that_is_down_is_a_503_and_nothing_is_told_without_a_key(world, api, tmp_path):
    call_id = under_way(world, SIGNED)
    assert report(api, call_id, {"status": "running"}, key=KEY).status == 202
    (tmp_path / "store.db").rename(tmp_path / "away.db")
    (tmp_path / "store.db").mkdir()
    try:
        answers = [report(api, call_id, key=KEY), report(api, call_id, key=None, headers=signed(call_id))]
        nobody = report(api, call_id, key=None)
    finally:
        (tmp_path / "store.db").rmdir()
        (tmp_path / "away.db").rename(tmp_path / "store.db")

    assert [(answer.status, answer.json()["detail"]) for answer in answers] == [(503, "Nothing was decided.")] * 2
    assert all("retry-after" in answer.headers for answer in answers)
    assert nobody.status == 401


def test_no_key_and_no_address_stands_in_the_log_or_in_history(world, api, caplog):
    caplog.set_level(logging.DEBUG)
    call_id = under_way(world, SIGNED)
    report(api, call_id, headers=signed(call_id))
    report(api, call_id, {"status": "done"}, key=KEY, headers=signed(call_id))
    settle(world)

    history = api.ask("GET", f"/api/rollouts/{world.live}/history").body.decode()
    shown = api.ask("GET", f"/api/rollouts/{world.live}").body.decode()
    for told in (caplog.text, history, shown):
        for secret in (HOOK_SECRET, SHOP_HOOKS_KEY, "in-the-address"):
            assert secret not in told
    assert "hooks.example" in history
