"""OpenTelemetry's metrics in JSON: what is read, what is passed over, and that nothing makes the reader fall over."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.measurement import Histogram
from shared.domain.errors import InvalidError
from shared.domain.points import Kind, sound
from shared.wire.json_source import read_json
from shared.wire.otlp_metrics import is_metrics, parse_metrics
from tests.unit.wire.otlp_samples import (
    BOUNDS,
    CUMULATIVE,
    DELTA,
    NOON,
    attribute,
    duration_point,
    histogram,
    nanos,
    number_point,
    request,
    resource,
    total,
)

MINUTE = timedelta(minutes=1)


def parse(*resources):
    return parse_metrics(read_json(json.dumps(request(*resources)).encode()))


def points(*metrics):
    (report,) = parse(resource(*metrics)).reports
    return report.points


def only(*metrics):
    (point,) = points(*metrics)
    return point


def test_a_duration_histogram_counts_requests_in_milliseconds():
    point = only(histogram(duration_point(200, 10, seconds=0.2)))

    assert (point.kind, point.start, point.end) == (Kind.REQUESTS, NOON, NOON + MINUTE)
    assert (point.counted.count, point.counted.total_ms) == (10, pytest.approx(2000))
    found = point.counted.histogram
    assert found is not None
    assert found.edges[:4] == (5.0, 10.0, 25.0, 50.0)
    assert len(found.edges) == len(BOUNDS)
    assert (found.above(100.0), found.above(250.0)) == (10, 0)
    assert (point.is_cumulative, point.is_failure) == (False, False)


def test_who_it_is_of_stands_in_the_resource():
    (report,) = parse(resource(histogram(duration_point()), **{"slipway.target": "web-eu"})).reports

    assert (report.application, report.version, report.target, report.sender) == ("shop", "2", "web-eu", "pod-1")


def test_names_of_ours_in_the_resource_come_first():
    own = {"slipway.application": "shop", "slipway.version": "sha-1"}
    (report,) = parse(resource(histogram(duration_point()), service="Shop.Web", **own)).reports

    assert (report.application, report.version) == ("shop", "sha-1")


@pytest.mark.parametrize(
    ("names", "sender"),
    [
        ({"host.name": "vm-3"}, "vm-3"),
        ({"host.name": "vm-3", "k8s.pod.name": "shop-abc"}, "shop-abc"),
    ],
)
def test_without_an_instance_the_pod_or_the_host_is_the_sender(names, sender):
    (report,) = parse(resource(histogram(duration_point()), instance="", **names)).reports

    assert report.sender == sender


@pytest.mark.parametrize(
    ("attributes", "failed"),
    [
        ([attribute("http.response.status_code", 500)], True),
        ([attribute("http.response.status_code", 503)], True),
        ([attribute("http.response.status_code", 499)], False),
        ([attribute("http.response.status_code", 404), attribute("error.type", "404")], False),
        ([attribute("http.response.status_code", 200), attribute("error.type", "java.net.TimeoutException")], True),
        ([attribute("error.type", "_OTHER")], True),
        ([attribute("error.type", "500")], True),
        ([attribute("http.status_code", 502)], True),
        ([attribute("status", "500")], True),
        ([attribute("status", "UNKNOWN")], False),
        ([], False),
    ],
)
def test_what_failed_is_told_by_the_status_or_the_error(attributes, failed):
    assert only(histogram({**duration_point(), "attributes": attributes})).is_failure is failed


@pytest.mark.parametrize("temporality", [CUMULATIVE, "AGGREGATION_TEMPORALITY_CUMULATIVE"])
def test_a_cumulative_metric_is_known_by_number_and_by_name(temporality):
    assert only(histogram(duration_point(), temporality=temporality)).is_cumulative


@pytest.mark.parametrize("temporality", [0, 3, None, "DELTA", {}])
def test_a_metric_of_no_known_temporality_is_refused(temporality):
    with pytest.raises(InvalidError, match="aggregationTemporality"):
        points(histogram(duration_point(), temporality=temporality))


def test_counts_are_texts_or_numbers_and_missing_ones_are_zero():
    numbers = {**duration_point(), "count": 10, "bucketCounts": [10] + [0] * len(BOUNDS)}
    bare = {"timeUnixNano": nanos(NOON), "startTimeUnixNano": nanos(NOON)}

    assert only(histogram(numbers)).counted.histogram.above(5.0) == 0
    assert only(histogram(bare)).counted.count == 0


def test_members_that_are_not_known_and_those_that_are_null_are_passed_over():
    point = {**duration_point(), "exemplars": None, "flags": None, "novelty": [1, {"a": 2}]}

    assert only({**histogram(point), "metadata": [], "somethingNew": {}}).counted.count == 10


@pytest.mark.parametrize(
    ("name", "unit", "factor"),
    [
        ("http.server.request.duration", "s", 1000),
        ("http.server.request.duration", "", 1000),
        ("http.server.duration", "ms", 1),
        ("http.server.duration", "", 1),
        ("http.server.requests", "ms", 1),
    ],
)
def test_times_are_in_the_unit_that_the_metric_says(name, unit, factor):
    point = only(histogram(duration_point(seconds=0.2, count=10), name=name, unit=unit))

    assert point.counted.total_ms == pytest.approx(2 * factor)
    assert point.counted.histogram.edges[0] == pytest.approx(0.005 * factor)


def test_a_unit_that_is_none_of_time_leaves_the_count():
    counted = only(histogram(duration_point(), name="http.server.requests", unit="parsec")).counted

    assert (counted.count, counted.total_ms, counted.histogram) == (10, None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"bucketCounts": ["1", "2"]},
        {"explicitBounds": [3, 2, 1], "bucketCounts": ["1", "2", "3", "4"]},
        {"explicitBounds": ["NaN"], "bucketCounts": ["1", "9"]},
        {"count": "11"},
        {"explicitBounds": [], "bucketCounts": []},
    ],
)
def test_a_histogram_that_cannot_be_one_leaves_the_count(change):
    counted = only(histogram({**duration_point(), **change})).counted

    assert counted.count in (10, 11)
    assert counted.histogram is None


@pytest.mark.parametrize("told", ["NaN", "Infinity", -1.0, 1e308, None])
def test_a_sum_that_cannot_be_one_leaves_the_count(told):
    counted = only(histogram({**duration_point(), "sum": told})).counted

    assert (counted.count, counted.total_ms) == (10, None)


def test_a_point_without_a_recorded_value_is_none():
    assert points(histogram({**duration_point(), "flags": 1})) == ()


def test_a_sum_of_requests_counts_them_behind_a_histogram():
    count = total("http.server.request.count", number_point(7, http_response_status__code=500))
    found = points(histogram(duration_point()), count)

    assert [(point.kind, point.counted.count) for point in found] == [(Kind.REQUESTS, 10), (Kind.REQUESTS, 7)]
    assert found[0].rank < found[1].rank


@pytest.mark.parametrize(
    ("metric", "kind", "value"),
    [
        (total("orders", number_point(7)), Kind.SUM, 7),
        (total("orders", number_point(7.5)), Kind.SUM, 7.5),
        (total("queue", number_point(-3), monotonic=False), Kind.LEVEL, -3),
        ({"name": "memory", "gauge": {"dataPoints": [number_point(0.5)]}}, Kind.LEVEL, 0.5),
    ],
)
def test_other_figures_are_read_for_specs_that_name_them(metric, kind, value):
    point = only(metric)

    assert (point.kind, point.metric, point.counted.count) == (kind, metric["name"], value)


@pytest.mark.parametrize(
    "metric",
    [
        {"name": "other.duration", "histogram": {"aggregationTemporality": 1, "dataPoints": [duration_point()]}},
        {"name": "rpc", "summary": {"dataPoints": [{"count": "3"}]}},
        {"name": "", "gauge": {"dataPoints": [number_point(1)]}},
        {"gauge": {"dataPoints": [number_point(1)]}},
        {"name": "memory", "gauge": {"dataPoints": [{**number_point(1), "asInt": None}]}},
        {"name": "memory", "gauge": {"dataPoints": [{"asInt": "1"}]}},
        {"name": "empty"},
    ],
)
def test_what_counts_for_nothing_is_passed_over(metric):
    assert points(metric) == ()


def test_points_of_different_attributes_are_different_series():
    found = points(histogram(duration_point(200), duration_point(200, http_route="/a"), duration_point(200)))

    assert found[0].series == found[2].series != found[1].series


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"service": ""}, "no service.name"),
        ({"service": "Shop.Web"}, "slipway.application"),
        ({"version": ""}, "no service.version"),
        ({"version": "a b"}, "no service.version"),
    ],
)
def test_points_of_nobody_known_are_left_out_with_the_reason(names, says):
    pushed = parse(resource(histogram(duration_point(), duration_point(500)), **names))

    (left_out,) = pushed.left_out
    assert (pushed.reports, left_out.points) == ((), 2)
    assert says in left_out.why


def test_a_resource_of_other_metrics_alone_is_no_mistake():
    pushed = parse(resource({"name": "memory", "gauge": {"dataPoints": [number_point(1)]}}, service="Redis Cache"))

    assert (pushed.reports, pushed.left_out) == ((), ())


@pytest.mark.parametrize("temporality", [CUMULATIVE, DELTA])
def test_points_of_no_instance_in_particular_are_left_out_since_many_may_look_like_one(temporality):
    pushed = parse(resource(histogram(duration_point(), temporality=temporality), instance=""))

    assert pushed.reports == ()
    assert "service.instance.id" in pushed.left_out[0].why


def exponential(scale: int, offset: int, counts: list[int], zeros: int = 0, temporality: int = 1, **more):
    point = {
        "startTimeUnixNano": nanos(NOON),
        "timeUnixNano": nanos(NOON + MINUTE),
        "count": str(sum(counts) + zeros),
        "sum": 1.5,
        "scale": scale,
        "zeroCount": str(zeros),
        "positive": {"offset": offset, "bucketCounts": [str(count) for count in counts]},
        **more,
    }
    data = {"aggregationTemporality": temporality, "dataPoints": [point]}
    return {"name": "http.server.request.duration", "unit": "s", "exponentialHistogram": data}


def test_an_exponential_histogram_is_a_histogram_with_edges():
    counted = only(exponential(0, -3, [4, 2, 1], zeros=1)).counted  # (1/8, 1/4], (1/4, 1/2], (1/2, 1]

    assert (counted.count, counted.total_ms) == (8, 1500)
    assert isinstance(counted.histogram, Histogram)
    assert [counted.histogram.above(edge) for edge in (125.0, 250.0, 500.0, 1000.0)] == [7, 3, 1, 0]


@pytest.mark.parametrize(
    "metric",
    [
        exponential(0, -3, [1], negative={"offset": 0, "bucketCounts": ["1"]}, count="2"),
        exponential(21, -3, [1]),
        exponential(-11, 0, [1]),
        exponential(0, -3, [1], zeroThreshold=2.0),
        exponential(0, 1 << 40, [1]),
    ],
)
def test_an_exponential_histogram_that_cannot_be_told_leaves_the_count(metric):
    counted = only(metric).counted

    assert counted.count >= 1
    assert counted.histogram is None


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"resourceMetrics": {}}, "resourceMetrics"),
        ({"resourceMetrics": [1]}, "resourceMetrics[0]"),
        (request({"resource": [], "scopeMetrics": []}), "resourceMetrics[0].resource"),
        (request({"scopeMetrics": [{"metrics": [7]}]}), "resourceMetrics[0].scopeMetrics[0].metrics[0]"),
        (request(resource(histogram({**duration_point(), "count": "many"}))), ".count"),
        (request(resource(histogram({**duration_point(), "count": "-1"}))), ".count"),
        (request(resource(histogram({**duration_point(), "count": 1.5}))), ".count"),
        (request(resource(histogram({**duration_point(), "count": True}))), ".count"),
        (request(resource(histogram({**duration_point(), "count": str(1 << 65)}))), ".count"),
        (request(resource(histogram({**duration_point(), "timeUnixNano": "-5"}))), ".timeUnixNano"),
        (request(resource(histogram({**duration_point(), "timeUnixNano": str(10**20)}))), ".timeUnixNano"),
        (request(resource(histogram({**duration_point(), "explicitBounds": 5}))), ".explicitBounds"),
        (request(resource(histogram({**duration_point(), "sum": "lots"}))), ".sum"),
        (request(resource(histogram(*[{"timeUnixNano": "1"}] * 20_001))), "dataPoints[20000]"),
    ],
)
def test_what_cannot_be_decoded_is_refused_with_its_place(document, place):
    with pytest.raises(InvalidError) as refused:
        parse_metrics(document)
    assert place in refused.value.problems[0].path


@pytest.mark.parametrize("document", [{}, {"resourceMetrics": []}, {"resourceMetrics": None}, request(resource())])
def test_a_request_without_metrics_tells_nothing(document):
    pushed = parse_metrics(document)

    assert [report.points for report in pushed.reports] in ([], [()])
    assert pushed.left_out == ()


def test_a_request_is_known_by_its_first_member():
    assert is_metrics({"resourceMetrics": []})
    assert not is_metrics({"observations": []})
    assert not is_metrics([])


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["1", "-1", "NaN", "Infinity", "1e5", nanos(NOON), "s", "shop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted(
    {
        "resourceMetrics",
        "resource",
        "scopeMetrics",
        "scope",
        "metrics",
        "name",
        "unit",
        "histogram",
        "sum",
        "gauge",
        "exponentialHistogram",
        "dataPoints",
        "attributes",
        "key",
        "value",
        "stringValue",
        "intValue",
        "count",
        "aggregationTemporality",
        "isMonotonic",
        "startTimeUnixNano",
        "timeUnixNano",
        "bucketCounts",
        "explicitBounds",
        "asInt",
        "asDouble",
        "scale",
        "zeroCount",
        "positive",
        "negative",
        "offset",
        "flags",
        "zeroThreshold",
    }
)


def places(value, path=()):
    """Every place in a document that something else can be put at."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def put(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


WHOLE = request(
    resource(
        histogram(duration_point(), duration_point(500), temporality=CUMULATIVE),
        exponential(3, -10, [1, 2, 3], zeros=1),
        total("orders", number_point(7)),
        {"name": "memory", "gauge": {"dataPoints": [number_point(0.5)]}},
    )
)
PLACES = sorted(places(WHOLE), key=str)


@given(st.sampled_from(PLACES), anything)
def test_one_odd_value_anywhere_is_read_or_refused_and_never_an_accident(path, odd):
    document = put(WHOLE, path, odd)
    try:
        pushed = parse_metrics(read_json(json.dumps(document).encode()))
    except InvalidError:
        return
    for report in pushed.reports:
        for point in report.points:
            assert point.counted.histogram is None or point.counted.histogram.is_plausible
        for point in sound(report.points)[0]:
            assert point.kind is Kind.LEVEL or point.counted.count >= 0


@given(
    st.recursive(
        anything,
        lambda inner: st.dictionaries(st.sampled_from(KEYS), inner | st.lists(inner, max_size=2)),
        max_leaves=20,
    )
)
def test_no_document_makes_the_reader_fall_over(document):
    try:
        parse_metrics(document)
    except InvalidError:
        return
