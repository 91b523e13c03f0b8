"""What Prometheus answers, and what becomes of it, by scripted answers over real sockets."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from shared.adapters.prometheus.filling import Filling, fill
from shared.adapters.prometheus.metrics_source import PrometheusMetrics
from shared.adapters.prometheus.selector import parse_selector
from shared.domain.analysis.measurement import Histogram, Lack, Sample, Value
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.measuring import PrometheusAuth, PrometheusSource, Unit, ValueKind, ValueQuery
from shared.domain.rollout.spec import Place
from shared.ports.metrics_source import Arm
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import Drip, HangUp, Say, Silence, closed_port, scripted_server
from tests.traffic_worlds import window_question

PAYLOADS = Path(__file__).parents[3] / "shared/payloads"
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CANDIDATE = Arm(version="2", place=Place.CANDIDATE)
STABLE = Arm(version="1", place=Place.PRODUCTION)
OTHERS = Arm(version=None, place=Place.PRODUCTION)
TOKEN = "a-bearer-token-of-the-test"
SETTINGS = {
    "SLIPWAY_SECRET_PROM": TOKEN,
    "SLIPWAY_SECRET_BROKEN": "two\r\nlines",
    "SLIPWAY_KEYS": "alice=the-key-of-an-operator",
    "PROM_TOKEN": "named-by-an-older-spec",
}


@pytest.fixture
def prometheus():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def source(prometheus):
    return PrometheusSource(
        url=prometheus.url, requests='http_requests_total{app="shop"}', failures='http_requests_total{code=~"5.."}'
    )


def metrics(*, credential=AnyToken, now=None, allow_http=True):
    clock = {"now": now} if now else {}
    return PrometheusMetrics(SETTINGS.get, credential, allow_http=allow_http, **clock)


def question(source, *, windows=1, candidate=CANDIDATE, stable=STABLE, length=MINUTE, values=()):
    until = NOON + windows * length
    return window_question(NOON, until, length, source=source, candidate=candidate, stable=stable, values=values)


def read(source, **asked):
    return metrics().read_windows(question(source, **asked))


def row(part, values, version="2", **labels):
    """A series with values at seconds after noon."""
    named = {"version": version} if version else {}
    points = [[NOON.timestamp() + at, value] for at, value in values.items()]
    return {"metric": {"slipway": part, **named, **labels}, "values": points}


def matrix(*rows, **more):
    return Say(200, {"status": "success", "data": {"resultType": "matrix", "result": list(rows)}, **more})


def whole(windows=1):
    """The part that says that there is a value after each window."""
    return row("after", {60 * number: "2" for number in range(1, windows + 1)}, version="")


def counted(requests="100", *rows, **more):
    """An answer in which the candidate had requests in the minute from noon, a quarter in each step."""
    return matrix(whole(), row("requests", {60: requests}), *rows, **more)


def form(asked):
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def test_one_question_covers_both_arms_all_windows_and_all_guards(prometheus, source):
    prometheus.play(matrix())

    read(replace(source, latency="http_request_duration_seconds_bucket"), windows=3)

    (asked,) = prometheus.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/query_range")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    said = form(asked)
    assert float(said["start"]) == NOON.timestamp() + 15
    assert float(said["end"]) == NOON.timestamp() + 180
    assert float(said["step"]) == 15
    assert 0 < float(said["timeout"].removesuffix("s")) < 20
    for part in ("requests", "late", "after", "failures", "buckets", "edges", "took"):
        assert f'"slipway", "{part}"' in said["query"]
    assert 'http_requests_total{app="shop",version=~"2|1"}' in said["query"]


def test_a_window_adds_up_its_steps_and_all_series_of_a_version(prometheus, source):
    prometheus.play(
        matrix(
            whole(2),
            row("requests", {15: "10", 30: "20", 45: "30", 60: "40", 75: "7", 120: "8"}),
            row("requests", {15: "1", 120: "2"}, version="1", pod="a"),
            row("requests", {30: "100", 120: "200"}, version="1", pod="b"),
            row("failures", {45: "3", 75: "1"}),
        )
    )

    first, second = read(source, windows=2)

    assert (first.start, first.end, second.end) == (NOON, NOON + MINUTE, NOON + 2 * MINUTE)
    assert first.candidate == Sample(requests=100, failures=3)
    assert second.candidate == Sample(requests=15, failures=1)
    assert first.stable == Sample(requests=101, failures=0)
    assert second.stable == Sample(requests=202, failures=0)


def test_failures_without_a_series_are_none_beside_requests_and_requests_without_one_are_no_data(prometheus, source):
    prometheus.play(matrix(whole(), row("requests", {60: "5"}), row("failures", {60: "3"}, version="1")))

    (window,) = read(source)

    assert window.candidate == Sample(requests=5, failures=0)
    assert window.stable.lack is Lack.NO_DATA
    assert "version 1" in window.stable.why


def test_an_idle_version_was_asked_nothing_which_is_not_the_same_as_no_data(prometheus, source):
    prometheus.play(counted("0"))

    assert read(source)[0].candidate == Sample(requests=0, failures=0)


def test_a_window_with_no_value_after_its_end_may_not_be_whole(prometheus, source):
    prometheus.play(matrix(whole(1), row("requests", {60: "5", 120: "6"})))

    first, second = read(source, windows=2)

    assert first.candidate.requests == 5
    assert second.candidate.lack is Lack.NO_DATA
    assert "whole" in second.candidate.why


def test_windows_are_gap_free_whatever_the_source_leaves_out(prometheus, source):
    prometheus.play(matrix(whole(4), row("requests", {150: "7"})))

    windows = read(source, windows=4)

    assert [window.start for window in windows] == [NOON + index * MINUTE for index in range(4)]
    assert [getattr(window.candidate, "lack", None) for window in windows] == [
        *(Lack.NO_DATA, Lack.NO_DATA),
        *(None, Lack.NO_DATA),
    ]


def test_no_windows_are_no_question(prometheus, source):
    assert read(source, windows=0) == ()
    assert prometheus.asked == []


def test_whatever_is_not_the_other_version_is_an_arm_too(prometheus, source):
    prometheus.play(
        matrix(
            whole(),
            row("requests", {60: "5"}),
            *(row("requests", {60: "10"}, version=version) for version in ("0.9", "1", "")),
        )
    )

    (window,) = read(source, stable=OTHERS)

    assert window.stable.requests == 30
    assert window.candidate.requests == 5
    assert 'http_requests_total{app="shop"}' in form(prometheus.asked[0])["query"]
    assert "version=~" not in form(prometheus.asked[0])["query"]


def test_one_version_at_both_arms_cannot_be_told_apart_and_is_not_asked_for(prometheus, source):
    (window,) = read(source, stable=replace(STABLE, version="2"))

    assert window.candidate.lack is window.stable.lack is Lack.ERROR
    assert prometheus.asked == []


def test_without_any_version_nothing_can_be_asked(source):
    with pytest.raises(RejectedError, match="neither arm's version"):
        read(source, candidate=replace(OTHERS, place=Place.CANDIDATE), stable=OTHERS)


@pytest.mark.parametrize(
    ("version", "asked"),
    [
        ("1.4.2", 'version=~"1\\\\.4\\\\.2|1"'),
        ('2"} or vector(1) #', 'version=~"2\\"\\\\} or vector\\\\(1\\\\) #|1"'),
        ("2|1+(x)", 'version=~"2\\\\|1\\\\+\\\\(x\\\\)|1"'),
        ("a\\b\n", 'version=~"a\\\\\\\\b\\U0000000a|1"'),
    ],
)
def test_a_version_is_quoted_whatever_is_in_it(prometheus, source, version, asked):
    prometheus.play(matrix())

    read(source, candidate=replace(CANDIDATE, version=version))

    assert asked in form(prometheus.asked[0])["query"]


@pytest.mark.parametrize(
    ("requests", "failures"),
    [
        ("NaN", "0"),
        ("+Inf", "0"),
        ("-Inf", "0"),
        ("-1", "0"),
        ("10", "NaN"),
        ("10", "-1"),
        ("10", "11"),
        ("1e400", "0"),
    ],
)
def test_what_cannot_be_a_measurement_is_an_error_and_says_why(prometheus, source, requests, failures):
    prometheus.play(counted(requests, row("failures", {60: failures})))

    (window,) = read(source)

    assert window.candidate.lack is Lack.ERROR
    assert window.candidate.why


def test_values_of_moments_that_were_not_asked_for_are_dropped_and_counted(prometheus, source):
    prometheus.play(matrix(whole(), row("requests", {0: "1", 7: "2", 61.5: "3", 75: "4"})))

    (window,) = read(source)

    assert window.candidate.lack is Lack.NO_DATA
    assert "4 values of moments that were not asked for were dropped" in window.candidate.why


def test_hours_of_old_counters_do_not_count_in_one_window(prometheus, source):
    prometheus.play(
        matrix(
            whole(2),
            row("requests", {60: "600", 120: "600"}, version="1"),
            row("requests", {60: "90000", 120: "30"}),
            row("late", {60: "90000"}),
        )
    )

    first, second = read(source, windows=2)

    assert first.candidate.lack is Lack.ERROR
    assert "90000 requests come from series that began here" in first.candidate.why
    assert first.stable.requests == 600
    assert second.candidate.requests == 30


def test_new_pods_count_from_their_first_value_on(prometheus, source):
    prometheus.play(
        matrix(
            whole(), row("requests", {60: "600"}, version="1"), row("requests", {60: "450"}), row("late", {60: "450"})
        )
    )

    assert read(source)[0].candidate.requests == 450


def classic(*counts, part="buckets", version="2"):
    edges = ("0.1", "0.5", "+Inf")
    return [row(part, {60: count}, version, le=edge) for edge, count in zip(edges, counts, strict=True) if count]


LATENCY = {"latency": "http_request_duration_seconds_bucket{app='shop'}"}


def test_cumulative_buckets_in_seconds_become_counts_by_milliseconds(prometheus, source):
    prometheus.play(
        counted("10", *classic("6", "9", "10"), *classic("4", "4", "4", part="edges"), row("took", {60: "2.5"}))
    )

    (window,) = read(replace(source, **LATENCY))

    assert window.candidate.histogram == Histogram(edges=(100.0, 500.0), counts=(6.0, 3.0, 1.0))
    assert window.candidate.latency_ms == 250.0


def test_a_unit_of_milliseconds_is_taken_as_it_is(prometheus, source):
    prometheus.play(counted("10", *classic("6", "9", "10"), row("took", {60: "2500"})))

    (window,) = read(replace(source, **LATENCY, latency_unit=Unit.MILLISECONDS))

    assert window.candidate.histogram.edges == (0.1, 0.5)
    assert window.candidate.latency_ms == 250.0


def test_one_edge_is_one_edge_however_clients_write_it(prometheus, source):
    rows = [row("buckets", {60: "1"}, le=edge) for edge in ("1", "1.0", "1e+00")]
    prometheus.play(counted("10", *rows, row("buckets", {60: "10"}, le="+Inf")))

    assert read(replace(source, **LATENCY))[0].candidate.histogram == Histogram((1000.0,), (3.0, 7.0))


def test_an_edge_that_only_some_series_have_is_left_out(prometheus, source):
    prometheus.play(
        counted("10", *classic("6", "9", "10"), *classic("2", "4", "4", part="edges")),
    )

    assert read(replace(source, **LATENCY))[0].candidate.histogram == Histogram((500.0,), (9.0, 1.0))


@pytest.mark.parametrize(
    "rows",
    [
        [row("buckets", {60: "5"}, le="0.1")],
        classic("9", "2", "10"),
        classic("6", "9", "NaN"),
        classic("6", "-9", "10"),
        [*classic("6", "9", "10"), row("buckets", {60: "5"}, le="soon")],
        [*classic("6", "9", "10"), row("took", {60: "NaN"})],
        [*classic("6", "9", "10"), row("took", {60: "-3"})],
    ],
    ids=["no +Inf", "not cumulative", "NaN", "negative", "no edge", "NaN took", "negative took"],
)
def test_buckets_that_do_not_add_up_are_an_error(prometheus, source, rows):
    prometheus.play(counted("10", *rows))

    (window,) = read(replace(source, **LATENCY))

    assert window.candidate.lack is Lack.ERROR
    assert window.candidate.why.startswith("latency: ")


def test_without_a_histogram_in_the_window_there_are_still_requests(prometheus, source):
    prometheus.play(counted("10"))

    assert read(replace(source, **LATENCY))[0].candidate == Sample(requests=10, failures=0)


def native(*moments, version="2", pod="a"):
    """A series of native histograms at noon, and at each minute after it: buckets of edges and counts, cumulative."""
    points = [
        [
            NOON.timestamp() + 60 * minute,
            {
                "count": str(sum(count for *_, count in buckets)),
                "sum": str(sum(high * count for _, high, count in buckets)),
                "buckets": [[0, str(low), str(high), str(count)] for low, high, count in buckets],
            },
        ]
        for minute, buckets in enumerate(moments)
        if buckets is not None
    ]
    return {"metric": {"version": version, "pod": pod}, "histograms": points}


NATIVE = {"latency": "http_request_duration_seconds"}
ROOT = 2**-0.5


def answers_to_native(prometheus, source, *series, windows=1, **asked):
    """Play requests of both versions, and the series, and return what is read."""
    requests = {60 * number: "12" for number in range(1, windows + 1)}
    both = [row("requests", requests, version) for version in ("1", "2")]
    prometheus.play(matrix(whole(windows), *both), matrix(*series))
    return read(replace(source, **NATIVE), windows=windows, **asked)


def test_native_histograms_are_asked_for_as_they_stand_at_the_edges_of_windows(prometheus, source):
    answers_to_native(prometheus, source, windows=8)

    spans = [(float(said["start"]), float(said["end"])) for said in map(form, prometheus.asked[1:])]
    assert [(a - NOON.timestamp(), b - NOON.timestamp()) for a, b in spans] == [(0, 360), (360, 480)]
    said = form(prometheus.asked[1])
    assert said["query"] == 'http_request_duration_seconds{version=~"2|1"}'
    assert float(said["step"]) == 60


def test_native_histograms_come_out_on_edges_that_are_always_the_same(prometheus, source):
    slower = [(0.25, 0.25 * 2**0.125, 14), (0.5, ROOT, 3), (ROOT, 1.0, 2)]
    (fast,) = answers_to_native(prometheus, source, native([(0.1, 0.11, 5)], [(0.1, 0.11, 7)]))
    (slow,) = answers_to_native(prometheus, source, native([(0.25, 0.25 * 2**0.125, 10)], slower))

    histogram = slow.candidate.histogram
    assert histogram.edges == fast.candidate.histogram.edges
    assert {250.0, 300.0, 500.0, 1000.0, 2000.0} < set(histogram.edges)
    assert histogram.is_plausible
    assert histogram.total == pytest.approx(9)
    assert [histogram.above(edge) for edge in (250.0, 500.0, 1000.0)] == pytest.approx([9, 5, 0])
    assert slow.candidate.latency_ms == pytest.approx((4 * 0.25 * 2**0.125 + 3 * ROOT + 2) / 9 * 1000)
    assert fast.candidate.latency_ms == pytest.approx(110)


def test_native_histograms_of_different_schemas_add_up(prometheus, source):
    coarse = native([(0.25, 1.0, 1)], [(0.25, 1.0, 9)], version="0.9")
    fine = native([(0.5, ROOT, 1)], [(0.5, ROOT, 3), (ROOT, 1.0, 2)], version="1")

    (window,) = answers_to_native(prometheus, source, coarse, fine, stable=OTHERS)

    # Half of what lies between 0.25 and 1 is below 0.5, as histogram_quantile has it.
    assert window.stable.histogram.above(500.0) == pytest.approx(4 + 4)
    assert window.stable.histogram.above(250.0) == pytest.approx(12)
    assert window.stable.histogram.above(1000.0) == pytest.approx(0)


def test_a_process_that_begins_again_shows_what_it_counted_since(prometheus, source):
    windows = answers_to_native(
        prometheus, source, native([(0.5, 1.0, 90)], [(0.5, 1.0, 4)], [(0.5, 1.0, 6)]), windows=2
    )

    assert [window.candidate.histogram.total for window in windows] == [4, 2]


@pytest.mark.parametrize(
    "moments",
    [
        (None, [(0.5, 1.0, 90)], [(0.5, 1.0, 95)]),
        ([(0.5, ROOT, 80), (ROOT, 1.0, 5)], [(0.5, 1.0, 90)], [(0.5, 1.0, 95)]),
        ([(0.5, ROOT, 80)], [(0.5, ROOT, 70), (ROOT, 1.0, 20)], [(0.5, ROOT, 70), (ROOT, 1.0, 25)]),
    ],
    ids=["new", "another resolution", "outgrown"],
)
def test_what_does_not_go_on_from_the_windows_start_is_left_out_and_requests_still_count(prometheus, source, moments):
    first, second = answers_to_native(prometheus, source, native(*moments), windows=2)

    assert first.candidate == Sample(requests=12, failures=0)
    assert second.candidate.histogram.total == 5


def test_the_zero_bucket_and_what_is_slower_than_all_edges_count_too(prometheus, source):
    grown = native([(0.5, 1.0, 0)], [(-1e-128, 1e-128, 3), (0.5, 1.0, 0), (1024.0, 2048.0, 1)])

    (window,) = answers_to_native(prometheus, source, grown)

    histogram = window.candidate.histogram
    assert (histogram.counts[0], histogram.counts[-1], histogram.total) == (3, 1, 4)


def test_plain_numbers_where_a_native_histogram_was_asked_for_are_an_error(prometheus, source):
    plain = {"metric": {"version": "2"}, "values": [[NOON.timestamp(), "4"]]}

    (window,) = answers_to_native(prometheus, source, plain)

    assert window.candidate.lack is Lack.ERROR
    assert "no histogram" in window.candidate.why


PAID = ValueQuery(name="paid", kind=ValueKind.COUNTER, query="paid_total", of="carts_total")


def test_a_counter_of_ones_own_comes_with_its_opportunities(prometheus, source):
    prometheus.play(counted("10", row("value0", {30: "2", 60: "1"}), row("of0", {60: "6"})))

    (window,) = read(source, values=(PAID,))

    assert window.candidate.values == (Value(name="paid", value=3, of=6),)


@pytest.mark.parametrize(
    ("rows", "values"),
    [
        ([row("of0", {60: "6"})], (Value(name="paid", value=0, of=6),)),
        ([row("value0", {60: "2"})], ()),
        ([row("value0", {60: "NaN"}), row("of0", {60: "6"})], ()),
        ([row("value0", {60: "-1"}), row("of0", {60: "6"})], ()),
    ],
    ids=["no event yet", "no opportunities known", "NaN", "negative"],
)
def test_a_counter_without_a_series_is_none_only_beside_opportunities(prometheus, source, rows, values):
    prometheus.play(counted("10", *rows))

    assert read(source, values=(PAID,))[0].candidate.values == values


def test_a_gauge_is_its_mean_over_all_series_at_the_windows_end_in_our_unit(prometheus, source):
    lag = ValueQuery(name="lag", kind=ValueKind.GAUGE, query="lag_seconds", unit=Unit.SECONDS)
    prometheus.play(counted("10", row("value0", {45: "99", 60: "3"}), row("value0 series", {45: "1", 60: "2"})))

    (window,) = read(source, values=(lag,))

    assert window.candidate.values == (Value(name="lag", value=1500.0),)
    assert "avg_over_time(lag_seconds" in form(prometheus.asked[0])["query"]


def test_an_expression_is_asked_for_at_the_ends_of_windows_with_version_and_window_filled_in(prometheus, source):
    query = 'histogram_quantile(0.9, rate(took_bucket{version="$version",pod=~"shop-$version-.*"}[$window])) # $version'
    worst = ValueQuery(name="worst", kind=ValueKind.GAUGE, query=query)
    prometheus.play(
        counted("10"), matrix(row("value0 candidate", {60: "0.5"}, ""), row("value0 stable", {60: "0.25"}, ""))
    )

    (window,) = read(source, candidate=replace(CANDIDATE, version="2.0"), stable=OTHERS, values=(worst,))

    asked = form(prometheus.asked[1])
    assert float(asked["step"]) == 60
    assert float(asked["start"]) == float(asked["end"]) == NOON.timestamp() + 60
    assert 'took_bucket{version="2.0",pod=~"shop-2\\\\.0-.*"}[60s]' in asked["query"]
    assert 'took_bucket{version!="2.0",pod!~"shop-2\\\\.0-.*"}[60s]' in asked["query"]
    assert window.stable.values == (Value(name="worst", value=0.25),)


def test_a_gauge_that_says_no_window_is_averaged_over_it(prometheus, source):
    depth = ValueQuery(name="depth", kind=ValueKind.GAUGE, query='sum(depth{version="$version"}) / 2')
    prometheus.play(
        matrix(whole(), row("requests", {60: "9"}), row("requests", {60: "9"}, "1")),
        matrix(row("value0 candidate", {60: "0.5"}, ""), row("value0 stable", {60: "NaN"}, "")),
    )

    (window,) = read(source, values=(depth,))

    assert 'avg_over_time((\nsum(depth{version="2"}) / 2\n)[59999ms:15s])' in form(prometheus.asked[1])["query"]
    assert window.candidate.values == (Value(name="depth", value=0.5),)
    assert window.stable.values == ()


def test_a_counter_that_counts_over_no_window_is_refused():
    total = ValueQuery(name="paid", kind=ValueKind.COUNTER, query='sum(paid_total{version="$version"})')

    with pytest.raises(RejectedError, match=r"metrics\.values\[paid\]\.query.*\$window"):
        read(PrometheusSource(url="http://127.0.0.1", requests="a", failures="b"), values=(total,))


FILLED = [
    ('a{v="$version"}', 'a{v="2.0"}', 'a{v!="2.0"}'),
    ("a{v='$version'}", 'a{v="2.0"}', 'a{v!="2.0"}'),
    ("a{v!=`$version`}", 'a{v!="2.0"}', 'a{v="2.0"}'),
    ('a{v=~"x-$version-.*"}', 'a{v=~"x-2\\\\.0-.*"}', 'a{v!~"x-2\\\\.0-.*"}'),
    ('a{v !~ "${version}"}', 'a{v !~"2\\\\.0"}', 'a{v =~"2\\\\.0"}'),
    ('a{v = # the one\n "$version"}', 'a{v = "2.0"}', 'a{v !="2.0"}'),
    ("a{v=$version}[$window]", 'a{v="2.0"}[60s]', None),
    ('label_replace(a, "b", "$version", "", "")', 'label_replace(a, "b", "2.0", "", "")', None),
    ('a{v="$versions $window"} == 1', 'a{v="$versions $window"} == 1', 'a{v="$versions $window"} == 1'),
    ("a[${window}] # $version", "a[60s] ", "a[60s] "),
]


@pytest.mark.parametrize(("query", "one", "others"), FILLED)
def test_what_is_filled_in_is_quoted_as_its_place_wants_it_and_turned_round_for_all_others(query, one, others):
    def squeezed(text):
        return text and text.replace(" ", "")

    assert squeezed(fill(query, Filling("2.0", MINUTE))) == squeezed(one)
    assert squeezed(fill(query, Filling("2.0", MINUTE, is_other=True))) == squeezed(others)


@pytest.mark.parametrize("version", ['a"b', "a\\", "x\n}", "`", "$window", "a'", "\u2028"])
@pytest.mark.parametrize("mark", ['"', "'", "`"])
def test_no_version_ends_the_text_that_it_stands_in(version, mark):
    filled = fill(f"a{{v={mark}$version{mark}}}", Filling(version, MINUTE))

    assert parse_selector(filled).conditions[0].value == version


@pytest.mark.parametrize("field", ["requests", "failures", "latency"])
@pytest.mark.parametrize(
    "text",
    [
        "rate(http_requests_total[1m])",
        "http_requests_total[5m]",
        "http_requests_total offset 1h",
        'http_requests_total{app="shop"',
        "http_requests_total{app=shop}",
        'http_requests_total{app="shop" code="500"}',
        "http_requests_total{app}",
        'http_requests_total{app="\\q"}',
        '{app!="shop"}',
        "{}",
        "5",
    ],
)
def test_what_is_no_selector_is_refused_and_is_a_fault(source, field, text):
    wrong = replace(source, **{field: text})

    with pytest.raises(RejectedError, match=rf"metrics\.source\.{field}: "):
        read(wrong)

    (fault,) = metrics().find_faults(question(wrong))
    assert fault.startswith(f"metrics.source.{field}: ")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("up", "up"),
        (" up { } ", "up"),
        ("job:up:sum5m{a='1',}", 'job:up:sum5m{a="1"}'),
        ('{__name__="up",a=~`x\\.y`}', 'up{a=~"x\\\\.y"}'),
        ('{"my.metric","a.b"!="c"}', '{__name__="my.metric","a.b"!="c"}'),
        ('up{a="\\x41\\u00e9\\"\\\\"} # of $all', 'up{a="Aé\\"\\\\"}'),
        ('{__name__=~"a|b"}', '{__name__=~"a|b"}'),
        ('up{a="}"}', 'up{a="}"}'),
    ],
)
def test_a_selector_means_the_same_once_it_is_written_again(text, written):
    assert str(parse_selector(text)) == written
    assert parse_selector(written) == parse_selector(text)


def selectors_in_the_wild():
    """Yield what peers' templates put a range behind, with their own blanks filled in."""
    templates = sorted(PAYLOADS.glob("flagger/metrictemplate/*")) + sorted(
        PAYLOADS.glob("argo-rollouts/*/*prometheus*")
    )
    for path in templates:
        text = re.sub(r"\{\{.*?\}\}", "shop", path.read_text())
        yield from re.findall(r"[a-z_]+\{[^{}]*\}(?=\s*\[)", text)


