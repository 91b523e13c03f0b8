"""Hooks that are webhooks, over a real socket."""

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.adapters.webhook.hook_caller import WebhookCaller
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.hooks import ContainerAppsJob, HookState, HookStatus, Webhook
from shared.wire.hook_signature import is_signed
from tests.scripted_server import Drip, HangUp, Say, Silence, closed_port, scripted_server

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ID = "shop-0123456789ab.1.migrate"
BODY = {"rollout": "shop-0123456789ab", "version": "2", "step": 1, "why": "für 12 %", "id": "another"}
SECRETS = {"TEAM_HOOK_KEY": "s3cret", "SLIPWAY_KEYS": "alice=the-key-of-an-operator", "ServiceBus": "Endpoint=sb://a"}


@pytest.fixture
def hook():
    with scripted_server(Say(200)) as server:
        yield server


@pytest.fixture
def caller():
    return WebhookCaller(SECRETS.get, allow_http=True, now=lambda: NOON)


def webhook(server, path="/", **fields):
    return Webhook(url=f"{server.url}{path}", **fields)


def test_a_call_is_posted_under_its_id_and_signed_with_the_key_that_the_setting_holds(hook, caller):
    caller.call(webhook(hook, "/in?code=1", secret_setting="TEAM_HOOK_KEY"), ID, BODY)

    (asked,) = hook.asked
    assert (asked.method, asked.target) == ("POST", "/in?code=1")
    assert asked.json() == {**BODY, "id": ID}
    assert asked.headers["idempotency-key"] == asked.headers["x-slipway-id"] == ID
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert asked.headers["x-slipway-timestamp"] == str(int(NOON.timestamp()))
    assert is_signed(asked.headers, "s3cret", ID, asked.body, NOON)


def test_a_call_made_again_is_the_same_to_the_byte_also_when_the_first_is_in_doubt(hook, caller):
    caller.call(webhook(hook), ID, BODY)
    caller.call(webhook(hook), ID, BODY, in_doubt_since=NOON)

    first, again = hook.asked
    assert (first.body, first.headers) == (again.body, again.headers)


def test_a_call_without_a_key_is_not_signed(hook, caller):
    caller.call(webhook(hook), ID, BODY)

    assert "x-slipway-signature" not in hook.asked[0].headers


@pytest.mark.parametrize("setting", ["OTHER_KEY", "SLIPWAY_KEYS", "ServiceBus"])
def test_a_call_whose_key_is_not_there_or_not_for_specs_is_not_made(hook, caller, setting):
    with pytest.raises(RejectedError, match=r"hook: .*(is not there|Slipway's own)") as caught:
        caller.call(webhook(hook, secret_setting=setting), ID, BODY)

    assert hook.asked == []
    assert SECRETS.get(setting, "none") not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Say(200), HookStatus(HookState.SUCCEEDED)),
        (Say(201, b"\n"), HookStatus(HookState.SUCCEEDED)),
        (Say(204), HookStatus(HookState.SUCCEEDED)),
        (Say(202), HookStatus(HookState.RUNNING)),
        (Say(200, {"status": "succeeded"}), HookStatus(HookState.SUCCEEDED)),
        (Say(202, {"status": "succeeded"}), HookStatus(HookState.SUCCEEDED)),
        (Say(200, {"status": "running", "progress": "1 of 2"}), HookStatus(HookState.RUNNING, "", "1 of 2")),
        (Say(200, {"status": "failed", "detail": "no\n room", "more": 7}), HookStatus(HookState.FAILED, "no room")),
        (Say(200, {"status": "running", "detail": ["x"], "progress": 7}), HookStatus(HookState.RUNNING)),
    ],
)
def test_an_answer_says_how_the_call_stands(hook, caller, answer, status):
    hook.play(answer)

    assert caller.call(webhook(hook), ID, BODY).status == status


@pytest.mark.parametrize(
    "body",
    [
        b"ok",
        b"{",
        b"<html>Sign in</html>",
        b"[]",
        b'{"ok": true}',
        b'{"status": "done"}',
        b'{"status": "unknown"}',
        b'{"status": "Succeeded"}',
        b'{"status": "succeeded", "status": "failed"}',
        b'{"status": true}',
        b"\xff\xfe",
    ],
)
def test_a_success_whose_body_cannot_be_read_is_none(hook, caller, body):
    hook.play(Say(200, body))

    with pytest.raises(TryLaterError, match="answered 200 with a body that is not read"):
        caller.call(webhook(hook), ID, BODY)


