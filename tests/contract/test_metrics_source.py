"""Every metrics source tells windows alike, in memory, from Azure Monitor's batch API and from Log Analytics."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.azure_monitor.metrics_source import AzureMonitorMetrics, _regional_endpoint
from shared.domain.analysis.measurement import Lack, Missing, Sample
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.measuring import LogAnalyticsSource
from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import NONE, Weight
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import HangUp, Say, Silence, closed_port, scripted_server
from tests.traffic_worlds import TARGET, MemoryWorld, sandbox_world, window_question

EXAMPLE = Path(__file__).parents[3] / "shared/payloads/azure-rest/monitor-examples/metricBatch-MetricBatchExample2.json"
FIVE = timedelta(seconds=5)
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_world(tmp_path_factory.mktemp("cloud")) as world:
        yield world


@pytest.fixture(params=["memory", "azure monitor", "log analytics"])
def world(request):
    if request.param == "memory":
        return MemoryWorld()
    sandbox = request.getfixturevalue("sandbox")
    return sandbox.by_logs() if request.param == "log analytics" else sandbox


def ask(world, since, until, **others):
    return world.metrics.read_windows(window_question(since, until, FIVE, source=world.source, **others))


def window_start(moment):
    return datetime.fromtimestamp(moment.timestamp() // 5 * 5, UTC)


def test_what_each_place_served_and_failed_is_counted_in_its_window(world):
    world.deploy(Place.PRODUCTION, "1")
    world.deploy(Place.CANDIDATE, "2", error_rate=1.0)
    world.pass_time(5 - world.now().timestamp() % 5 + 0.1)
    start = window_start(world.now())
    world.router.set_share(TARGET, Weight(50_000))
    world.serve(100)
    world.router.set_share(TARGET, NONE)
    world.pass_time((start + 2 * FIVE - world.now()).total_seconds() + 0.2)

    before, during, after = ask(world, start - FIVE, start + 2 * FIVE)

    assert (before.start, during.start, after.start, after.end) == (start - FIVE, start, start + FIVE, start + 2 * FIVE)
    stable, candidate = during.stable, during.candidate
    assert stable.requests + candidate.requests == 100
    assert 25 < candidate.requests < 75
    assert (stable.failures, candidate.failures) == (0, candidate.requests)
    assert 0 < stable.latency_ms < 1000
    if isinstance(world.source, LogAnalyticsSource):
        # No row of a window may be lost rows as well as no requests.
        assert after.stable.lack is after.candidate.lack is Lack.NO_DATA
    else:
        assert after.stable == after.candidate == Sample(requests=0, failures=0, latency_ms=None)


def test_windows_that_the_source_knows_nothing_of_are_missing_and_never_zero(world):
    world.deploy(Place.PRODUCTION, "1")
    start = window_start(world.now() - timedelta(minutes=50))

    windows = ask(world, start, start + 3 * FIVE)

    assert [window.start for window in windows] == [start, start + FIVE, start + 2 * FIVE]
    found = [sample for window in windows for sample in (window.stable, window.candidate)]
    assert [sample.lack for sample in found] == [Lack.NO_DATA] * 6


def test_a_window_that_has_not_ended_is_missing(world):
    world.deploy(Place.PRODUCTION, "1")
    start = window_start(world.now()) + FIVE

    (window,) = ask(world, start, start + FIVE)

    assert isinstance(window.stable, Missing)
    assert isinstance(window.candidate, Missing)


def test_a_span_without_windows_has_none(world):
    start = window_start(world.now())

    assert ask(world, start, start) == ()


def test_the_sandbox_refuses_a_length_that_it_does_not_know(sandbox):
    with pytest.raises(RejectedError, match="interval"):
        sandbox.metrics.read_windows(window_question(NOON, NOON + MINUTE, timedelta(seconds=20)))


def test_trouble_of_the_sandboxs_metrics_is_for_later(sandbox):
    sandbox.cloud.control.add_fault(on="metrics", kind="429", retry_after=11)
    try:
        with pytest.raises(TryLaterError) as caught:
            sandbox.metrics.read_windows(window_question(NOON, NOON + FIVE, FIVE))
    finally:
        sandbox.reset()

    assert caught.value.after_seconds == 11


@pytest.fixture
def monitor():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def metrics(monitor):
    return metrics_at(monitor.url)


def metrics_at(url):
    return AzureMonitorMetrics(AnyToken(), endpoint=url, allow_http=True)


def metric(name, values, *, code="Success", aggregation=None):
    kind = aggregation or ("average" if name == "HttpResponseTime" else "total")
    data = [
        {"timeStamp": f"2026-11-23T12:{at:>05}Z", **({} if value is None else {kind: value})} for at, value in values
    ]
    return {
        "id": "id",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": name},
        "unit": "Count",
        "displayDescription": "",
        "errorCode": code,
        "timeseries": [{"metadatavalues": [], "data": data}] if data else [],
    }


def answer(*metrics, interval="PT1M"):
    span = {"starttime": "2026-11-23T12:00:00Z", "endtime": "2026-11-23T12:02:00Z", "interval": interval}
    return Say(200, {"values": [{**span, "namespace": "microsoft.web/sites", "value": list(metrics)}]})


def counted(requests, failures=None, seconds=None):
    """An answer with one value of each metric, in the minute from noon."""
    return answer(
        metric("Requests", [("00:00", requests)]),
        metric("Http5xx", [("00:00", failures)]),
        metric("HttpResponseTime", [("00:00", seconds)]),
    )


GOOD = counted(10, 1, 0.25)


def read(metrics, minutes=1):
    return metrics.read_windows(window_question(NOON, NOON + minutes * MINUTE, MINUTE))


def test_a_read_is_one_batch_call_for_the_site_and_one_for_its_slot(monitor, metrics):
    monitor.play(GOOD)

    read(metrics)

    site, slot = monitor.asked
    assert site.method == slot.method == "POST"
    assert site.path == slot.path == "/subscriptions/00000000-0000-0000-0000-000000000001/metrics:getBatch"
    assert site.json() == {"resourceids": [TARGET.resource]}
    assert slot.json() == {"resourceids": [f"{TARGET.resource}/slots/candidate"]}
    assert site.query == {
        "api-version": "2024-02-01",
        "starttime": "2026-11-23T12:00:00.000Z",
        "endtime": "2026-11-23T12:01:00.000Z",
        "interval": "PT1M",
        "metricnamespace": "microsoft.web/sites",
        "metricnames": "Requests,Http5xx,HttpResponseTime",
        "aggregation": "average,total",
    }
    assert slot.query == {**site.query, "metricnamespace": "microsoft.web/sites/slots"}


@pytest.mark.skipif(not EXAMPLE.exists(), reason="Microsoft's REST examples are not beside the project")
def test_our_question_has_the_fields_of_microsofts_example(monitor, metrics):
    example = json.loads(EXAMPLE.read_text())["parameters"]
    monitor.play(GOOD)

    read(metrics)

    asked = monitor.asked[0]
    assert set(asked.query) <= set(example)
    assert set(asked.json()) == set(example["batchRequest"])
    assert asked.query["api-version"] == example["api-version"]
    assert len(asked.query["starttime"]) == len(example["starttime"])


def test_seconds_become_milliseconds(monitor, metrics):
    monitor.play(GOOD)

    (window,) = read(metrics)

    assert window.stable == window.candidate == Sample(requests=10, failures=1, latency_ms=250)


@pytest.mark.parametrize(
    ("said", "sample"),
    [
        (counted(10), Sample(requests=10, failures=0, latency_ms=None)),
        (counted(0, 0), Sample(requests=0, failures=0, latency_ms=None)),
        (counted(0, None, 0.0), Sample(requests=0, failures=0, latency_ms=None)),
        (
            answer(metric("Requests", [("00:00", 5)]), metric("Http5xx", []), metric("HttpResponseTime", [])),
            Sample(requests=5, failures=0, latency_ms=None),
        ),
    ],
    ids=["no failures value", "idle", "idle with an average", "no series of failures"],
)
def test_failures_without_a_value_are_none_where_requests_were_counted(monitor, metrics, said, sample):
    monitor.play(said)

    assert read(metrics)[0].candidate == sample


@pytest.mark.parametrize("failures", [None, 0, 3])
def test_without_a_value_of_requests_there_is_no_sample_whatever_failures_say(monitor, metrics, failures):
    monitor.play(counted(None, failures, 0.1))

    (window,) = read(metrics)

    assert window.stable.lack is window.candidate.lack is Lack.NO_DATA


@pytest.mark.parametrize(
    "said",
    [
        counted(float("nan"), 0),
        counted(10, float("nan")),
        counted(float("inf"), 0),
        counted(10, float("-inf")),
        counted(-1, 0),
        counted(10, -1),
        counted(10, 11),
        counted(10, 1, float("nan")),
        counted(10, 1, -0.5),
        counted("ten", 0),
        counted(True, 0),
        counted(10**400, 0),
    ],
    ids=lambda said: str([each["timeseries"][0]["data"][0].get("total") for each in said.body["values"][0]["value"]])[
        :40
    ],
)
def test_what_cannot_be_a_measurement_is_an_error_and_says_why(monitor, metrics, said):
    monitor.play(said)

    (window,) = read(metrics)

    assert window.candidate.lack is Lack.ERROR
    assert window.candidate.why


def test_windows_are_gap_free_whatever_the_source_leaves_out(monitor, metrics):
    monitor.play(answer(metric("Requests", [("02:00", 7)]), metric("Http5xx", []), metric("HttpResponseTime", [])))

    windows = read(metrics, minutes=4)

    assert [window.start for window in windows] == [NOON + index * MINUTE for index in range(4)]
    lacks = [getattr(window.stable, "lack", None) for window in windows]
    assert lacks == [Lack.NO_DATA, Lack.NO_DATA, None, Lack.NO_DATA]


def test_values_outside_the_question_or_between_windows_are_dropped_and_counted(monitor, metrics):
    stray = metric("Requests", [("00:03", 5), ("07:00", 6), ("01:00", 8)])
    monitor.play(answer(stray, metric("Http5xx", []), metric("HttpResponseTime", [])))

    first, second = read(metrics, minutes=2)

    assert first.stable.lack is Lack.NO_DATA
    assert "2 values on no window's start were dropped" in first.stable.why
    assert second.stable.requests == 8


REQUESTS, FAILURES, TIMES = (metric(name, [("00:00", 1)]) for name in ("Requests", "Http5xx", "HttpResponseTime"))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(REQUESTS, FAILURES, TIMES, interval="PT5M"), "windows of 0:05:00, not of 0:01:00"),
        (answer(REQUESTS, FAILURES, TIMES, interval=None), "windows of None"),
        (answer(REQUESTS, TIMES), "nothing is said of Http5xx"),
        (answer(REQUESTS, metric("Http5xx", [], code="InternalError"), TIMES), "Http5xx: InternalError"),
        (answer(metric("Requests", [("00:00", 1), ("00:00", 2)]), FAILURES, TIMES), "two values"),
        (answer({**REQUESTS, "timeseries": REQUESTS["timeseries"] * 2}, FAILURES, TIMES), "2 series of Requests"),
        (Say(200, {"values": []}), "0 results"),
    ],
    ids=["other windows", "unknown windows", "a metric left out", "a metric failed", "twice", "two series", "nothing"],
)
def test_an_answer_to_another_question_is_not_used(monitor, metrics, said, why):
    monitor.play(said)

    with pytest.raises(TryLaterError, match=why):
        read(metrics)


@pytest.mark.parametrize(
    "body", [b"<html>", b"{", b"[]", b"{}", b'{"values": 5}', b'{"values": [5]}', b'{"values": [{}]}']
)
def test_garbage_is_for_later(monitor, metrics, body):
    monitor.play(Say(200, body))

    with pytest.raises(TryLaterError, match="read the metrics of"):
        read(metrics)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_trouble_of_the_service_is_for_later_and_not_slept(monitor, metrics, status):
    monitor.play(Say(status, {"error": {"code": "Busy", "message": "not now"}}, {"Retry-After": "30"}))
    began = time.monotonic()

    with pytest.raises(TryLaterError, match="Busy: not now") as caught:
        read(metrics)

    assert caught.value.after_seconds == 30
    assert time.monotonic() - began < 2
    assert len(monitor.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_for_good_and_says_why(monitor, metrics, status):
    monitor.play(Say(status, {"error": {"code": "BadRequest", "message": "The metric 'Http5xx' does not exist."}}))

    with pytest.raises(RejectedError, match="The metric 'Http5xx' does not exist"):
        read(metrics)


def test_half_an_answer_is_none(monitor, metrics):
    monitor.play(GOOD, Say(503))

    with pytest.raises(TryLaterError):
        read(metrics)


@pytest.mark.parametrize("step", [Silence(), HangUp()], ids=["no answer", "broken off"])
def test_no_answer_is_for_later(monitor, metrics, monkeypatch, step):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.2)
    monitor.play(step)

    with pytest.raises(TryLaterError):
        read(metrics)


def test_a_refused_connection_is_for_later():
    with pytest.raises(TryLaterError):
        read(metrics_at(f"http://127.0.0.1:{closed_port()}"))


@pytest.mark.parametrize("region", ["", "west.evil.example/", "eu@evil"])
def test_our_token_goes_to_no_host_but_a_regions(region):
    with pytest.raises(RejectedError, match="needs a region"):
        AzureMonitorMetrics(AnyToken()).read_windows(
            window_question(NOON, NOON + MINUTE, MINUTE, target=replace(TARGET, region=region))
        )


def test_each_region_has_an_endpoint_of_its_own():
    assert _regional_endpoint(replace(TARGET, region="West Europe")) == "https://westeurope.metrics.monitor.azure.com"