@pytest.mark.skipif(not PAYLOADS.exists(), reason="peers' metric templates are not beside the project")
def test_selectors_of_peers_templates_are_understood_but_for_the_one_that_lacks_a_comma():
    selectors = list(selectors_in_the_wild())
    whole = [text for text in selectors if not re.search(r'"\s+status', text)]

    assert len(whole) == len(selectors) - 1 >= 8
    assert all(parse_selector(text).metric == text.partition("{")[0] for text in whole)


def test_without_auth_nothing_is_sent_and_nothing_is_asked_for(prometheus, source):
    prometheus.play(counted())

    metrics(credential=None).read_windows(question(source))

    assert "authorization" not in prometheus.asked[0].headers


def test_a_bearer_token_comes_from_the_app_setting_that_is_named(prometheus, source):
    prometheus.play(counted())

    read(replace(source, auth=PrometheusAuth.BEARER, secret_setting="SLIPWAY_SECRET_PROM"))

    assert prometheus.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("setting", ["SLIPWAY_SECRET_MISSING", "SLIPWAY_SECRET_BROKEN", None])
def test_a_token_that_is_not_there_or_is_none_is_refused_before_anything_is_sent(prometheus, source, setting):
    with pytest.raises(RejectedError) as caught:
        read(replace(source, auth=PrometheusAuth.BEARER, secret_setting=setting))

    assert (setting or "secretSetting") in str(caught.value)
    assert "lines" not in str(caught.value)
    assert prometheus.asked == []