def test_an_answer_that_is_too_long_is_not_read(hook, caller):
    hook.play(Say(200, {"status": "succeeded", "detail": "x" * 70_000}))

    with pytest.raises(TryLaterError, match=r'answered 200 with more than 65536 bytes.*it begins: {"status": "succ'):
        caller.call(webhook(hook), ID, BODY)


def test_an_answer_that_is_not_understood_is_told_by_its_first_words_without_our_address(hook, caller):
    hook.play(Say(200, b"\n <html>Sign in\nto /T0KEN/x?code=K3Y " + b"please " * 20))

    with pytest.raises(TryLaterError) as caught:
        caller.call(webhook(hook, "/T0KEN/x?code=K3Y"), ID, BODY)

    first_words = str(caught.value).partition("; it begins: ")[2]
    assert first_words.startswith("<html>Sign in to ***?*** please please")
    assert len(first_words) == 80


def test_long_texts_are_cut(hook, caller):
    hook.play(Say(200, {"status": "running", "detail": "x" * 5000, "progress": "y" * 5000}))

    status = caller.call(webhook(hook), ID, BODY).status

    assert (len(status.detail), len(status.progress)) == (1000, 200)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_trouble_of_the_other_side_is_for_later(hook, caller, status):
    hook.play(Say(status, headers={"Retry-After": "60"}))

    with pytest.raises(TryLaterError, match=str(status)) as caught:
        caller.call(webhook(hook), ID, BODY)

    assert caught.value.after_seconds == 60


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 410, 422])
def test_a_refusal_is_for_good_in_the_words_of_the_answer_and_no_redirect_is_followed(hook, caller, status):
    hook.play(Say(status, {"error": "this version cannot be migrated"}, {"Location": "/elsewhere"}))

    with pytest.raises(RejectedError, match=f"{status}, this version cannot be migrated"):
        caller.call(webhook(hook), ID, BODY)

    assert len(hook.asked) == 1


@pytest.mark.parametrize("step", [Silence(), Drip(), HangUp()], ids=["silence", "drip", "hang-up"])
def test_no_answer_in_time_leaves_the_call_in_doubt(hook, caller, monkeypatch, step):
    monkeypatch.setattr("shared.adapters.webhook.hook_caller._SECONDS", 0.5)
    hook.play(step)

    with pytest.raises(UnansweredError, match=r"hook: 127\.0\.0\.1"):
        caller.call(webhook(hook), ID, BODY)


def test_a_refused_connection_began_nothing(caller):
    with pytest.raises(TryLaterError, match="the connection was refused") as caught:
        caller.call(Webhook(url=f"http://127.0.0.1:{closed_port()}/"), ID, BODY)

    assert not isinstance(caught.value, UnansweredError)


@pytest.mark.parametrize(
    "url", ["http://hook.example/", "ftp://hook.example/", "hook.example", "https://", "file:///etc/passwd",
            "https://user:word@hook.example/", "https://ho\nok/", "https://hök/"],
)  # fmt: skip
def test_a_url_that_is_not_https_is_refused(url):
    with pytest.raises(RejectedError, match="the URL must be https"):
        WebhookCaller(SECRETS.get).call(Webhook(url=url), ID, BODY)


@pytest.mark.parametrize(
    "step",
    [
        Say(500, b"Cannot POST /T0KEN/x?code=K3Y"),
        Say(404, b"Cannot POST /T0KEN/x"),
        Say(404, {"message": "no T0KEN"}),
        Say(400, b"code K3Y is wrong"),
        HangUp(),
        Say(200, b"{"),
        Say(200, b'{"status": "T0KEN"}'),
        Say(200, b"{" + b" " * 400 + b"T0KEN K3Y"),
        Say(200, b"/T0KEN/x?code=K3Y" + b"x" * 70_000),
    ],
)
def test_neither_path_nor_query_nor_key_reach_an_error_or_a_log(hook, caller, caplog, step):
    caplog.set_level(logging.DEBUG)
    hook.play(step)

    with pytest.raises((TryLaterError, RejectedError)) as caught:
        caller.call(webhook(hook, "/T0KEN/x?code=K3Y", secret_setting="TEAM_HOOK_KEY"), ID, BODY)

    told = f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert not any(secret in told for secret in ("T0KEN", "K3Y", "s3cret"))


