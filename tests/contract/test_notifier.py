"""Every notifier delivers alike, in memory and to webhooks."""

import hashlib
import hmac
import json
import logging
import time

import pytest

from shared.adapters.memory.notifier import MemoryNotifier, Posted
from shared.adapters.webhook.notifier import HttpNotifier
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.spec import Notification, Topic
from tests.scripted_server import Drip, HangUp, Say, Silence, closed_port, scripted_server

BODY = json.dumps({"topic": "rolled-back", "why": "Fehlerrate zu hoch: 12 % > 5 %"}, ensure_ascii=False)
SECRETS = {"TEAM_HOOK_KEY": "s3cret", "SLIPWAY_KEYS": "alice=the-key-of-an-operator", "ServiceBus": "Endpoint=sb://a"}


@pytest.fixture
def hook():
    with scripted_server(Say(200)) as server:
        yield server


@pytest.fixture
def notifier():
    return HttpNotifier(SECRETS.get, allow_http=True)


def team(url, secret_setting=None):
    return Notification(name="team", url=url, topics=(Topic.ROLLED_BACK,), secret_setting=secret_setting)


class MemoryHook:
    def __init__(self):
        self.notifier = MemoryNotifier(lambda: None)
        self.url = "https://hook.example/"

    def break_down(self):
        self.notifier.fail()

    def taken(self):
        return self.notifier.posted


class HttpHook:
    def __init__(self, server):
        self.notifier = HttpNotifier(SECRETS.get, allow_http=True)
        self.url = server.url
        self._server = server

    def break_down(self):
        self._server.play(Say(503))

    def taken(self):
        return [Posted("team", asked.headers["x-slipway-id"], asked.body.decode()) for asked in self._server.asked]


@pytest.fixture(params=["memory", "webhook"])
def world(request):
    return MemoryHook() if request.param == "memory" else HttpHook(request.getfixturevalue("hook"))


def test_a_message_arrives_as_it_is_under_its_id(world):
    world.notifier.notify(team(world.url), "shop-1:7", BODY)

    assert world.taken() == [Posted("team", "shop-1:7", BODY)]


def test_a_message_sent_again_keeps_its_id(world):
    world.notifier.notify(team(world.url), "shop-1:7", BODY)
    world.notifier.notify(team(world.url), "shop-1:7", BODY)

    assert [posted.message_id for posted in world.taken()] == ["shop-1:7", "shop-1:7"]


def test_a_message_that_was_not_taken_is_for_later(world):
    world.break_down()

    with pytest.raises(TryLaterError):
        world.notifier.notify(team(world.url), "shop-1:7", BODY)


def test_the_body_is_json_and_signed_with_the_key_that_the_setting_holds(hook, notifier):
    notifier.notify(team(f"{hook.url}/in?code=1", "TEAM_HOOK_KEY"), "id", BODY)

    (asked,) = hook.asked
    wanted = hmac.new(b"s3cret", asked.body, hashlib.sha256).hexdigest()
    assert (asked.method, asked.target) == ("POST", "/in?code=1")
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert asked.headers["x-slipway-signature"] == f"sha256={wanted}"


def test_a_message_without_a_key_is_not_signed(hook, notifier):
    notifier.notify(team(hook.url), "id", BODY)

    assert "x-slipway-signature" not in hook.asked[0].headers


def test_a_message_whose_key_is_not_there_is_not_sent_unsigned(hook, notifier):
    with pytest.raises(RejectedError, match="the app setting OTHER_KEY is not there"):
        notifier.notify(team(hook.url, "OTHER_KEY"), "id", BODY)

    assert hook.asked == []


@pytest.mark.parametrize("setting", ["SLIPWAY_KEYS", "ServiceBus"])
def test_nothing_is_signed_with_the_apps_own_settings_also_for_a_spec_of_before(hook, notifier, setting):
    with pytest.raises(RejectedError, match=r"notification team: .* Slipway's own") as caught:
        notifier.notify(team(hook.url, setting), "id", BODY)

    assert SECRETS[setting] not in str(caught.value)
    assert hook.asked == []


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_success_is_one(hook, notifier, status):
    hook.play(Say(status))

    notifier.notify(team(hook.url), "id", BODY)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_trouble_of_the_other_side_is_for_later(hook, notifier, status):
    hook.play(Say(status, headers={"Retry-After": "60"}))

    with pytest.raises(TryLaterError, match=str(status)) as caught:
        notifier.notify(team(hook.url), "id", BODY)

    assert caught.value.after_seconds == 60


def test_a_retry_after_may_be_a_date(hook, notifier):
    hook.play(Say(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}))

    with pytest.raises(TryLaterError) as caught:
        notifier.notify(team(hook.url), "id", BODY)

    assert caught.value.after_seconds == 0


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 410, 413])
def test_a_refusal_is_for_good_and_no_redirect_is_followed(hook, notifier, status):
    hook.play(Say(status, headers={"Location": "/elsewhere"}))

    with pytest.raises(RejectedError, match=str(status)):
        notifier.notify(team(hook.url), "id", BODY)

    assert len(hook.asked) == 1


@pytest.mark.parametrize("step", [Silence(), Drip(), HangUp()], ids=["silence", "drip", "hang-up"])
def test_no_answer_in_time_is_for_later(hook, notifier, monkeypatch, step):
    monkeypatch.setattr("shared.adapters.webhook.notifier._SECONDS", 0.3)
    hook.play(step)
    began = time.monotonic()

    with pytest.raises(TryLaterError, match="notification team"):
        notifier.notify(team(hook.url), "id", BODY)

    assert time.monotonic() - began < 1.5


def test_a_refused_connection_is_for_later(notifier):
    with pytest.raises(TryLaterError, match="the connection was refused"):
        notifier.notify(team(f"http://127.0.0.1:{closed_port()}"), "id", BODY)


def test_an_answer_that_is_not_http_is_for_later(notifier):
    with scripted_server(Say(200)) as hook, pytest.raises(TryLaterError):
        notifier.notify(team(hook.url.replace("http:", "https:")), "id", BODY)


@pytest.mark.parametrize(
    "url",
    [
        "http://hook.example/",
        "ftp://hook.example/",
        "hook.example",
        "https://",
        "https://[",
        "file:///etc/passwd",
        "https://ho\nok/",
        "https://hök/",
    ],
)
def test_a_url_that_is_not_https_is_rejected(url):
    with pytest.raises(RejectedError, match="the URL must be https"):
        HttpNotifier(SECRETS.get).notify(team(url), "id", BODY)


@pytest.mark.parametrize("step", [Say(500), Say(404), HangUp()], ids=["500", "404", "broken off"])
def test_neither_path_nor_query_nor_key_reach_an_error_or_a_log(hook, notifier, caplog, step):
    caplog.set_level(logging.DEBUG)
    hook.play(step)

    with pytest.raises((TryLaterError, RejectedError)) as caught:
        notifier.notify(team(f"{hook.url}/T0KEN?code=K3Y", "TEAM_HOOK_KEY"), "id", BODY)

    told = f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert not any(secret in told for secret in ("T0KEN", "K3Y", "s3cret"))