@pytest.mark.parametrize("setting", ["SLIPWAY_KEYS", "PROM_TOKEN", "SLIPWAY_SECRET_", ""])
def test_no_other_setting_is_sent_also_for_a_spec_of_before(prometheus, source, setting):
    with pytest.raises(RejectedError, match="does not begin with SLIPWAY_SECRET_") as caught:
        read(replace(source, auth=PrometheusAuth.BEARER, secret_setting=setting))

    assert not any(value in str(caught.value) for value in SETTINGS.values())
    assert prometheus.asked == []


class Identity(AnyToken):
    def __init__(self):
        self.scopes = []

    def get_token(self, *scopes, **options):
        self.scopes.extend(scopes)
        return super().get_token(*scopes, **options)


def test_azure_is_asked_with_the_apps_identity(prometheus, source):
    identity = Identity()
    prometheus.play(counted())

    metrics(credential=lambda: identity).read_windows(question(replace(source, auth=PrometheusAuth.AZURE)))

    assert identity.scopes == ["https://prometheus.monitor.azure.com/.default"]
    assert prometheus.asked[0].headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize(
    "host", ["evil.example", "prometheus.monitor.azure.com.evil.example", "xprometheus.monitor.azure.com"]
)
def test_the_apps_token_goes_to_no_host_but_azures(source, host):
    identity = Identity()
    evil = replace(source, url=f"https://{host}", auth=PrometheusAuth.AZURE)

    with pytest.raises(RejectedError, match="auth azure is for hosts such as"):
        metrics(credential=lambda: identity, allow_http=False).read_windows(question(evil))

    assert identity.scopes == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "ftp://a",
        "https://",
        "https://me:secret@host",
        "host:99999",
        "https://ho\nst/secret",
        "https://höst/secret",
        "https://host/secret\x7f",
    ],
)
def test_only_https_is_asked_unless_http_is_allowed(source, url):
    with pytest.raises(RejectedError) as caught:
        metrics(allow_http=False).read_windows(question(replace(source, url=url)))

    assert "secret" not in str(caught.value)


