"""Observations in our own JSON: what is read, and that each wrong field is named."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.errors import InvalidError
from shared.wire.json_source import read_json
from shared.wire.observations import parse_observations, sender_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEAST = {
    "application": "shop",
    "version": "2.4.1",
    "window": "2026-11-23T12:00:00Z",
    "seconds": 15,
    "requests": 120,
    "failures": 3,
}


def parse(document):
    return parse_observations(document, sender="header")


def one(**changes):
    (reported,) = parse({**LEAST, **changes})
    return reported


def refused(document) -> dict[str, str]:
    with pytest.raises(InvalidError) as error:
        parse(document)
    return {problem.path: problem.message for problem in error.value.problems}


def test_the_least_says_of_what_and_when_and_how_many():
    reported = one()

    assert (reported.application, reported.target, reported.version) == ("shop", None, "2.4.1")
    assert (reported.start, reported.length) == (NOON, timedelta(seconds=15))
    assert (reported.sender, reported.place) == ("header", "")
    assert reported.sample == Sample(requests=120, failures=3)


@pytest.mark.parametrize(
    "window",
    ["2026-11-23T12:00:00.000Z", "2026-11-23T13:00:00+01:00", NOON.timestamp(), int(NOON.timestamp())],
)
def test_a_window_begins_at_a_time_of_any_zone_or_at_seconds_since_1970(window):
    assert one(window=window).start == NOON


def test_many_may_come_at_once_each_with_a_sender_of_its_own():
    first, second = parse({"observations": [LEAST, {**LEAST, "sender": "proxy-2", "target": "web"}]})

    assert (first.sender, first.place) == ("header", "observations[0]")
    assert (second.sender, second.target, second.place) == ("proxy-2", "web", "observations[1]")


@pytest.mark.parametrize(
    ("latency", "average", "histogram"),
    [
        ({"average": 25}, 25, None),
        ({"average": 0.025, "unit": "s"}, 25, None),
        ({"sum": 3000}, 25, None),
        ({"sum": 3, "unit": "s"}, 25, None),
        ({"edges": [5, 10], "counts": [100, 15, 5]}, None, Histogram((5, 10), (100, 15, 5))),
        ({"edges": [5, 10], "counts": [100, 15]}, None, Histogram((5, 10), (100, 15, 5))),
        ({"edges": [5, 10], "counts": [100, 115, 120], "cumulative": True}, None, Histogram((5, 10), (100, 15, 5))),
        ({"edges": [5, 10], "counts": [100, 115], "cumulative": True}, None, Histogram((5, 10), (100, 15, 5))),
        ({"edges": [0.005, 0.01], "counts": [100, 15, 5], "unit": "s"}, None, Histogram((5, 10), (100, 15, 5))),
        ({"edges": [5], "counts": [60, 40]}, None, Histogram((5,), (60, 40))),
        (None, None, None),
    ],
)
def test_latency_comes_as_average_sum_or_histogram_in_either_unit(latency, average, histogram):
    sample = one(latency=latency).sample

    assert (sample.latency_ms, sample.histogram) == (average, histogram)


def test_the_average_of_no_requests_is_unknown():
    assert one(requests=0, failures=0, latency={"average": 0}).sample.latency_ms is None
    assert one(requests=0, failures=0, latency={"sum": 0}).sample.latency_ms is None


def test_figures_of_the_teams_own_come_by_name():
    values = one(values={"orders": 12, "declined": {"value": 2, "of": 40}, "memory": -0.5}).sample.values

    assert values == (
        Value(name="orders", value=12),
        Value(name="declined", value=2, of=40),
        Value(name="memory", value=-0.5),
    )


def test_the_sender_may_be_named_by_a_header():
    assert sender_of({"X-Slipway-Sender": " proxy-1 "}) == "proxy-1"
    assert sender_of({}) == sender_of({"x-slipway-sender": " "}) == "anonymous"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"application": None}, "application"),
        ({"application": "No Slug"}, "application"),
        ({"version": "a b"}, "version"),
        ({"version": 2}, "version"),
        ({"window": "noon"}, "window"),
        ({"window": "2026-11-23T12:00:00"}, "window"),
        ({"window": NOON.timestamp() * 1000}, "window"),
        ({"window": -15}, "window"),
        ({"window": True}, "window"),
        ({"window": "2026-11-23T12:00:01Z"}, "window"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": 1.5}, "seconds"),
        ({"seconds": "15"}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"sender": ""}, "sender"),
        ({"sender": 5}, "sender"),
        ({"target": ""}, "target"),
        ({"requests": -1}, "requests"),
        ({"requests": "120"}, "requests"),
        ({"requests": 1e16}, "requests"),
        ({"requests": None}, "requests"),
        ({"failures": 121}, "failures"),
        ({"failures": True}, "failures"),
        ({"latency": 25}, "latency"),
        ({"latency": {"median": 25}}, "latency.median"),
        ({"latency": {"average": -1}}, "latency.average"),
        ({"latency": {"average": 1, "sum": 1}}, "latency.sum"),
        ({"latency": {"average": 1, "unit": "µs"}}, "latency.unit"),
        ({"latency": {"edges": [5]}}, "latency.counts"),
        ({"latency": {"counts": [5]}}, "latency.edges"),
        ({"latency": {"edges": [5, 5], "counts": [1, 2, 3]}}, "latency.edges"),
        ({"latency": {"edges": [], "counts": []}}, "latency.edges"),
        ({"latency": {"edges": [5], "counts": [1, 2, 3]}}, "latency.counts"),
        ({"latency": {"edges": [5], "counts": [100, 100]}}, "latency.counts"),
        ({"latency": {"edges": [5, 6], "counts": [9, 8, 10], "cumulative": True}}, "latency.counts"),
        ({"latency": {"edges": [5], "counts": [1, 2], "cumulative": "yes"}}, "latency.cumulative"),
        ({"values": [1]}, "values"),
        ({"values": {"orders": "12"}}, "values.orders"),
        ({"values": {"orders": {"of": 1}}}, "values.orders.value"),
        ({"values": {"orders": {"value": 1, "of": -1}}}, "values.orders.of"),
        ({"values": {"orders": {"value": 1, "out_of": 2}}}, "values.orders.out_of"),
        ({"values": {f"v{number}": 1 for number in range(21)}}, "values"),
        ({"weight": 5}, "weight"),
    ],
)
def test_a_wrong_field_is_named(changes, path):
    assert path in refused({**LEAST, **changes})


@pytest.mark.parametrize("field", list(LEAST))
def test_a_field_that_must_be_there_is_named(field):
    assert refused({name: value for name, value in LEAST.items() if name != field}) == {field: "is missing"}


def test_a_wrong_field_among_many_is_named_with_its_place_and_none_is_taken():
    assert refused({"observations": [LEAST, {**LEAST, "seconds": -1}]}).keys() == {"observations[1].seconds"}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ""),
        ("observations", ""),
        ({"observations": []}, "observations"),
        ({"observations": LEAST}, "observations"),
        ({"observations": [LEAST] * 101}, "observations"),
        ({"observations": [7]}, "observations[0]"),
        ({"observations": [LEAST], "application": "shop"}, "application"),
    ],
)
def test_what_holds_no_observations_is_refused(document, path):
    assert path in refused(document)


def test_a_hundred_may_come_at_once():
    assert len(parse({"observations": [LEAST] * 100})) == 100


def test_a_misspelt_field_is_answered_with_the_nearest_one():
    assert "did you mean failures" in refused({**LEAST, "failurs": 1})["failurs"]


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*LEAST, "latency", "values", "edges", "counts", "average", "unit"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*LEAST, "latency", "values", "sender", "target"]), anything))
def test_no_document_makes_the_reader_fall_over(changes):
    try:
        (reported,) = parse(read_json(json.dumps({**LEAST, **changes}).encode()))
    except InvalidError:
        return
    assert reported.sample.is_plausible