def test_a_result_that_takes_time_is_asked_for_at_the_location(hook, caller):
    polled = webhook(hook, "/in", secret_setting="TEAM_HOOK_KEY", polls=True)
    hook.play(Say(202, headers={"Location": f"{hook.url}/runs/7?code=K3Y"}))
    started = caller.call(polled, ID, BODY)
    hook.play(Say(202, {"status": "running", "progress": "half"}), Say(200, {"status": "failed", "detail": "full"}))

    halfway, ended = (caller.look(polled, started.token, ID) for _ in range(2))

    assert started.token == "/runs/7?code=K3Y"
    assert halfway == HookStatus(HookState.RUNNING, "", "half")
    assert ended == HookStatus(HookState.FAILED, "full")
    asked = hook.asked[0]
    assert (asked.method, asked.target, asked.headers["x-slipway-id"]) == ("GET", "/runs/7?code=K3Y", ID)
    assert is_signed(asked.headers, "s3cret", ID, b"", NOON)


@pytest.mark.parametrize("location", ["runs/7", "/runs/7", "?id=7"])
def test_a_location_may_be_relative(hook, caller, location):
    hook.play(Say(202, headers={"Location": location}))

    token = caller.call(webhook(hook, "/in", polls=True), ID, BODY).token

    assert token in ("/runs/7", "/in?id=7")


@pytest.mark.parametrize(
    "location",
    [
        "https://169.254.169.254/metadata",
        "http://127.0.0.1:1/runs/7",
        "//evil.example/runs/7",
        "ftp://127.0.0.1/x",
        "http://[",
        "/runs/ü",
        "/runs/" + "7" * 2000,
        None,
    ],
)
def test_a_location_elsewhere_is_never_asked_and_the_callback_waited_for(hook, caller, location):
    hook.play(Say(202, headers={"Location": location} if location else {}))
    polled = webhook(hook, polls=True)

    started = caller.call(polled, ID, BODY)

    assert started.token == ""
    assert started.status.detail == "no Location on the same host: waiting for the callback"
    assert caller.look(polled, started.token, ID) == HookStatus(HookState.RUNNING, "waiting for the callback")
    assert len(hook.asked) == 1


def test_a_webhook_that_calls_back_is_not_asked(hook, caller):
    hook.play(Say(202, headers={"Location": "/runs/7"}))

    started = caller.call(webhook(hook), ID, BODY)

    assert (started.token, started.status.state) == ("", HookState.RUNNING)
    assert caller.look(webhook(hook), "/runs/7", ID).state is HookState.RUNNING
    assert len(hook.asked) == 1


@pytest.mark.parametrize("token", ["https://evil.example/", "@evil.example/", "x", "/a b", "/a#b", "/a\\b", "/a\nb"])
def test_a_token_that_is_no_path_is_refused(hook, caller, token):
    with pytest.raises(RejectedError, match="not the token"):
        caller.look(webhook(hook, polls=True), token, ID)

    assert hook.asked == []


def test_a_token_asks_no_other_host_whatever_stands_in_it(hook, caller):
    caller.look(webhook(hook, polls=True), "//evil.example/x", ID)

    assert [asked.target.lstrip("/") for asked in hook.asked] == ["evil.example/x"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_call_that_the_other_side_has_forgotten_is_for_a_person(hook, caller, status):
    hook.play(Say(status))

    assert caller.look(webhook(hook, polls=True), "/runs/7", ID).state is HookState.UNKNOWN


@pytest.mark.parametrize("answer", [Say(503), Say(200, b"{"), HangUp()])
def test_a_look_that_fails_is_for_later(hook, caller, answer):
    hook.play(answer)

    with pytest.raises(TryLaterError):
        caller.look(webhook(hook, polls=True), "/runs/7", ID)


def test_another_kind_of_hook_is_refused(caller):
    with pytest.raises(RejectedError, match="ContainerAppsJob is no webhook"):
        caller.call(ContainerAppsJob(resource="x"), ID, BODY)


def test_the_body_is_json_in_utf_8(hook, caller):
    caller.call(webhook(hook), ID, BODY)

    assert "für 12 %".encode() in hook.asked[0].body
    assert json.loads(hook.asked[0].body)["id"] == ID


def test_a_call_is_known_by_the_check_that_the_guide_shows(hook):
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "hooks.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    shown: dict = {}
    exec(code, shown)
    now = WebhookCaller(SECRETS.get, allow_http=True)

    now.call(webhook(hook, secret_setting="TEAM_HOOK_KEY"), ID, BODY)

    (asked,) = hook.asked
    headers = {name.title(): value for name, value in asked.headers.items()}
    assert shown["is_from_slipway"](headers, asked.body, "s3cret")
    assert not shown["is_from_slipway"](headers, asked.body + b" ", "s3cret")
