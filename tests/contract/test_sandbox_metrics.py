"""The sandbox's metrics API, called by Microsoft's own client over a real socket."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from azure.core.exceptions import HttpResponseError
from azure.monitor.querymetrics import MetricAggregationType

from tests.sandbox import CANDIDATE_ID, SITE_ID, fetch, running_cloud
from tests.sandbox_sdk import metrics_client

SITES, SLOTS = "microsoft.web/sites", "microsoft.web/sites/slots"
COUNTS = [MetricAggregationType.TOTAL, MetricAggregationType.AVERAGE]
WINDOW = timedelta(seconds=5)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def client(cloud):
    yield metrics_client(cloud.management)
    cloud.control.clear_faults()
    cloud.control.set_lag(0)


def query(client, resource=SITE_ID, namespace=SITES, metrics=("Requests",), **options):
    """Return `{metric: {window start in seconds: value}}`, whatever the aggregation."""
    options = {"granularity": WINDOW, "aggregations": COUNTS, **options}
    (result,) = client.query_resources(
        resource_ids=[resource], metric_namespace=namespace, metric_names=list(metrics), **options
    )
    return {
        metric.name: {
            point.timestamp.timestamp(): point.total if point.total is not None else point.average
            for point in metric.timeseries[0].data
        }
        for metric in result.metrics
    }


def span(start, end):
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


@pytest.fixture(scope="module")
def asked(cloud):
    """The start of a window in which the candidate slot was asked 5 times, 4 of them in vain, and production twice.

    Nobody asked the candidate slot before it.
    """
    cloud.control.deploy("metered", error_rate=1.0, latency_ms=80)
    start = (int(time.time()) // 5 + 1) * 5
    sleep_past(start)
    for _ in range(4):
        fetch(f"{cloud.slots['candidate']}/checkout")
    fetch(f"{cloud.slots['candidate']}/version")
    fetch(f"{cloud.edge}/")
    fetch(f"{cloud.edge}/")
    sleep_past(start + 5)
    return start


def sleep_past(moment):
    time.sleep(max(moment - time.time(), 0) + 0.05)


def test_a_window_tells_exactly_what_passed_the_slot(asked, client):
    names = ("Requests", "Http5xx", "HttpResponseTime", "AverageResponseTime")
    window = {"timespan": span(asked, asked + 5), "metrics": names}

    site = query(client, **window)
    slot = query(client, CANDIDATE_ID, SLOTS, **window)

    assert (slot["Requests"], slot["Http5xx"]) == ({asked: 5}, {asked: 4})
    assert slot["HttpResponseTime"][asked] == pytest.approx(0.064, abs=0.03)
    assert slot["AverageResponseTime"] == slot["HttpResponseTime"]
    assert (site["Requests"], site["Http5xx"]) == ({asked: 2}, {asked: 0})
    assert 0 < site["HttpResponseTime"][asked] < 0.05


def test_a_window_without_requests_has_zero_requests_and_no_average(asked, client):
    names = ("Requests", "Http5xx", "HttpResponseTime")

    got = query(client, CANDIDATE_ID, SLOTS, metrics=names, timespan=span(asked - 5, asked))

    assert got == {"Requests": {asked - 5: 0}, "Http5xx": {asked - 5: 0}, "HttpResponseTime": {asked - 5: None}}


def test_metrics_stay_with_the_slot_when_the_version_moves(asked, cloud, client):
    before = query(client, CANDIDATE_ID, SLOTS, timespan=span(asked, asked + 5))

    cloud.control.deploy("moved")

    assert query(client, CANDIDATE_ID, SLOTS, timespan=span(asked, asked + 5)) == before


def test_windows_begin_at_multiples_of_the_interval_and_have_no_gaps(client):
    now = int(time.time())

    got = query(client, granularity=timedelta(minutes=1), timespan=span(now - 301, now))["Requests"]

    starts = list(got)
    assert starts[0] == (now - 301) // 60 * 60
    assert all(later - earlier == 60 for earlier, later in pairwise(starts))


def test_a_window_that_has_not_ended_has_no_value(client):
    now = time.time()

    got = query(client, timespan=span(now, now + 10))["Requests"]

    assert set(got.values()) == {None}


def test_a_window_has_no_value_until_the_lag_is_over(cloud, client):
    end = int(time.time()) // 5 * 5
    window = span(end - 5, end)
    cloud.control.set_lag(3600)

    late = query(client, timespan=window)["Requests"]
    cloud.control.set_lag(0)
    known = query(client, timespan=window)["Requests"]

    assert late == {end - 5: None}
    assert known[end - 5] is not None


def test_a_time_before_the_first_start_has_no_value(client):
    long_ago = int(time.time()) // 5 * 5 - 1800

    assert query(client, timespan=span(long_ago, long_ago + 5))["Requests"] == {long_ago: None}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"namespace": SLOTS}, "namespace"),
        ({"metrics": ("Request",)}, "metric: request, Valid metrics: Requests,Http5xx"),
        ({"granularity": timedelta(seconds=7)}, "interval"),
        ({"filter": "Instance eq '*'"}, "Requests does not support requested dimension combination: instance"),
        ({"filter": "Instance is 1"}, "filter"),
    ],
)
def test_a_question_that_azure_would_refuse_is_refused(client, wrong, words):
    now = time.time()

    with pytest.raises(HttpResponseError, match=words) as caught:
        query(client, **{"timespan": span(now - 60, now), **wrong})

    assert caught.value.status_code == 400


def test_an_unknown_resource_is_not_found(client):
    with pytest.raises(HttpResponseError) as caught:
        query(client, SITE_ID + "x")

    assert caught.value.status_code == 404


def test_metrics_are_answered_only_to_a_bearer(cloud):
    got = fetch(f"{cloud.management}/subscriptions/s/metrics:getBatch", method="POST", body={})

    assert (got.status, got.json()["error"]["code"]) == (401, "AuthenticationFailed")


def test_a_fault_on_metrics_leaves_the_management_api_well(cloud, client):
    cloud.control.add_fault(on="metrics", kind="500")
    site = f"{cloud.management}{SITE_ID}?api-version=2025-05-01"

    with pytest.raises(HttpResponseError) as caught:
        query(client)

    assert caught.value.status_code == 500
    assert fetch(site, headers={"Authorization": "Bearer x"}).status == 200