def test_an_address_with_a_path_keeps_it(prometheus, source):
    prometheus.play(counted())

    read(replace(source, url=f"{prometheus.url}/prometheus/"))

    assert prometheus.asked[0].path == "/prometheus/api/v1/query_range"


def failed(kind, says):
    return {"status": "error", "errorType": kind, "error": says}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, failed("timeout", "query timed out in query execution")),
        (429, failed("too_many_requests", "slow down")),
        (500, b"oh no"),
        (502, b"<html>"),
        (408, b""),
        (200, failed("timeout", "query timed out")),
    ],
)
def test_trouble_of_the_server_is_for_later_and_not_slept(prometheus, source, status, body):
    prometheus.play(Say(status, body, {"Retry-After": "30"}))
    began = time.monotonic()

    with pytest.raises(TryLaterError, match=r"metrics\.source \(prometheus\)") as caught:
        read(source)

    assert caught.value.after_seconds == (None if status == 200 else 30)
    assert time.monotonic() - began < 2
    assert len(prometheus.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (400, failed("bad_data", 'invalid parameter "query": 1:5: parse error'), "bad_data: invalid parameter"),
        (422, failed("execution", "too many samples"), "execution: too many samples"),
        (200, failed("execution", "many-to-many matching"), "many-to-many"),
        (401, b"Unauthorized", "answered 401"),
        (403, b"", "answered 403"),
        (404, b"page not found", "answered 404"),
        (302, b"", "answered 302, which is not followed"),
    ],
)
def test_a_refusal_is_for_good_and_says_why(prometheus, source, status, body, why):
    prometheus.play(Say(status, body, {"Location": "https://login.example/"}))

    with pytest.raises(RejectedError, match=why):
        read(source)


