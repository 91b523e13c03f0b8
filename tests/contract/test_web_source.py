"""What a page of JSON answers, and what becomes of it, over real sockets."""

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from shared.adapters.http_json.web_metrics import WebMetrics
from shared.domain.analysis.measurement import Histogram, Lack, Sample, Value
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.measuring import Unit, ValueKind, ValueQuery, WebSource
from shared.domain.rollout.spec import Place
from shared.ports.metrics_source import Arm
from tests.scripted_server import Drip, HangUp, Say, Silence, closed_port, scripted_server
from tests.traffic_worlds import window_question

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "a-bearer-token-of-the-test"
SETTINGS = {
    "SLIPWAY_SECRET_STATS": TOKEN,
    "SLIPWAY_SECRET_BROKEN": "two\r\nlines",
    "SLIPWAY_KEYS": "alice=the-key-of-an-operator",
    "STATS_TOKEN": "named-by-an-older-spec",
}
PATH = "/stats?version={version}&since={since}&until={until}&seconds={seconds}"


@pytest.fixture
def page():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def source(page):
    return WebSource(url=page.url + PATH)


def metrics(**more):
    return WebMetrics(SETTINGS.get, **{"allow_http": True, **more})


def question(source, *, windows=1, candidate="2", stable=None, length=MINUTE, values=()):
    """Only the candidate is asked for, unless a stable version is named."""
    return window_question(
        NOON,
        NOON + windows * length,
        length,
        source=source,
        candidate=Arm(version=candidate, place=Place.CANDIDATE),
        stable=Arm(version=stable, place=Place.PRODUCTION),
        values=values,
    )


def read(source, **asked):
    return metrics().read_windows(question(source, **asked))


def sample(page, source, document, **asked):
    """Return what the candidate's sample is when the page says this."""
    page.play(Say(200, document))
    return read(source, **asked)[0].candidate


def test_the_page_is_asked_for_one_version_in_one_window(page, source):
    page.play(Say(200, {"requests": 10, "failures": 1}))

    (window,) = read(source, candidate="2.0+build/7&x={since}")

    (asked,) = page.asked
    assert (asked.method, asked.path) == ("GET", "/stats")
    assert asked.query == {
        "version": "2.0+build/7&x={since}",
        "since": "2026-11-23T12:00:00Z",
        "until": "2026-11-23T12:01:00Z",
        "seconds": "60",
    }
    assert asked.headers["accept"] == "application/json"
    assert "authorization" not in asked.headers
    assert (window.start, window.end) == (NOON, NOON + MINUTE)
    assert window.candidate == Sample(requests=10, failures=1)


class Counting:
    """A page that tells different counts by version and window, and how many asked at once."""

    def __init__(self):
        self.url = ""
        self.asked = 0
        self.under_way = self.most_under_way = 0
        self.lock = threading.Lock()


@contextmanager
def counting_page(seconds=0.0):
    """Run it: version 1 has ten requests in its first minute, 11 in the next; version 2 a tenth of that."""
    state = Counting()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with state.lock:
                state.asked += 1
                state.under_way += 1
                state.most_under_way = max(state.most_under_way, state.under_way)
            time.sleep(seconds)
            _, version, since = unquote(self.path).split("/")
            minute = int(since[14:16])
            requests = (10 + minute) * (10 if version == "1" else 1)
            content = json.dumps({"requests": requests, "failures": minute}).encode()
            with state.lock:
                state.under_way -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            return

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{listener.server_port}/{{version}}/{{since}}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def test_each_arm_and_window_gets_its_own_page_a_few_at_a_time():
    with counting_page(seconds=0.05) as page:
        windows = read(WebSource(url=page.url), windows=10, stable="1")

    assert [window.start for window in windows] == [NOON + index * MINUTE for index in range(10)]
    assert [window.stable.requests for window in windows] == [100 + 10 * index for index in range(10)]
    assert [window.candidate.requests for window in windows] == [10 + index for index in range(10)]
    assert page.asked == 20
    assert 2 <= page.most_under_way <= 4


def test_no_windows_are_no_question(page, source):
    assert read(source, windows=0) == ()
    assert page.asked == []


def test_a_version_that_is_not_known_has_no_data_and_is_not_asked_for(page, source):
    page.play(Say(200, {"requests": 10, "failures": 1}))

    (window,) = read(source)

    assert window.stable.lack is Lack.NO_DATA
    assert len(page.asked) == 1


