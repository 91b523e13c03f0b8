"""Alerts over the queue: the same as over HTTP, and what is no alert is laid aside once, with its reason."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.sqlite.broker import SqliteBroker
from shared.ports.command_queue import WakeUp
from shared.wire.message_properties import of_attempt
from shared.wire.wake_ups import encode_wake_up
from tests.functions.alerts import NO_SAMPLES, SAMPLES, about_our_site, alert
from tests.functions.api_client import ALERTS, eventually, running_api
from tests.functions.present_world import present_world, settle


@pytest.fixture
def world(tmp_path):
    world = present_world(tmp_path)
    world.live = world.deploy("2")
    world.run_until(lambda: world.rollout(world.live)["weight"] > 0)
    world.settle()
    return world


def letters(api) -> list[dict]:
    return api.ask("GET", "/api/dead-letters").json()["dead_letters"]


def wait_until_taken(api) -> None:
    eventually(lambda: api.broker.depth(ALERTS) == 0)


@pytest.mark.skipif(not SAMPLES, reason=NO_SAMPLES)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_real_alert_about_our_site_takes_the_release_back(world, api, sample):
    api.put_on_queue(about_our_site(sample))
    wait_until_taken(api)
    settle(world)

    assert "AlertReceived" in world.happened(world.live)
    assert world.phase(world.live) in ("rolling-back", "rolled-back")
    assert letters(api) == []


def test_an_alert_that_concerns_nobody_is_done_with(api):
    api.put_on_queue(json.dumps(alert(target="/subscriptions/other")).encode())
    wait_until_taken(api)

    assert letters(api) == []
    assert api.broker.dead_letters(ALERTS) == ()


def test_the_same_alert_over_both_ways_is_one(world, api):
    api.put_on_queue(json.dumps(alert()).encode())
    wait_until_taken(api)
    assert api.ask("POST", "/api/events/azure-monitor", alert()).status == 202
    settle(world)

    assert world.happened(world.live).count("AlertReceived") == 1


@pytest.mark.parametrize(
    ("body", "reason", "kept"),
    [
        (b"garbage", "not JSON", "garbage"),
        (b"", "empty", ""),
        (b"\xff\xfe", "UTF-8", "\ufffd\ufffd"),
        (b"[1]", "allowed is an alert", "[1]"),
        (b'{"schemaId":"AzureMonitorMetricAlert","data":{}}', "common alert schema", '{"schemaId":'),
        (b"\x01" * 200_000, "not JSON", "\x01" * 64_000),
        ("ü".encode() * 100_000, "not JSON", "ü" * 64_000),
    ],
    ids=["no JSON", "nothing", "no text", "a list", "another schema", "control characters", "two bytes each"],
)
def test_what_is_no_alert_is_laid_aside_with_reason_and_body_and_not_delivered_again(api, body, reason, kept):
    api.put_on_queue(body)
    wait_until_taken(api)

    (letter,) = letters(api)
    assert letter["source"] == "azure-monitor"
    assert (reason in letter["reason"]) or (reason == "UTF-8" and "not JSON" in letter["reason"]), letter["reason"]
    assert letter["body"].startswith(kept)
    assert len(letter["body"]) <= 64_000
    assert letter["at"].endswith("Z")
    assert api.broker.dead_letters(ALERTS) == ()


def test_the_same_garbage_twice_is_one_letter(api):
    for _ in range(3):
        api.put_on_queue(b"garbage")
    wait_until_taken(api)

    assert len(letters(api)) == 1


def test_letters_are_read_page_by_page(api):
    for number in range(60):
        api.put_on_queue(b"garbage %d" % number)
    wait_until_taken(api)

    first = api.ask("GET", "/api/dead-letters").json()
    second = api.ask("GET", f"/api/dead-letters?after={first['next']}").json()
    assert (len(first["dead_letters"]), len(second["dead_letters"]), second["next"]) == (50, 10, None)
    assert len({letter["id"] for letter in first["dead_letters"] + second["dead_letters"]}) == 60


def test_what_the_broker_gave_up_is_taken_over_from_its_dead_letter_queues(tmp_path):
    broker = SqliteBroker(tmp_path / "queue.db", now=lambda: datetime.now(UTC))
    for queue, session in ((ALERTS, None), ("slipway-commands", "application:shop")):
        broker.declare(queue, sessions=session is not None)
        broker.send(queue, queue.encode(), message_id="m1", session_id=session)
        if session:
            broker.accept_session(queue, session, "me")
        given_up = broker.receive(queue, session=session, owner="me")
        broker.dead_letter(given_up, "MaxDeliveryCountExceeded", "no worker took it")
    broker.close()

    with running_api(tmp_path, driven=True) as api:
        found = eventually(lambda: letters(api) if len(letters(api)) == 2 else None)
        eventually(lambda: not api.broker.dead_letters(ALERTS) and not api.broker.dead_letters("slipway-commands"))

    why = "the queue gave it up: MaxDeliveryCountExceeded: no worker took it"
    assert {(letter["source"], letter["body"], letter["reason"]) for letter in found} == {
        ("azure-monitor", ALERTS, why),
        ("commands", "slipway-commands", why),
    }
    assert [letter["history"][0]["attempts"] for letter in found] == [1, 1]


def test_a_letter_tells_how_often_the_broker_had_delivered_it(tmp_path):
    broker = SqliteBroker(tmp_path / "queue.db", now=lambda: datetime.now(UTC), max_delivery_count=4)
    broker.declare(ALERTS, sessions=False)
    broker.send(ALERTS, b"an alert that kills its worker", message_id="m1", properties=of_attempt(2))
    while (given_up := broker.receive(ALERTS, owner="me")) is not None:
        broker.abandon(given_up)
    broker.close()

    with running_api(tmp_path) as api:
        (letter,) = eventually(lambda: letters(api))

    assert letter["history"][0]["attempts"] == 2 + 4


def test_an_alert_that_cannot_be_stored_for_seconds_is_put_back_for_longer_each_time_and_taken_when_it_can(
    world, api, tmp_path
):
    writer = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    api.broker.send(ALERTS, json.dumps(alert()).encode(), message_id="m", properties=of_attempt(2))
    eventually(lambda: api.broker.next_due(ALERTS) is None, 30)
    again_at = eventually(lambda: api.broker.next_due(ALERTS), 30)
    assert again_at - datetime.now(UTC) > timedelta(seconds=2)
    writer.execute("ROLLBACK")
    writer.close()

    wait_until_taken(api)
    settle(world)
    assert world.happened(world.live).count("AlertReceived") == 1
    assert api.broker.dead_letters(ALERTS) == ()


def test_what_is_no_wake_up_is_laid_aside_too(tmp_path):
    with running_api(tmp_path, driven=True) as api:
        api.broker.send("slipway-commands", b"garbage", message_id="m1", session_id="application:shop")
        (letter,) = eventually(lambda: letters(api))

    assert (letter["source"], letter["body"]) == ("commands", "garbage")


def test_a_wake_up_of_a_newer_release_goes_back_to_its_queue_as_it_came_and_is_no_letter(tmp_path):
    body = encode_wake_up(WakeUp(key="application:shop", fence="")).replace(b"wake-up/1", b"wake-up/2")
    with running_api(tmp_path, driven=True) as api:
        api.broker.send("slipway-commands", body, message_id="m1", session_id="application:shop")
        due = eventually(lambda: (at := api.broker.next_due("slipway-commands")) and at > datetime.now(UTC) and at, 30)

        assert timedelta(seconds=30) < due - datetime.now(UTC) <= timedelta(seconds=60)
        assert api.broker.depth("slipway-commands") == 1
        assert letters(api) == []
