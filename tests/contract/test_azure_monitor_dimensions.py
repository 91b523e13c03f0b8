"""Azure Monitor's metrics that a dimension divides by version, of other resources, and figures of a team's own."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.azure_monitor.arms import names_of, wanted_versions
from shared.adapters.azure_monitor.metrics_source import AzureMonitorMetrics
from shared.domain.analysis.measurement import Lack, Sample, Value
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.measuring import AzureMonitorSource, Unit, ValueKind, ValueQuery
from shared.domain.rollout.spec import Located, Place, TargetKind
from shared.domain.rollout.weight import NONE, Weight
from shared.ports.metrics_source import Arm
from tests.sandbox import RESOURCE_GROUP, SITE_ID, SUBSCRIPTION
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import Say, scripted_server
from tests.traffic_worlds import TARGET, sandbox_world, window_question

EXAMPLE = Path(__file__).parents[3] / "shared/payloads/azure-rest/monitor-examples/metrics_API-GetMetric.json"
APP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.App/containerApps/shop"
REVISIONS = AzureMonitorSource(
    resource=APP_ID,
    failures="Requests",
    failures_where=("statusCodeCategory", "5xx"),
    latency="",
    split_by="revisionName",
)
FIVE = timedelta(seconds=5)
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def arm(version, place=Place.CANDIDATE):
    return Arm(version=None if version is None else Version(version), place=place)


def asked(source=REVISIONS, *, candidate="2", stable="1", minutes=1, **options):
    return window_question(
        NOON,
        NOON + minutes * MINUTE,
        MINUTE,
        source=source,
        candidate=arm(candidate),
        stable=arm(stable, Place.PRODUCTION),
        **options,
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with sandbox_world(tmp_path_factory.mktemp("cloud")) as world:
        yield world


@pytest.fixture(scope="module")
def met(world):
    """The window in which versions 1, 2 and 3 served; and what users met of each."""
    world.deploy(Place.CANDIDATE, "2", error_rate=0.5)
    before = world.cloud.control.traffic()
    world.pass_time(15 - world.now().timestamp() % 15 + 0.1)
    start = datetime.fromtimestamp(world.now().timestamp() // 15 * 15, UTC)
    world.router.set_share(TARGET, Weight(50_000))
    world.serve(60)
    world.deploy(Place.CANDIDATE, "3")
    world.serve(40)
    world.router.set_share(TARGET, NONE)
    world.pass_time((start + timedelta(seconds=15) - world.now()).total_seconds() + 0.2)
    return start, {
        version: {name: count - before.get(version, {}).get(name, 0) for name, count in counts.items()}
        for version, counts in world.cloud.control.traffic().items()
    }


def read_sandbox(world, start, candidate, stable, source=REVISIONS):
    question = replace(
        asked(source, candidate=candidate, stable=stable),
        since=start,
        until=start + timedelta(seconds=15),
        length=timedelta(seconds=15),
    )
    (window,) = world.metrics.read_windows(question)
    return window


def test_each_arm_is_what_its_version_served_wherever_it_sat(world, met):
    start, users = met

    window = read_sandbox(world, start, "2", "1")

    assert users["2"]["failures"] > 0
    assert window.candidate == Sample(requests=users["2"]["requests"], failures=users["2"]["failures"])
    assert window.stable == Sample(requests=users["1"]["requests"], failures=0)


def test_an_arm_without_a_version_is_whatever_is_not_the_other_arm(world, met):
    start, users = met

    window = read_sandbox(world, start, "3", None)

    assert window.candidate.requests == users["3"]["requests"]
    assert window.stable.requests == users["1"]["requests"] + users["2"]["requests"]


def test_a_version_that_served_nobody_has_no_data(world, met):
    window = read_sandbox(world, met[0], "4", "1")

    assert window.candidate.lack is Lack.NO_DATA


def test_a_metric_without_that_dimension_is_refused_and_found_as_a_fault(world, met):
    source = replace(REVISIONS, latency="ResponseTime")
    with pytest.raises(RejectedError, match="ResponseTime does not support requested dimension combination"):
        read_sandbox(world, met[0], "2", "1", source)

    assert faults(world, met, source) == (
        "metrics.source.latency: ResponseTime is not divided by revisionName; its dimensions are statusCodeCategory",
    )


def faults(world, met, source, **arms):
    start = met[0]
    return world.metrics.find_faults(
        replace(asked(source, **arms), since=start, until=start + timedelta(seconds=15), length=FIVE)
    )


def test_sound_settings_have_no_faults(world, met):
    assert faults(world, met, REVISIONS) == ()
    assert faults(world, met, AzureMonitorSource()) == ()


def test_every_metric_that_does_not_exist_is_named_with_its_field(world, met):
    source = AzureMonitorSource(requests="Request", failures="Http6xx")

    assert faults(world, met, source) == (
        "metrics.source.requests: there is no metric Request; "
        "there are Requests, Http5xx, HttpResponseTime, AverageResponseTime",
        "metrics.source.failures: there is no metric Http6xx; "
        "there are Requests, Http5xx, HttpResponseTime, AverageResponseTime",
    )


def test_a_unit_that_is_not_the_metrics_own_is_a_fault(world, met):
    (fault,) = faults(world, met, AzureMonitorSource(latency_unit=Unit.MILLISECONDS))

    assert fault == "metrics.source.latencyUnit: HttpResponseTime is told in Seconds, not in ms"


def test_a_stable_version_that_no_series_names_is_a_fault(world, met):
    (fault,) = faults(world, met, REVISIONS, stable="shop--1")

    assert fault == "metrics.source.splitBy: no revisionName is shop--1; there are 1, 2, 3"


def test_a_filter_that_no_value_of_its_kind_can_pass_is_a_fault(world, met):
    source = replace(REVISIONS, failures_where=("statusCodeCategory", "500"))

    (fault,) = faults(world, met, source)

    assert fault.startswith("metrics.source.failuresWhere: no statusCodeCategory of Requests was 500, or like it; ")
    assert fault.endswith("there were 2xx, 5xx")


@pytest.mark.parametrize("value", ["4xx", "2XX"])
def test_a_filter_that_waits_for_its_first_failure_is_none(world, met, value):
    assert faults(world, met, replace(REVISIONS, failures_where=("statusCodeCategory", value))) == ()


def test_the_site_of_another_application_is_measured_by_its_places(world, met):
    window = read_sandbox(
        world, met[0], None, None, AzureMonitorSource(resource=SITE_ID.upper().replace("SHOP", "shop"))
    )

    assert window.stable.requests >= met[1]["1"]["requests"]


@pytest.fixture
def monitor():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def metrics(monitor):
    return AzureMonitorMetrics(AnyToken(), endpoint=monitor.url, allow_http=True)


def series(*values, **tags):
    """One series: `(minute, number)` each, of Total and of Average alike."""
    return {
        "metadatavalues": [
            {"name": {"value": name, "localizedValue": name}, "value": tag} for name, tag in tags.items()
        ],
        "data": [
            {"timeStamp": f"2026-11-23T12:0{minute}:00Z", "total": number, "average": number}
            for minute, number in values
        ],
    }


def metric(name, *timeseries, unit="Count", code="Success", message=None):
    return {
        "id": "id",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": name},
        "unit": unit,
        "displayDescription": "",
        "errorCode": code,
        **({"errorMessage": message} if message else {}),
        "timeseries": list(timeseries),
    }


def answer(*metrics):
    span = {"starttime": "2026-11-23T12:00:00Z", "endtime": "2026-11-23T12:02:00Z", "interval": "PT1M"}
    return Say(200, {"values": [{**span, "namespace": "microsoft.app/containerapps", "value": list(metrics)}]})


TOTALS = answer(metric("Requests", series((0, 10), revisionname="1"), series((0, 4), revisionname="2")))
ERRORS = answer(metric("Requests", series((0, 1), revisionname="2", statuscodecategory="5xx")))


def test_both_arms_are_one_call_and_their_failures_one_more(monitor, metrics):
    monitor.play(TOTALS, ERRORS)

    (window,) = metrics.read_windows(asked())

    assert window.candidate == Sample(requests=4, failures=1)
    assert window.stable == Sample(requests=10, failures=0)
    first, second = monitor.asked
    assert first.json() == second.json() == {"resourceids": [APP_ID]}
    assert first.query["metricnamespace"] == "microsoft.app/containerapps"
    assert (first.query["metricnames"], first.query["aggregation"]) == ("Requests", "total")
    assert first.query["filter"] == "revisionName eq '2' or revisionName eq '1'"
    assert second.query["filter"] == f"{first.query['filter']} and statusCodeCategory eq '5xx'"
    assert first.query["top"] == "1000"


def test_every_value_of_the_dimension_is_asked_for_where_an_arm_is_all_others(monitor, metrics):
    several = answer(
        metric("Requests", *(series((0, 3), revisionname=name) for name in "1abc"), series((0, 4), revisionname="2"))
    )
    monitor.play(several, ERRORS)

    (window,) = metrics.read_windows(asked(stable=None))

    assert monitor.asked[0].query["filter"] == "revisionName eq '*'"
    assert (window.candidate.requests, window.stable.requests) == (4, 12)


def test_series_that_name_no_value_of_the_dimension_are_nobodys(monitor, metrics):
    monitor.play(answer(metric("Requests", series((0, 3)), series((0, 4), revisionname="2"))), ERRORS)

    (window,) = metrics.read_windows(asked(stable=None))

    assert window.stable.lack is Lack.NO_DATA


def test_names_and_values_of_dimensions_compare_in_any_case(monitor, metrics):
    monitor.play(answer(metric("Requests", series((0, 4), RevisionName="Shop--V2"))), answer(metric("Requests")))

    (window,) = metrics.read_windows(asked(candidate="shop--v2"))

    assert window.candidate == Sample(requests=4, failures=0)


@pytest.mark.parametrize("version", ["2' or revisionName eq '*", "v(2)", "2\n", "'", ""])
def test_a_version_that_cannot_stand_in_a_filter_is_chosen_here(monitor, metrics, version):
    monitor.play(
        answer(metric("Requests", series((0, 4), revisionname=version), series((0, 9), revisionname="1"))), ERRORS
    )

    (window,) = metrics.read_windows(asked(candidate=version))

    assert monitor.asked[0].query["filter"] == "revisionName eq '*'"
    assert (window.candidate.requests, window.stable.requests) == (4, 9)


@pytest.mark.parametrize("dimension", ["a' eq '*", "a or b'", "'"])
def test_what_is_no_dimension_is_refused_before_anybody_is_asked(monitor, metrics, dimension):
    with pytest.raises(RejectedError, match="not the name of a dimension"):
        metrics.read_windows(asked(replace(REVISIONS, split_by=dimension)))

    assert monitor.asked == []


def test_more_series_than_can_be_asked_for_are_no_answer(monitor, metrics):
    monitor.play(answer(metric("Requests", *(series((0, 1), revisionname=str(number)) for number in range(1000)))))

    with pytest.raises(TryLaterError, match="1000 series of Requests, not at most 999"):
        metrics.read_windows(asked(stable=None))


def test_average_times_of_several_series_are_weighted_by_their_requests(monitor, metrics):
    requests = metric("Requests", series((0, 30), revisionname="1"), series((0, 10), revisionname="0"))
    times = metric("ResponseTime", series((0, 100), revisionname="1"), series((0, 500), revisionname="0"))
    monitor.play(answer(requests, times), answer(metric("Requests")))
    source = replace(REVISIONS, latency="ResponseTime", latency_unit=Unit.MILLISECONDS)

    (window,) = metrics.read_windows(asked(source, stable=None))

    assert window.stable.latency_ms == pytest.approx(200)


@pytest.mark.parametrize(
    ("candidate", "stable", "why"), [(None, None, "no version is named"), ("v1", "V1", "both arms")]
)
def test_versions_that_do_not_tell_the_arms_apart_are_refused(monitor, metrics, candidate, stable, why):
    with pytest.raises(RejectedError, match=why):
        metrics.read_windows(asked(candidate=candidate, stable=stable))


@pytest.mark.parametrize("resource", ["shop", "/subscriptions/1/x", f"{APP_ID}/../x", f"{APP_ID}?x"])
def test_what_is_no_resource_id_is_refused(metrics, resource):
    with pytest.raises(RejectedError, match="not the id of an Azure resource"):
        metrics.read_windows(asked(replace(REVISIONS, resource=resource)))


def test_a_metric_that_failed_inside_a_success_is_for_later_and_says_why(monitor, metrics):
    broken = metric("Requests", code="InternalServerError", message="Output dimensions must be a subset")
    monitor.play(TOTALS, answer(broken))

    with pytest.raises(TryLaterError, match="Requests: InternalServerError Output dimensions"):
        metrics.read_windows(asked())


ORDERS = ValueQuery(name="orders", kind=ValueKind.COUNTER, query="Orders", of="Baskets")
PAGES = ValueQuery(name="pages", kind=ValueKind.COUNTER, query="Pages")
QUEUE = ValueQuery(name="queue", kind=ValueKind.GAUGE, query="Queue", unit=Unit.PERCENT)


def read_values(monitor, metrics, *found, values=(ORDERS, PAGES, QUEUE)):
    monitor.play(answer(metric("Requests", series((0, 10))), metric("Http5xx"), *found))
    source = AzureMonitorSource(latency="")
    (window,) = metrics.read_windows(asked(source, values=values))
    return window.candidate


def test_figures_of_a_teams_own_come_with_the_same_call(monitor, metrics):
    found = metric("Orders", series((0, 3))), metric("Baskets", series((0, 6))), metric("Pages", series((0, 9)))

    sample = read_values(monitor, metrics, *found, metric("Queue", series((0, 40))))

    assert sample.values == (
        Value(name="orders", value=3, of=6),
        Value(name="pages", value=9),
        Value(name="queue", value=pytest.approx(0.4)),
    )
    assert monitor.asked[0].query["metricnames"] == "Requests,Http5xx,Orders,Baskets,Pages,Queue"
    assert monitor.asked[0].query["aggregation"] == "average,total"
    assert len(monitor.asked) == 2


def test_a_counter_without_a_value_is_0_where_what_it_is_of_has_one_and_a_gauge_is_not(monitor, metrics):
    found = metric("Orders"), metric("Baskets", series((0, 6))), metric("Pages"), metric("Queue")

    sample = read_values(monitor, metrics, *found)

    assert sample.values == (Value(name="orders", value=0, of=6), Value(name="pages", value=0))


def test_a_counter_of_unknown_opportunities_is_not_told(monitor, metrics):
    sample = read_values(monitor, metrics, metric("Orders", series((0, 3))), metric("Baskets"), values=(ORDERS,))

    assert sample.values == ()


@pytest.mark.parametrize("number", ["NaN", -1, float("inf")])
def test_what_cannot_be_a_count_is_not_told(monitor, metrics, number):
    assert read_values(monitor, metrics, metric("Pages", series((0, number))), values=(PAGES,)).values == ()


def test_no_call_asks_for_more_metrics_than_azure_takes(monitor, metrics):
    values = tuple(ValueQuery(name=f"v{n}", kind=ValueKind.GAUGE, query=f"M{n}") for n in range(25))
    found = tuple(metric(query.query, series((0, 1))) for query in values)

    sample = read_values(monitor, metrics, *found, values=values)

    assert len(sample.values) == 25
    assert [len(each.query["metricnames"].split(",")) for each in monitor.asked] == [20, 7, 20, 7]


@pytest.mark.skipif(not EXAMPLE.exists(), reason="Microsoft's REST examples are not beside the project")
def test_the_series_of_microsofts_example_are_read_by_the_values_that_it_names(monitor, metrics):
    body = json.loads(EXAMPLE.read_text())["responses"]["200"]["body"]
    hot = next(found for found in body["value"][0]["timeseries"] if found["metadatavalues"][0]["value"] == "Hot")
    monitor.play(Say(200, {"values": [body]}))
    since = datetime.fromisoformat(hot["data"][0]["timeStamp"])
    value = ValueQuery(name="blobs", kind=ValueKind.GAUGE, query="BlobCount")
    source = AzureMonitorSource(
        resource=f"/{json.loads(EXAMPLE.read_text())['parameters']['resourceUri']}",
        requests="BlobCount",
        failures="BlobCapacity",
        latency="BlobCount",
        split_by="Tier",
    )

    windows = metrics.read_windows(
        replace(
            asked(source, candidate="hot", stable=None, values=(value,)),
            since=since,
            until=since + timedelta(hours=5),
            length=timedelta(hours=1),
        )
    )

    # The example has averages and no totals: no sample is made of it, and no series is taken for another.
    assert [window.candidate.lack for window in windows] == [Lack.NO_DATA] * 5
    assert monitor.asked[0].query["filter"] == "Tier eq '*'"


def test_a_revision_is_found_by_its_name_where_preflight_found_it():
    """The version is what the app says of itself; the dimension has the names of revisions."""
    located = Located(stable="shop--aaa", candidate="shop--bbb")
    target = replace(TARGET, kind=TargetKind.CONTAINER_APP, resource=APP_ID, located=located)
    question = asked(replace(REVISIONS, resource=""), target=target)

    assert names_of(question, "revisionName") == ("shop--bbb", "shop--aaa")
    assert names_of(question, "version") == ("2", "1")
    assert wanted_versions(question, "revisionName").values == ("shop--bbb", "shop--aaa")