def test_one_version_at_both_arms_cannot_be_told_apart_and_is_not_asked_for(page, source):
    (window,) = read(source, stable="2")

    assert window.candidate.lack is window.stable.lack is Lack.ERROR
    assert page.asked == []


NESTED = {
    "data": [{"count": 200, "bad/ly": 3, "took": 0.25, "of": "2"}],
    "times": {"edges": [0.1, 0.57], "counts": [150, 40, 10]},
}


def test_figures_stand_where_the_pointers_say_and_come_out_in_milliseconds(page, source):
    pointed = replace(
        source,
        requests="/data/0/count",
        failures="/data/0/bad~1ly",
        latency="/data/0/took",
        latency_unit=Unit.SECONDS,
        histogram="/times",
        version="/data/0/of",
    )

    assert sample(page, pointed, NESTED) == Sample(
        requests=200, failures=3, latency_ms=250.0, histogram=Histogram((100.0, 570.0), (150.0, 40.0, 10.0))
    )


@pytest.mark.parametrize(
    ("unit", "told", "failures"),
    [
        (Unit.ONE, 0.0125, 15),
        (Unit.PERCENT, 1.25, 15),
        (Unit.PPM, 12500, 15),
        (Unit.ONE, 0, 0),
        (Unit.ONE, 1, 1200),
        (Unit.PERCENT, 100, 1200),
        (Unit.PERCENT, 0.001, 0.012),
    ],
)
def test_a_failure_rate_becomes_a_count(page, source, unit, told, failures):
    rated = replace(source, failures="/rate", failures_unit=unit)

    assert sample(page, rated, {"requests": 1200, "rate": told}).failures == pytest.approx(failures, rel=1e-12)


def test_a_count_that_became_a_rate_is_the_same_count_again(page, source):
    rated = replace(source, failures="/rate", failures_unit=Unit.ONE)

    for requests, failures in ((49, 1), (303, 101), (1_000_003, 999_983)):
        assert sample(page, rated, {"requests": requests, "rate": failures / requests}).failures == failures


@pytest.mark.parametrize(("unit", "told"), [(Unit.ONE, 1.25), (Unit.PERCENT, 125), (Unit.PPM, 1_000_001)])
def test_a_rate_of_more_than_everything_is_in_another_unit(page, source, unit, told):
    rated = replace(source, failures="/rate", failures_unit=unit)

    missing = sample(page, rated, {"requests": 1200, "rate": told})

    assert missing.lack is Lack.ERROR
    assert "more than everything" in missing.why


@pytest.mark.parametrize("told", [None, "n/a", 0])
def test_without_requests_a_rate_says_nothing(page, source, told):
    rated = replace(source, failures="/rate", failures_unit=Unit.PERCENT, latency="/took")

    assert sample(page, rated, {"requests": 0, "rate": told, "took": 0}) == Sample(requests=0, failures=0)


@pytest.mark.parametrize(
    "said", [Say(404), Say(204), Say(200, {}), Say(200, {"requests": None, "failures": 5}), Say(200, []), Say(200, 5)]
)
def test_a_page_that_knows_nothing_of_the_window_is_no_data(page, source, said):
    page.play(said)

    missing = read(source)[0].candidate

    assert missing.lack is Lack.NO_DATA
    assert missing.why


HISTOGRAM = {"edges": [10, 20], "counts": [1, 2, 3]}


@pytest.mark.parametrize(
    "said",
    [
        {"requests": "10"},
        {"requests": True},
        {"requests": float("nan")},
        {"requests": float("inf")},
        {"requests": -1},
        {"requests": [10]},
        {"failures": None},
        {"failures": "0"},
        {"failures": False},
        {"failures": -1},
        {"failures": 11},
        {"failures": float("nan")},
        {"took": "fast"},
        {"took": -5},
        {"times": 5},
        {"times": {"edges": [10, 20]}},
        {"times": {**HISTOGRAM, "counts": [1, 2]}},
        {"times": {**HISTOGRAM, "counts": [1, 2, -3]}},
        {"times": {**HISTOGRAM, "counts": [1, 2, True]}},
        {"times": {**HISTOGRAM, "counts": [1, 2, None]}},
        {"times": {**HISTOGRAM, "edges": [20, 10]}},
        {"times": {**HISTOGRAM, "edges": ["10", "20"]}},
        {"times": {"edges": [], "counts": [6]}},
        {"paid": "3"},
        {"paid": -3},
        {"carts": True},
    ],
    ids=str,
)
def test_what_cannot_be_a_measurement_is_an_error_and_says_where(page, source, said):
    good = {"requests": 10, "failures": 1, "took": 5, "times": HISTOGRAM, "paid": 1, "carts": 2}
    whole = replace(source, latency="/took", histogram="/times")
    paid = ValueQuery(name="paid", kind=ValueKind.COUNTER, query="/paid", of="/carts")
    assert isinstance(sample(page, whole, good, values=(paid,)), Sample)

    missing = sample(page, whole, {**good, **said}, values=(paid,))

    assert missing.lack is Lack.ERROR
    assert any(name in missing.why for name in (*said, "failures"))


