"""The Event Grid webhook: handshakes and both schemas."""

import json
from pathlib import Path

import azure.functions as func
import pytest

from tests.functions.sample_app.journal import behaviour, calls
from tests.functions.sample_host import running_host

WEBHOOK = "/runtime/webhooks/EventGrid?functionName=happened&code=system-key"
SAMPLES = Path(__file__).parents[3] / "shared" / "payloads" / "eventgrid"
EVENT = {
    "id": "e-1",
    "topic": "/subscriptions/s",
    "subject": "sub",
    "eventType": "App.Deployed",
    "eventTime": "2026-11-22T12:00:00.1234567Z",
    "data": {"version": "2"},
    "dataVersion": "1",
}
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "c-1",
    "source": "/ci",
    "type": "App.Deployed",
    "time": "2026-11-22T12:00:00Z",
    "data": {"version": "2"},
    "traceparent": "00-a-b-01",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    with running_host(tmp_path_factory.mktemp("host")) as sample:
        yield sample


@pytest.fixture(autouse=True)
def _fresh():
    calls.clear()
    behaviour.clear()


def post(sample, document, kind="Notification", path=WEBHOOK):
    return sample.ask("POST", path, json.dumps(document).encode(), {"aeg-event-type": kind})


def test_a_subscription_is_confirmed_with_its_code(sample):
    event = EVENT | {"data": {"validationCode": "code-1"}}

    answer = post(sample, [event], "SubscriptionValidation")

    assert (answer.status, json.loads(answer.body)) == (200, {"validationResponse": "code-1"})
    assert calls.of("happened") == []


@pytest.mark.skipif(not SAMPLES.exists(), reason="Microsoft's sample payloads are not beside the project")
def test_microsofts_own_handshake_sample_is_answered_as_their_page_says(sample):
    folder = SAMPLES / "validation-and-deadletter"
    event = json.loads((folder / "subscription-validation-event.json").read_text())

    answer = post(sample, event, "SubscriptionValidation")

    assert json.loads(answer.body) == json.loads(
        (folder / "subscription-validation-expected-response.json").read_text()
    )


def test_the_cloudevents_handshake_allows_the_origin(sample):
    answer = sample.ask("OPTIONS", WEBHOOK, headers={"WebHook-Request-Origin": "eventgrid.azure.net"})

    assert (answer.status, answer.headers["webhook-allowed-origin"]) == (200, "eventgrid.azure.net")


def test_the_function_is_called_once_for_each_event_of_a_batch(sample):
    assert post(sample, [EVENT, EVENT | {"id": "e-2"}]).status == 202

    events = calls.of("happened")
    assert {event.id for event in events} == {"e-1", "e-2"}
    assert all(isinstance(event, func.EventGridEvent) for event in events)
    assert events[0].get_json() == {"version": "2"}


def test_a_single_event_needs_no_array(sample):
    assert post(sample, EVENT).status == 202
    assert len(calls.of("happened")) == 1


def test_a_cloud_event_arrives_through_the_librarys_own_converter(sample):
    assert post(sample, CLOUD_EVENT).status == 202

    (event,) = calls.of("happened")
    assert event.id == "c-1"
    if hasattr(func, "CloudEvent"):
        assert isinstance(event, func.CloudEvent)
        assert event.source == "/ci"


def test_a_function_that_raises_is_a_500_so_that_event_grid_sends_again(sample):
    def fail():
        raise RuntimeError("a secret")

    behaviour.set("happened", fail)

    answer = post(sample, [EVENT])

    assert (answer.status, answer.body) == (500, b"")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runtime/webhooks/EventGrid?functionName=happened", 401),
        ("/runtime/webhooks/EventGrid?functionName=happened&code=function-key", 401),
        ("/runtime/webhooks/EventGrid?functionName=happened&code=master-key", 202),
        ("/runtime/webhooks/eventgrid?functionName=HAPPENED&code=system-key", 202),
        ("/runtime/webhooks/EventGrid?functionName=nobody&code=system-key", 404),
        ("/runtime/webhooks/EventGrid?functionName=tick&code=system-key", 404),
        ("/runtime/webhooks/EventGrid?code=system-key", 404),
    ],
)
def test_only_a_known_function_with_the_right_key_is_called(sample, path, status):
    assert post(sample, [EVENT], path=path).status == status


@pytest.mark.parametrize("body", [b"", b"no json", b"7", b"[7]", b"[]"])
def test_a_body_that_is_no_event_is_a_400(sample, body):
    assert sample.ask("POST", WEBHOOK, body, {"aeg-event-type": "Notification"}).status == 400


def test_a_post_that_does_not_say_what_it_is_is_a_400(sample):
    assert sample.ask("POST", WEBHOOK, json.dumps([EVENT]).encode()).status == 400
