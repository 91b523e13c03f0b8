"""Numbers pushed in over HTTP: who may, what is answered, and whom the last sender of a window wakes."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.rollout.timing import window_floor
from shared.wire.wake_ups import parse_wake_up
from tests.functions.api_client import ALERT_KEY, KEY, SENDERS_KEY, Api, running_api
from tests.functions.present_world import present_world, settle
from tests.unit.wire.otlp_samples import CUMULATIVE, duration_point, histogram, request, resource

WINDOW = timedelta(seconds=15)
PUSHED = {"window": "15s", "source": {"kind": "observations"}}
OBSERVATIONS = "/api/observations"
METRICS = "/api/observations/v1/metrics"
QUEUE = "slipway-commands"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """An API with an application that is measured by what is pushed, and one that is not."""
    with running_api(tmp_path_factory.mktemp("api")) as api:
        assert api.register("shop", metrics=PUSHED).status == 201
        assert api.register("asked").status == 201
        yield api


def last_window() -> datetime:
    """The start of the newest window that has ended."""
    return window_floor(datetime.now(UTC), WINDOW) - WINDOW


def saw(sender: str, requests: int = 100, failures: int = 0, **changes: Any) -> dict[str, Any]:
    fields = {
        "application": "shop",
        "version": "1",
        "window": last_window().isoformat(),
        "seconds": 15,
        "sender": sender,
        "requests": requests,
        "failures": failures,
    }
    return {**fields, **changes}


def push(api: Api, body: Any, headers: dict[str, str] | None = None, *, key: str | None = SENDERS_KEY):
    return api.ask("POST", OBSERVATIONS, body, headers, key=key)


def test_an_observation_is_accepted_and_its_repeat_is_told(api):
    told = saw("once")

    first, again = push(api, told), push(api, told)

    assert (first.status, first.json()) == (202, {"accepted": 1, "repeated": 0, "refused": []})
    assert (again.status, again.json()) == (202, {"accepted": 0, "repeated": 1, "refused": []})


@pytest.mark.parametrize(
    ("key", "query", "status"),
    [
        (SENDERS_KEY, "", 202),
        (KEY, "", 202),
        (None, f"?code={SENDERS_KEY}", 202),
        (ALERT_KEY, "", 403),
        (None, f"?code={ALERT_KEY}", 403),
        (None, f"?code={KEY}", 401),
        (None, "", 401),
    ],
)
def test_a_sender_has_a_key_of_its_own_and_an_operators_key_does_too(api, key, query, status):
    assert api.ask("POST", f"{OBSERVATIONS}{query}", saw(f"key {status}"), key=key).status == status


def test_the_senders_key_opens_nothing_else(api):
    assert api.ask("GET", "/api/applications", key=SENDERS_KEY).status == 403
    assert api.ask("POST", "/api/events/azure-monitor", {}, key=SENDERS_KEY).status == 403


def test_the_sender_may_be_named_by_the_header(api):
    told = {name: value for name, value in saw("").items() if name != "sender"}

    first = push(api, told, {"X-Slipway-Sender": "by-header-1"})
    other = push(api, told, {"X-Slipway-Sender": "by-header-2"})

    assert (first.json()["accepted"], other.json()["accepted"]) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"application": "nobody"}, 404, "PUT its release spec first"),
        ({"application": "asked"}, 409, "metrics.source.kind observations"),
        ({"target": "other"}, 400, "target"),
        ({"seconds": 30, "window": 1_795_510_800}, 400, "seconds"),
        ({"window": 1_795_510_800}, 400, "window"),
        ({"window": 1_000_000_005}, 400, "window"),
        ({"failures": 101}, 400, "failures"),
        ({"values": {"orders": 1}}, 400, "values.orders"),
        ({"weight": 5}, 400, "weight"),
    ],
)
def test_what_is_refused_is_named(api, changes, status, says):
    answer = push(api, saw("refused", **changes))

    assert answer.status == status
    problem = answer.json()
    assert says in problem.get("detail", "") or says in [error["path"] for error in problem["errors"]]


def test_of_many_the_good_ones_are_taken_and_the_others_are_listed(api):
    answer = push(api, {"observations": [saw("m1"), saw("m2", window=1_000_000_005), saw("m3", application="nobody")]})

    assert (answer.status, answer.json()["accepted"]) == (202, 1)
    assert [each["index"] for each in answer.json()["refused"]] == [1, 2]
    assert answer.json()["refused"][0]["detail"].startswith("observations[1].window: ")


def test_when_all_are_refused_the_answer_is_a_refusal(api):
    old = saw("all", window=1_000_000_005)

    answer = push(api, {"observations": [old, old]})

    assert answer.status == 400
    assert [each["path"] for each in answer.json()["errors"]] == ["observations[0].window", "observations[1].window"]


def metrics(instance: str, count: int = 10, *, temporality: int = 1, **more: Any) -> dict[str, Any]:
    start = last_window()
    point = duration_point(200, count, start=start, end=start + WINDOW)
    return request(resource(histogram(point, temporality=temporality), instance=instance, version="1", **more))


@pytest.mark.parametrize("path", [OBSERVATIONS, METRICS])
def test_metrics_of_opentelemetry_are_answered_in_its_own_words(api, path):
    taken = api.ask("POST", path, metrics(f"pod at {path}"), key=SENDERS_KEY)
    partly = api.ask("POST", path, metrics("pod", service="nobody"), key=SENDERS_KEY)

    assert (taken.status, taken.json(), taken.headers["content-type"].partition(";")[0]) == (
        200,
        {},
        "application/json",
    )
    assert (partly.status, partly.json()["partialSuccess"]["rejectedDataPoints"]) == (200, "1")
    assert "there is no application nobody" in partly.json()["partialSuccess"]["errorMessage"]


def test_a_first_cumulative_point_is_taken_without_a_word(api):
    answer = api.ask("POST", METRICS, metrics("counting", 10**6, temporality=CUMULATIVE), key=SENDERS_KEY)

    assert (answer.status, answer.json()) == (200, {})


def test_an_empty_request_is_a_success(api):
    assert api.ask("POST", METRICS, {}, key=SENDERS_KEY).status == 200
    assert api.ask("POST", OBSERVATIONS, {"resourceMetrics": []}, key=SENDERS_KEY).json() == {}


def test_a_compressed_request_is_read_as_a_plain_one(api):
    body = json.dumps(metrics("compressed")).encode()
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}

    for sent, told in ((gzip.compress(body), headers), (body, {"Content-Type": "application/json"})):
        answer = api.ask("POST", METRICS, sent, told, key=SENDERS_KEY)
        assert (answer.status, answer.json()) == (200, {})


def test_a_large_request_may_come_compressed(api):
    start = last_window()
    points = [duration_point(200, 1, start=start, end=start + WINDOW, http_route=f"/{n}") for n in range(1500)]
    body = json.dumps(request(resource(histogram(*points), instance="large", version="1"))).encode()
    assert len(body) > 700_000

    answer = api.ask("POST", METRICS, gzip.compress(body), {"Content-Encoding": "gzip"}, key=SENDERS_KEY)
    assert (answer.status, answer.json()) == (200, {})
    assert api.ask("POST", METRICS, body, key=SENDERS_KEY).status == 413


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (gzip.compress(b" " * 30_000_000, mtime=0), {"Content-Encoding": "gzip"}, 413),
        (gzip.compress(b"{}", mtime=0)[:-3], {"Content-Encoding": "gzip"}, 400),
        (b"{}", {"Content-Encoding": "br"}, 400),
        (b"\x0a\x00", {"Content-Type": "application/x-protobuf"}, 400),
        (b'{"resourceMetrics": 5}', {}, 400),
        (b"", {}, 400),
        (b"[]", {}, 400),
    ],
)
def test_what_cannot_be_read_is_refused(api, body, headers, status):
    assert api.ask("POST", METRICS, body, headers, key=SENDERS_KEY).status == status


def queued(api: Api) -> list[bool]:
    """Take all wake-ups that are due off the queue; of each, whether it brings news of windows."""
    found = []
    while (session := api.broker.accept_next_session(QUEUE, "test")) is not None:
        while (delivery := api.broker.receive(QUEUE, session=session, owner="test")) is not None:
            found.append(parse_wake_up(delivery.body).observed)
            api.broker.complete(delivery)
        api.broker.release_session(QUEUE, session, "test")
    return found


def test_the_last_sender_of_a_window_wakes_an_application_that_is_being_released(tmp_path):
    world = present_world(tmp_path)
    with running_api(tmp_path) as api:
        api.register("shop", metrics=PUSHED)
        api.deploy("2")
        settle(world)
        now = last_window()
        before = now - WINDOW
        push(api, {"observations": [saw(sender, window=before.isoformat()) for sender in ("a", "b")]})
        queued(api)

        push(api, saw("a", window=now.isoformat()))
        first = queued(api)
        push(api, saw("b", window=now.isoformat()))
        last = queued(api)
        push(api, saw("b", window=now.isoformat()))

        assert (first, last, queued(api)) == ([], [True], [])
        assert api.broker.depth(QUEUE) >= 1  # what wakes the application at the window's latest end