def test_a_number_that_no_machine_holds_is_an_error(page, source):
    assert sample(page, source, b'{"requests": 1e999, "failures": 0}').lack is Lack.ERROR


def test_an_answer_about_another_version_is_an_error_and_never_a_sample(page, source):
    named = replace(source, version="/version")

    for told in ("1", None, 2.0, ["2"]):
        missing = sample(page, named, {"requests": 10, "failures": 1, "version": told})
        assert missing.lack is Lack.ERROR


def test_a_version_that_is_told_as_a_number_keeps_its_digits(page, source):
    named = replace(source, version="/version")
    document = b'{"requests": 10, "failures": 1, "version": 1.10}'

    assert sample(page, named, document, candidate="1.10").requests == 10
    assert sample(page, named, document, candidate="1.1").lack is Lack.ERROR


def test_figures_of_ones_own_stand_on_the_same_page(page, source):
    values = (
        ValueQuery(name="paid", kind=ValueKind.COUNTER, query="/paid", of="/carts"),
        ValueQuery(name="searched", kind=ValueKind.COUNTER, query="/searched"),
        ValueQuery(name="lag", kind=ValueKind.GAUGE, query="/lag", unit=Unit.SECONDS),
        ValueQuery(name="mood", kind=ValueKind.GAUGE, query="/mood", unit=Unit.PERCENT),
        ValueQuery(name="gone", kind=ValueKind.GAUGE, query="/gone"),
        ValueQuery(name="without", kind=ValueKind.COUNTER, query="/paid", of="/gone"),
    )
    document = {"requests": 10, "failures": 0, "paid": 2, "carts": 5, "searched": 7, "lag": 1.5, "mood": -3}

    assert sample(page, source, document, values=values).values == (
        Value(name="paid", value=2, of=5),
        Value(name="searched", value=7),
        Value(name="lag", value=1500),
        Value(name="mood", value=-0.03),
    )


def test_a_bearer_token_comes_from_the_app_setting_that_is_named(page, source):
    page.play(Say(200, {"requests": 10, "failures": 1}))

    read(replace(source, secret_setting="SLIPWAY_SECRET_STATS"))

    assert page.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("setting", ["SLIPWAY_SECRET_MISSING", "SLIPWAY_SECRET_BROKEN"])
def test_a_token_that_is_not_there_or_is_none_is_refused_before_anything_is_sent(page, source, setting):
    with pytest.raises(RejectedError, match=setting) as caught:
        read(replace(source, secret_setting=setting))

    assert "lines" not in str(caught.value)
    assert page.asked == []


@pytest.mark.parametrize("setting", ["SLIPWAY_KEYS", "STATS_TOKEN", "SLIPWAY_SECRET_", ""])
def test_no_other_setting_is_sent_also_for_a_spec_of_before(page, source, setting):
    with pytest.raises(RejectedError, match="does not begin with SLIPWAY_SECRET_") as caught:
        read(replace(source, secret_setting=setting))

    assert not any(value in str(caught.value) for value in SETTINGS.values())
    assert page.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "ftp://a/",
        "https:///x",
        "https://me:secret@host/",
        "//host/",
        "https://ho\nst/secret",
        "https://host/secret\r\n",
        "https://höst/secret",
        "https://host/secret\x00",
    ],
)
def test_only_https_is_asked_unless_http_is_allowed(url):
    with pytest.raises(RejectedError) as caught:
        metrics(allow_http=False).read_windows(question(WebSource(url=url + "{version}{since}")))

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_trouble_of_the_page_is_for_later_and_not_slept(page, source, status):
    page.play(Say(status, b"", {"Retry-After": "30"}))
    began = time.monotonic()

    with pytest.raises(TryLaterError, match=f"answered {status}") as caught:
        read(source)

    assert caught.value.after_seconds == 30
    assert time.monotonic() - began < 2
    assert len(page.asked) == 1