def test_a_partial_answer_is_none(prometheus, source):
    prometheus.play(counted("5", warnings=["store 10.0.0.7:10901: context deadline exceeded"]))

    with pytest.raises(TryLaterError, match=r"partial answer: store 10\.0\.0\.7"):
        read(source)


def test_an_answer_with_infos_is_whole(prometheus, source):
    prometheus.play(counted("5", infos=["PromQL info: metric might not be a counter"], warnings=[]))

    assert read(source)[0].candidate.requests == 5


def test_half_of_several_answers_is_none(prometheus, source):
    level = ValueQuery(name="level", kind=ValueKind.GAUGE, query="max(level)")
    prometheus.play(counted(), Say(503))

    with pytest.raises(TryLaterError):
        read(source, values=(level,))


ROW = {"metric": {"slipway": "requests", "version": "2"}, "values": [[NOON.timestamp() + 60, "1"]]}
MALFORMED = [
    b"<html>",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'{"status": "success"}',
    b'{"status": "success", "data": NaN}',
    b'{"status": "success", "data": {"resultType": "vector", "result": []}}',
    *(
        {"status": "success", "data": {"resultType": "matrix", "result": result}}
        for result in (
            5,
            [5],
            [{}],
            [{"metric": {"a": 1}, "values": []}],
            [{**ROW, "values": 5}],
            [{**ROW, "values": [5]}],
            [{**ROW, "values": [[1]]}],
            [{**ROW, "values": [["1", "1"]]}],
            [{**ROW, "values": [[True, "1"]]}],
            [{**ROW, "values": [[1, 1]]}],
            [{**ROW, "values": [[1, True]]}],
            [{**ROW, "values": [[1, None]]}],
            [{**ROW, "values": [[1, "ten"]]}],
            [ROW, ROW],
            [{**ROW, "values": ROW["values"] * 2}],
            [{**ROW, "histograms": [[1, {"count": "1"}]]}],
            [{**ROW, "histograms": [[1, {"count": "1", "sum": "1", "buckets": 5}]]}],
            [{**ROW, "histograms": [[1, {"count": "1", "sum": "1", "buckets": [["1", "2", "3"]]}]]}],
        )
    ),
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: json.dumps(body, default=repr)[-45:])
def test_garbage_is_for_later(prometheus, source, body):
    prometheus.play(Say(200, body))

    with pytest.raises(TryLaterError, match=r"metrics\.source"):
        read(source)


