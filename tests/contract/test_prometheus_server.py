"""What a real Prometheus makes of our questions: counters that restart, come and go, and histograms of both kinds."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.prometheus.metrics_source import PrometheusMetrics
from shared.domain.analysis.measurement import Histogram, Lack, Sample, Value
from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import PrometheusSource, Unit, ValueKind, ValueQuery
from shared.domain.rollout.spec import Place
from shared.ports.metrics_source import Arm
from tests.prometheus import Series, prometheus_of
from tests.prometheus_exporter import exporter
from tests.traffic_worlds import window_question

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SCRAPE = 15
OFFSET = 3.25
"""Scrapes come so long after the quarter of a minute."""
PAST: list[Series] = []
"""What happened, by application, before the server of this module starts."""


def happened(
    app: str,
    version: str,
    value: Callable[[int], float],
    since: int = -7200,
    until: int = 3600,
    *,
    name="http_requests_total",
    every: int = SCRAPE,
    **labels: str,
) -> None:
    """Let a counter be scraped from `since` to `until` seconds after noon; `value` is told when."""
    pairs = {"app": app, **({"version": version} if version else {}), "pod": f"{app}-{version}", **labels}
    written = ",".join(f'{key}="{text}"' for key, text in pairs.items())
    values = {NOON.timestamp() + at + OFFSET: value(at) for at in range(since, until, every)}
    PAST.append(Series(f"{name}{{{written}}}", values))


def steady(per_second: float, start: float = 100_000.0, since: int = -7200) -> Callable[[int], float]:
    """A counter that grows evenly."""
    return lambda at: start + per_second * (at - since)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with prometheus_of(tmp_path_factory.mktemp("prometheus"), PAST) as server:
        yield server


@pytest.fixture
def metrics():
    return PrometheusMetrics({}.get, lambda: None, allow_http=True)


def source(server, app, **more):
    requests = f'http_requests_total{{app="{app}"}}'
    failures = f'http_requests_total{{app="{app}",code=~"5.."}}'
    return PrometheusSource(**{"url": server.url, "requests": requests, "failures": failures, **more})


def question(source, since=0, windows=1, *, stable="1", candidate="2", length=MINUTE, values=()):
    begin = NOON + since * length
    return window_question(
        begin,
        begin + windows * length,
        length,
        source=source,
        candidate=Arm(version=candidate, place=Place.CANDIDATE),
        stable=Arm(version=stable, place=Place.PRODUCTION),
        values=values,
    )


happened("steady", "1", steady(10), code="200", path="/")
happened("steady", "1", steady(4), code="200", path="/cart")
happened("steady", "1", steady(0.2), code="500", path="/")
happened("steady", "2", steady(1), code="200", path="/")


def test_all_series_of_a_version_count_and_no_request_is_guessed(server, metrics):
    windows = metrics.read_windows(question(source(server, "steady"), windows=30))

    assert {window.stable for window in windows} == {Sample(requests=852, failures=12)}
    assert {window.candidate for window in windows} == {Sample(requests=60, failures=0)}


def test_windows_add_up_to_what_the_counter_grew_by_whatever_their_length(server, metrics):
    for length, count in [(15, 40), (60, 10), (300, 2), (600, 1)]:
        asked = question(source(server, "steady"), windows=count, length=timedelta(seconds=length))
        assert sum(window.stable.requests for window in metrics.read_windows(asked)) == 8520


happened("restart", "1", steady(10), code="200")
happened("restart", "2", lambda at: 2 * (at + 7200) if at < 90 else 2 * (at - 82), code="200")
happened("restart", "2", lambda at: (at + 7200) / 15 if at < 90 else (at - 82) / 2, code="500")


def test_what_a_restarted_process_counted_since_counts(server, metrics):
    first, second, third = metrics.read_windows(question(source(server, "restart"), windows=3))

    assert first.candidate == Sample(requests=124, failures=4)
    # Scraped at 63, 78, then begun again at 82, scraped at 93 with 16 and 4, and at 108.
    assert second.candidate == Sample(requests=2 * 30 + 16 + 30 + 2 + 4 + 7.5, failures=2 + 4 + 7.5)
    assert third.candidate == Sample(requests=150, failures=30)


happened("dead pod", "1", steady(10), code="200")
happened("dead pod", "2", steady(2, 0, 0), 0, 90, code="500")


def test_what_a_pod_served_before_it_died_counts_and_then_there_is_no_data(server, metrics):
    first, second, third = metrics.read_windows(question(source(server, "dead pod"), windows=3))

    assert first.candidate == Sample(requests=90, failures=90)
    assert second.candidate == Sample(requests=60, failures=60)
    assert third.candidate.lack is Lack.NO_DATA


happened("first failure", "1", steady(10), code="200")
happened("first failure", "2", steady(2), code="200")
happened("first failure", "2", lambda at: 1, 30, 600, code="503")


def test_the_first_failure_counts_though_its_counter_was_not_there_before(server, metrics):
    windows = metrics.read_windows(question(source(server, "first failure"), windows=3))

    assert [window.candidate.failures for window in windows] == [1, 0, 0]
    assert [window.candidate.requests for window in windows] == [121, 120, 120]


happened("new pods", "1", steady(10), code="200")
for number in range(20):
    happened(
        "new pods", "2", lambda at, begins=number * 15: 5 + at - begins, number * 15, 600, code="200", pod=f"p{number}"
    )


def test_pods_that_come_one_after_the_other_count_from_their_first_request_on(server, metrics):
    windows = metrics.read_windows(question(source(server, "new pods"), windows=3))

    # Each scrape one pod more, with 5 requests at its first.
    assert [window.candidate.requests for window in windows] == [
        5 * 4 + 15 * (0 + 1 + 2 + 3),
        5 * 4 + 15 * (4 + 5 + 6 + 7),
        5 * 4 + 15 * (8 + 9 + 10 + 11),
    ]


happened("short pause", "1", steady(10), -7200, 60, code="200")
happened("short pause", "1", steady(10), 180, code="200")


def test_what_was_counted_in_a_pause_of_scrapes_counts_once_when_it_is_learnt(server, metrics):
    windows = metrics.read_windows(question(source(server, "short pause"), windows=5))

    assert [getattr(window.stable, "requests", None) for window in windows] == [600, None, None, 1950 - 150, 600]
    assert sum(w.stable.requests for w in windows if isinstance(w.stable, Sample)) == 10 * 300


happened("long pause", "1", steady(10), -7200, 60, code="200")
happened("long pause", "1", steady(10), 1800, code="200")


def test_half_an_hour_does_not_count_in_one_window(server, metrics):
    windows = metrics.read_windows(question(source(server, "long pause"), since=28, windows=4))

    assert [getattr(window.stable, "requests", None) for window in windows] == [None, None, None, 600]
    assert windows[2].stable.lack is Lack.ERROR


happened("relabelled", "1", steady(10), -7200, 60, code="200", pod="old")
happened("relabelled", "1", steady(10), 60, code="200", pod="new")


def test_old_counters_under_new_labels_do_not_count_as_new(server, metrics):
    first, second, third = metrics.read_windows(question(source(server, "relabelled"), windows=3))

    assert first.stable.requests == third.stable.requests == 600
    assert second.stable.lack is Lack.ERROR


happened("just begun", "1", steady(10), 0, code="200")


def test_counters_that_prometheus_has_only_just_begun_to_scrape_do_not_count_from_their_beginning(server, metrics):
    first, second = metrics.read_windows(question(source(server, "just begun"), windows=2))

    assert first.stable.lack is Lack.ERROR
    assert second.stable.requests == 600


happened("slow scrapes", "1", steady(10), code="200", every=60)


def test_one_scrape_a_window_is_enough(server, metrics):
    windows = metrics.read_windows(question(source(server, "slow scrapes"), windows=5))

    assert [window.stable.requests for window in windows] == [600] * 5


def test_the_window_that_has_just_ended_is_not_whole_before_the_next_scrape(server, metrics):
    last = metrics.read_windows(question(source(server, "steady"), since=58, windows=2))

    assert last[0].stable.requests == 852
    assert last[1].stable.lack is Lack.NO_DATA


happened("many", "1", steady(10), code="200")
happened("many", "1.1", steady(1), code="200")
happened("many", "", steady(2), code="200", pod="unlabelled")
happened("many", "2", steady(3), code="200")


def test_everything_but_the_candidate_is_stable_where_its_version_is_not_known(server, metrics):
    (window,) = metrics.read_windows(question(source(server, "many"), stable=None))

    assert (window.candidate.requests, window.stable.requests) == (180, 780)


def test_a_version_is_no_pattern(server, metrics):
    (window,) = metrics.read_windows(question(source(server, "many"), candidate="1.", stable=".*"))

    assert window.candidate.lack is window.stable.lack is Lack.NO_DATA


def classic(app, version, shares, per_second=10, **labels):
    for le, share in shares.items():
        rate = steady(per_second * share)
        happened(app, version, rate, name="http_request_duration_seconds_bucket", le=le, **labels)
    happened(app, version, steady(per_second * 0.25), name="http_request_duration_seconds_sum", **labels)
    happened(app, version, steady(per_second), code="200", **labels)


classic("classic", "1", {"0.1": 0.5, "0.5": 0.8, "2.5": 1, "+Inf": 1})
classic("classic", "2", {"0.1": 0.1, "0.5": 0.8, "2.5": 0.9, "+Inf": 1}, path="/")
classic("classic", "2", {"0.5": 0.8, "1": 0.9, "2.5": 0.9, "+Inf": 1}, path="/other")
CLASSIC = {"latency": 'http_request_duration_seconds_bucket{app="classic",le!=""}'}


def test_a_classic_histogram_keeps_the_edges_that_all_its_series_have(server, metrics):
    (window,) = metrics.read_windows(question(source(server, "classic", **CLASSIC)))

    assert window.stable.histogram == Histogram((100.0, 500.0, 2500.0), (300.0, 180.0, 120.0, 0.0))
    assert window.stable.latency_ms == 250.0
    assert window.candidate.histogram == Histogram((500.0, 2500.0), (960.0, 120.0, 120.0))


happened("values", "1", steady(10), code="200")
happened("values", "2", steady(10), code="200")
happened("values", "1", steady(2), name="paid_total")
happened("values", "1", steady(2), name="refunds_total")
happened("values", "1", steady(4), name="carts_total", shop="a")
happened("values", "1", steady(4), name="carts_total", shop="b")
happened("values", "2", steady(4), name="carts_total")
for pod, level in (("a", 100), ("b", 300)):
    happened("values", "1", lambda at, level=level: level + at % 60, name="queue_length", pod=pod)


def test_figures_of_ones_own_are_counted_as_requests_are(server, metrics):
    paid = ValueQuery(name="paid", kind=ValueKind.COUNTER, query='paid_total{app="values"}', of="carts_total")

    (window,) = metrics.read_windows(question(source(server, "values"), values=(paid,)))

    assert window.stable.values == (Value(name="paid", value=120, of=480),)
    assert window.candidate.values == (Value(name="paid", value=0, of=240),)


LEVELS = [
    ('queue_length{app="values"}', Value(name="level", value=0.2225)),
    ('queue_length{app="values",pod=~".",version="$version"}', Value(name="level", value=0.2225)),
    ('sum(queue_length{app="values",version="$version"})', Value(name="level", value=0.445)),
    ('max_over_time(queue_length{app="values",version=~"$version"}[$window])', Value(name="level", value=0.245)),
]


@pytest.mark.parametrize(("query", "level"), LEVELS, ids=["selector", "own version", "expression", "own window"])
def test_a_gauge_is_averaged_over_the_window(server, metrics, query, level):
    gauge = ValueQuery(name="level", kind=ValueKind.GAUGE, query=query, unit=Unit.SECONDS)
    in_ms = replace(level, value=level.value * 1e6)

    (window,) = metrics.read_windows(question(source(server, "values"), values=(gauge,)))

    assert [(value.name, value.value) for value in window.stable.values] == [("level", pytest.approx(in_ms.value))]
    assert window.candidate.values == ()


COUNTERS = [
    'sum(increase(carts_total{app="values",version="$version"}[$window]))',
    'increase(carts_total{app="values",version=~"$version"}[${window}]) # each shop',
    'carts_total{version="$version"}',
]


@pytest.mark.parametrize("query", COUNTERS)
def test_a_counters_expression_tells_both_arms_apart(server, metrics, query):
    carts = ValueQuery(name="carts", kind=ValueKind.COUNTER, query=query)

    (known,) = metrics.read_windows(question(source(server, "values"), values=(carts,)))
    (others,) = metrics.read_windows(question(source(server, "values"), stable=None, values=(carts,)))

    for window in (known, others):
        assert window.stable.values[0].value == pytest.approx(480)
        assert window.candidate.values[0].value == pytest.approx(240)


def test_an_expression_that_prometheus_cannot_read_is_refused_and_is_a_fault(server, metrics):
    broken = ValueQuery(name="broken", kind=ValueKind.GAUGE, query='sum(queue_length{version="$version"}) by by')
    asked = question(source(server, "values"), values=(broken,))

    with pytest.raises(RejectedError, match="parse error"):
        metrics.read_windows(asked)

    (fault,) = metrics.find_faults(asked)
    assert fault.startswith("metrics.values[broken].query: ")
    assert "parse error" in fault


def faults_of(metrics, source, **asked):
    return metrics.find_faults(question(source, **{"windows": 30, "candidate": "3", **asked}))


def test_a_source_that_is_right_has_no_faults(server, metrics):
    assert faults_of(metrics, source(server, "steady")) == ()
    assert faults_of(metrics, source(server, "classic", **CLASSIC)) == ()


def test_a_version_that_never_failed_is_no_fault(server, metrics):
    assert faults_of(metrics, source(server, "many")) == ()


def test_a_metric_that_does_not_exist_is_a_fault_and_one_that_is_like_it_is_named(server, metrics):
    wrong = source(server, "steady", requests='http_request_total{app="steady"}')

    (fault,) = faults_of(metrics, wrong)

    assert fault == "metrics.source.requests: there is no metric http_request_total; did you mean http_requests_total?"


WRONG_FAILURES = [
    ('{app="steady",status="500"}', "no label status; they have app, code, path, pod, version"),
    ('{app="steady",code="5xx"}', 'nothing has code="5xx" in 3600s; there is 200, 500'),
    ('{app="many",code=~"5xx"}', 'nothing has code=~"5xx" in 3600s; there is 200'),
    ('{app="stedy",code=~"5.."}', 'nothing has app="stedy" in 3600s; there is'),
    ('{app="stedy",code="9xx"}', 'nothing has app="stedy" in 3600s; there is'),
    ('{app="many",version="2",code="500",pod=~"x.*"}', 'nothing has pod=~"x.*" in 3600s; there is'),
]


@pytest.mark.parametrize(("conditions", "why"), WRONG_FAILURES)
def test_a_filter_for_failures_that_cannot_match_is_a_fault_that_says_what_there_is(server, metrics, conditions, why):
    (fault,) = faults_of(metrics, source(server, "steady", failures=f"http_requests_total{conditions}"))

    assert fault.startswith("metrics.source.failures: ")
    assert why in fault


def test_a_version_label_that_is_not_there_is_a_fault(server, metrics):
    (fault,) = faults_of(metrics, source(server, "steady", version_label="release"))

    assert fault.startswith("metrics.source.versionLabel: the series of requests have no label release; they have app,")


def test_a_live_version_that_no_series_names_is_a_fault(server, metrics):
    (fault,) = faults_of(metrics, source(server, "steady"), stable="v1")

    assert fault == "metrics.source.versionLabel: no series of requests has version v1, which is live; there is 1, 2"


def test_windows_that_are_shorter_than_a_scrape_are_a_fault(server, metrics):
    (fault,) = faults_of(metrics, source(server, "slow scrapes"), length=timedelta(seconds=15), windows=120)

    assert fault == "metrics.window: the series of requests have a value every 60 s, so most windows of 15 s have none"


WRONG_LATENCY = [
    ({"latency": "http_request_duration_seconds"}, "there is no metric http_request_duration_seconds; did you mean"),
    ({"latency": "http_request_duration_seconds_sum"}, "http_request_duration_seconds_sum is no histogram"),
    ({**CLASSIC, "latency_unit": Unit.MILLISECONDS}, "whose name says seconds"),
]


@pytest.mark.parametrize(("wrong", "why"), WRONG_LATENCY)
def test_response_times_that_are_no_histogram_or_in_another_unit_are_a_fault(server, metrics, wrong, why):
    (fault,) = faults_of(metrics, source(server, "classic", **wrong))

    assert fault.startswith("metrics.source.latency")
    assert why in fault


def test_a_value_of_ones_own_that_matches_nothing_is_a_fault(server, metrics):
    paid = ValueQuery(name="paid", kind=ValueKind.COUNTER, query='payed_total{version="$version"}', of="carts_total")

    (fault,) = faults_of(metrics, source(server, "values"), values=(paid,))

    assert fault == "metrics.values[paid].query: there is no metric payed_total; did you mean paid_total?"


def test_what_prometheus_refuses_is_for_good(server, metrics):
    two = source(server, "values", requests='{__name__=~"paid_total|refunds_total",app="values"}')

    with pytest.raises(RejectedError, match="execution"):
        metrics.read_windows(question(two))


LENGTH = timedelta(seconds=4)
"""Four steps of a second: one scrape each."""


class Users:
    """Users of two processes, about twenty requests a second each; a tenth of the candidate's take 0.7 s."""

    def __init__(self, good, bad):
        self.good, self.bad = good, bad
        self.code = "200"
        self.over = threading.Event()

    def run(self):
        tick = 0
        while not self.over.wait(0.05):
            tick += 1
            self.good.count("http_requests_total", version="1", code="200")
            self.good.observe("http_request_duration_seconds", 0.1, version="1")
            self.bad.count("http_requests_total", version="2", code=self.code)
            self.bad.observe("http_request_duration_seconds", 0.1 if tick % 10 else 0.7, version="2")


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Two live processes, scraped each second; the candidate begins to fail, and then to run anew.

    Yields whole windows that were read, every sample that was scraped, and what is wrong with the source.
    """
    folder = tmp_path_factory.mktemp("live")
    with exporter() as good, exporter() as bad, prometheus_of(folder, scrapes=(good.address, bad.address)) as server:
        users = Users(good, bad)
        work = threading.Thread(target=users.run)
        work.start()
        try:
            wait_until(lambda: len(server.ask("count by (version) (http_requests_total)", time.time())) == 2)
            since = int(time.time()) // 4 * 4 + 4
            time.sleep(7)
            users.code = "500"
            time.sleep(6)
            bad.restart()
            time.sleep(since + 18 - time.time())
        finally:
            users.over.set()
            work.join()
        asked = window_question(
            datetime.fromtimestamp(since, UTC),
            datetime.fromtimestamp(since + 16, UTC),
            LENGTH,
            source=PrometheusSource(
                url=server.url,
                requests="http_requests_total",
                failures='http_requests_total{code="500"}',
                latency="http_request_duration_seconds",
            ),
            candidate=Arm(version="2", place=Place.CANDIDATE),
            stable=Arm(version="1", place=Place.PRODUCTION),
        )
        metrics = PrometheusMetrics({}.get, lambda: None, allow_http=True)
        yield (
            metrics.read_windows(asked),
            server.ask("http_requests_total[1m]", time.time()),
            metrics.find_faults(asked),
        )


def wait_until(condition):
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline, "nothing was scraped in 40 s"
        time.sleep(0.1)


def growth(samples, window, version, code="...") -> tuple[float, bool]:
    """Return how much the counters of a version grew, sample by sample, and whether any of them began again."""
    total, restarted = 0.0, False
    for series in samples:
        if series["metric"]["version"] != version or not re.fullmatch(code, series["metric"]["code"]):
            continue
        before = 0.0
        for at, text in series["values"]:
            value = float(text)
            if window.start.timestamp() < at <= window.end.timestamp():
                total += value - before if value >= before else value
                restarted = restarted or value < before
            before = value
    return total, restarted


@pytest.mark.slow
def test_live_counters_come_out_as_they_were_scraped(live):
    windows, samples, _ = live

    assert [window.stable.requests for window in windows] == [growth(samples, each, "1")[0] for each in windows]
    assert sum(window.stable.requests for window in windows) > 100


@pytest.mark.slow
def test_live_failures_count_from_the_first_one_on_and_over_a_restart(live):
    windows, samples, _ = live

    failures = 0.0
    for window in windows:
        requests, restarted = growth(samples, window, "2")
        # Where two scrapes fall into the very step of the restart, what lies between them is not seen.
        unseen = 25 if restarted else 0
        assert requests - unseen <= window.candidate.requests <= requests
        assert window.candidate.failures == pytest.approx(growth(samples, window, "2", "5..")[0], abs=unseen)
        failures += window.candidate.failures
    assert failures > 50


@pytest.mark.slow
def test_live_native_histograms_tell_response_times(live):
    windows, _, faults = live
    first = windows[0]

    for arm, mean, slow in ((first.stable, 100, 0), (first.candidate, 160, 0.1)):
        assert arm.histogram.total == pytest.approx(arm.requests, abs=1)
        assert arm.histogram.above(500.0) == pytest.approx(slow * arm.requests, abs=2)
        assert arm.latency_ms == pytest.approx(mean, abs=15)
    assert all(window.candidate.histogram.edges == first.stable.histogram.edges for window in windows)
    assert faults == ()