def test_after_a_refusal_the_rest_is_not_asked_for(page, source):
    page.play(Say(429, b"", {"Retry-After": "30"}))

    with pytest.raises(TryLaterError):
        read(source, windows=60, stable="1")

    assert len(page.asked) < 20


@pytest.mark.parametrize("status", [400, 401, 403, 410])
def test_a_refusal_is_for_good(page, source, status):
    page.play(Say(status))

    with pytest.raises(RejectedError, match=f"answered {status}"):
        read(source)


@pytest.mark.parametrize("body", [b"<html>", b"{", b"", b"\xff", b"[" * 100_000])
def test_garbage_is_for_later(page, source, body):
    page.play(Say(200, body))

    with pytest.raises(TryLaterError, match="no JSON"):
        read(source)


def test_a_page_that_is_cut_off_is_for_later(page, source):
    page.play(Say(200, b'{"requests": 10, "fail', {"Content-Length": "500", "Connection": "close"}))

    with pytest.raises(TryLaterError):
        read(source)


def test_a_page_without_end_is_read_only_so_far(page, source):
    page.play(Say(200, b" " * 300_000))

    with pytest.raises(RejectedError, match="more than 262144 bytes"):
        read(source)


@pytest.mark.parametrize("step", [Silence(), Drip()], ids=["no answer", "an answer that drips"])
def test_no_answer_in_time_is_for_later(page, source, monkeypatch, step):
    monkeypatch.setattr("shared.adapters.http_json.web_metrics.METHOD_SECONDS", 0.4)
    page.play(step)
    began = time.monotonic()

    with pytest.raises(TryLaterError):
        read(source, windows=3)

    assert time.monotonic() - began < 2


def test_a_line_that_breaks_once_is_tried_again_at_once(page, source):
    page.play(HangUp(), Say(200, {"requests": 10, "failures": 1}))

    assert read(source)[0].candidate.requests == 10


def test_a_line_that_breaks_twice_is_for_later(page, source):
    page.play(HangUp())

    with pytest.raises(TryLaterError, match="broke off"):
        read(source)

    assert len(page.asked) == 2


def test_a_refused_connection_is_for_later():
    with pytest.raises(TryLaterError, match="refused"):
        read(WebSource(url=f"http://127.0.0.1:{closed_port()}{PATH}"))


def test_a_redirect_on_the_same_host_is_followed_with_the_token(page, source):
    page.play(Say(302, b"", {"Location": "/elsewhere"}), Say(200, {"requests": 10, "failures": 1}))

    (window,) = read(replace(source, secret_setting="SLIPWAY_SECRET_STATS"))

    assert window.candidate.requests == 10
    assert [asked.path for asked in page.asked] == ["/stats", "/elsewhere"]
    assert page.asked[1].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_redirect_to_another_host_is_not_followed(page, source):
    with scripted_server(Say(200, {"requests": 10, "failures": 1})) as other:
        page.play(Say(302, b"", {"Location": f"{other.url}/stats?key=secret"}))

        with pytest.raises(RejectedError, match="another host") as caught:
            read(replace(source, secret_setting="SLIPWAY_SECRET_STATS"))

        assert other.asked == []
    assert "secret" not in str(caught.value)


def test_a_redirect_to_what_is_no_address_is_not_followed(page, source):
    page.play(Say(302, b"", {"Location": "//[stats"}))

    with pytest.raises(RejectedError, match="another host"):
        read(source)


def test_a_circle_of_redirects_ends(page, source):
    page.play(Say(302, b"", {"Location": "/stats"}))

    with pytest.raises(RejectedError, match="redirects more than 3 times"):
        read(source)


@pytest.mark.parametrize(("ours", "why"), [(90, "behind ours"), (-90, "ahead of ours"), (20, "")])
def test_a_page_whose_clock_is_a_window_away_has_other_windows(page, source, ours, why):
    page.play(Say(200, {"requests": 10, "failures": 1}))
    clock = metrics(now=lambda: datetime.now(UTC) + timedelta(seconds=ours))

    if not why:
        assert clock.read_windows(question(source))[0].candidate.requests == 10
        return
    with pytest.raises(TryLaterError, match=rf"the clock of 127\.0\.0\.1 is (89|90|91) s {why}"):
        clock.read_windows(question(source))