def test_an_answer_that_is_cut_off_is_for_later(prometheus, source):
    content = counted().content()
    prometheus.play(Say(200, content[:-30], {"Content-Length": str(len(content)), "Connection": "close"}))

    with pytest.raises(TryLaterError):
        read(source)


def test_an_answer_without_end_is_read_only_so_far(prometheus, source, monkeypatch):
    monkeypatch.setattr("shared.adapters.prometheus.server.LARGEST_ANSWER", 1000)
    prometheus.play(counted("5", *(row("late", {60: "1"}, version=str(number)) for number in range(50))))

    with pytest.raises(RejectedError, match="more than 1000 bytes"):
        read(source)


def test_a_compressed_answer_is_not_asked_for(prometheus, source):
    prometheus.play(counted())

    read(source)

    assert "accept-encoding" not in prometheus.asked[0].headers


@pytest.mark.parametrize("step", [Silence(), Drip()], ids=["no answer", "an answer that drips"])
def test_no_answer_in_time_is_for_later(prometheus, source, monkeypatch, step):
    monkeypatch.setattr("shared.adapters.prometheus.server.METHOD_SECONDS", 0.4)
    prometheus.play(step)
    began = time.monotonic()

    with pytest.raises(TryLaterError):
        read(source)

    assert time.monotonic() - began < 2