def test_a_page_out_of_a_cache_says_nothing_of_clocks(page, source):
    page.play(Say(200, {"requests": 10, "failures": 1}, {"Age": "3000"}))
    clock = metrics(now=lambda: datetime.now(UTC) + timedelta(hours=1))

    assert clock.read_windows(question(source))[0].candidate.requests == 10


@pytest.mark.parametrize(
    "step", [Say(500), Say(403), HangUp(), Say(200, b"{"), Say(302), Say(302, b"", {"Location": "//evil/"})], ids=repr
)
def test_no_error_tells_the_token_or_what_is_asked(page, source, step):
    page.play(step)

    with pytest.raises((TryLaterError, RejectedError)) as caught:
        read(replace(source, url=source.url + "&key=hidden", secret_setting="SLIPWAY_SECRET_STATS"))

    told, error = "", caught.value
    while error is not None:
        told, error = f"{told}{error}", error.__cause__
    assert TOKEN not in told
    assert "hidden" not in told


def faults(source, **asked):
    return metrics().find_faults(question(source, **{"stable": "1", "windows": 3, **asked}))


def test_a_page_that_is_right_has_no_faults(page, source):
    page.play(Say(200, {"requests": 10, "failures": 1}))

    assert faults(source) == ()
    assert page.asked[0].query["version"] == "1"
    assert page.asked[0].query["since"] == "2026-11-23T12:02:00Z"


@pytest.mark.parametrize(
    ("path", "why"),
    [("/stats?since={since}", "no {version} in it"), ("/stats/{version}/{seconds}", "no {since} and no {until} in it")],
)
def test_an_address_that_is_the_same_for_both_versions_or_all_windows_is_a_fault(page, path, why):
    (fault,) = faults(WebSource(url=page.url + path))

    assert fault.startswith("metrics.source.url: ")
    assert why in fault


@pytest.mark.parametrize(
    ("more", "document", "fault"),
    [
        (
            {},
            {"count": 5, "failures": 1},
            "metrics.source.requests: the page has no member /requests; it has /count, /f",
        ),
        ({}, {"requests": 5}, "metrics.source.failures: the page has no member /failures; it has /requests"),
        ({}, {"requests": 5, "failures": "1"}, "metrics.source: /failures is no number"),
        ({"latency": "/ms"}, {"requests": 5, "failures": 1}, "metrics.source.latency: the page has no member /ms"),
        ({"histogram": "/h"}, {"requests": 5, "failures": 1, "h": []}, "metrics.source: /h is no object"),
        ({"version": "/v"}, {"requests": 5, "failures": 1, "v": "9"}, "metrics.source: the page is of version '9'"),
        ({"requests": "requests"}, {"requests": 5}, "metrics.source: 'requests' is not a JSON pointer"),
        ({"failures_unit": Unit.ONE}, {"requests": 5, "failures": 2.5}, "metrics.source: /failures is 2.5, which"),
        ({}, [], "metrics.source.requests: the page has no member /requests; it has none"),
    ],
)
def test_a_member_that_is_not_there_or_not_what_it_should_be_is_a_fault(page, source, more, document, fault):
    page.play(Say(200, document))

    found = faults(replace(source, **more))

    assert found[0].startswith(fault)


def test_a_value_that_is_not_on_the_page_is_a_fault(page, source):
    page.play(Say(200, {"requests": 5, "failures": 0, "paid": 3}))
    paid = ValueQuery(name="paid", kind=ValueKind.COUNTER, query="/paid", of="/carts")

    (fault,) = faults(source, values=(paid,))

    assert fault.startswith("metrics.values[paid].of: the page has no member /carts")


def test_a_page_that_knows_nothing_of_the_live_version_at_any_time_is_a_fault(page, source):
    page.play(Say(404))

    assert faults(source) == ("metrics.source.url: 127.0.0.1 answered 404 for version 1, which is live",)
    assert len(page.asked) == 2


def test_a_page_that_knew_of_the_live_version_before_is_right(page, source):
    page.play(Say(404), Say(200, {"requests": 10, "failures": 1}))

    assert faults(source) == ()


def test_without_a_live_version_there_is_nothing_to_look_at(page, source):
    assert faults(source, stable=None) == ()
    assert page.asked == []