def test_a_line_that_breaks_once_is_tried_again_at_once(prometheus, source):
    prometheus.play(HangUp(), counted("5"))

    assert read(source)[0].candidate.requests == 5


def test_a_line_that_breaks_twice_is_for_later(prometheus, source):
    prometheus.play(HangUp())

    with pytest.raises(TryLaterError, match="broke off"):
        read(source)

    assert len(prometheus.asked) == 2


def test_a_refused_connection_is_for_later(source):
    with pytest.raises(TryLaterError, match="refused"):
        read(replace(source, url=f"http://127.0.0.1:{closed_port()}"))


@pytest.mark.parametrize(("ours", "why"), [(90, "behind ours"), (-90, "ahead of ours"), (20, ""), (-20, "")])
def test_a_server_whose_clock_is_a_window_away_has_other_windows(prometheus, source, ours, why):
    prometheus.play(counted("5"))
    clock = metrics(now=lambda: datetime.now(UTC) + timedelta(seconds=ours))

    if not why:
        assert clock.read_windows(question(source))[0].candidate.requests == 5
        return
    with pytest.raises(TryLaterError, match=rf"the clock of 127\.0\.0\.1 is (89|90|91) s {why}"):
        clock.read_windows(question(source))


@pytest.mark.parametrize(
    "step", [Say(500, b"no"), Say(403, failed("forbidden", "no")), HangUp(), Say(200, b"{"), Say(302)], ids=repr
)
def test_no_error_tells_the_token_or_the_query(prometheus, source, step):
    prometheus.play(step)

    with pytest.raises((TryLaterError, RejectedError)) as caught:
        read(replace(source, auth=PrometheusAuth.BEARER, secret_setting="SLIPWAY_SECRET_PROM"))

    told = []
    error = caught.value
    while error is not None:
        told.append(str(error))
        error = error.__cause__
    assert TOKEN not in "".join(told)
    assert "http_requests_total" not in "".join(told)


@pytest.mark.parametrize(
    ("seconds", "windows", "steps"),
    [
        (60, 1, 4),
        (60, 60, 2),
        (60, 240, 1),
        (15, 1, 4),
        (1, 1, 4),
        (3600, 1, 20),
        (300, 1, 20),
        (60, 40, 3),
        (7, 1, 4),
    ],
)
def test_windows_are_cut_into_steps_of_about_a_scrape_but_not_into_too_many(
    prometheus, source, seconds, windows, steps
):
    prometheus.play(matrix())

    read(source, windows=windows, length=timedelta(seconds=seconds))

    assert float(form(prometheus.asked[0])["step"]) == pytest.approx(seconds / steps, abs=0.001)
