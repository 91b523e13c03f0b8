"""Windows out of Application Insights' telemetry: real counts in the sandbox, and every answer that is none."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from local.cloud.logs import WORKSPACE
from shared.adapters.log_analytics.metrics_source import LogAnalyticsMetrics
from shared.adapters.log_analytics.queries import EDGES_MS
from shared.domain.analysis.measurement import Histogram, Lack, Sample, Value
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.measuring import LogAnalyticsSource, Signal, SplitBy, Unit, ValueKind, ValueQuery
from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import NONE, Weight
from shared.ports.metrics_source import Arm
from tests.sandbox import RESOURCE_GROUP, SUBSCRIPTION
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import HangUp, Say, Silence, closed_port, scripted_server
from tests.traffic_worlds import TARGET, sandbox_world, window_question

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers"
COMPONENT = f"{GROUP}/Microsoft.Insights/components/shop"
LOGS = LogAnalyticsSource(workspace=WORKSPACE)
MINUTE = timedelta(minutes=1)
FIFTEEN = timedelta(seconds=15)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def arm(version, place=Place.CANDIDATE):
    return Arm(version=None if version is None else Version(version), place=place)


def asked(source=LOGS, *, candidate="2", stable="1", minutes=1, **options):
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
    """The start of the window in which version 1 and a broken version 2 served; and what users met of each."""
    world.deploy(Place.CANDIDATE, "2", error_rate=0.5)
    before = world.cloud.control.traffic()
    world.pass_time(15 - world.now().timestamp() % 15 + 0.1)
    start = datetime.fromtimestamp(world.now().timestamp() // 15 * 15, UTC)
    world.router.set_share(TARGET, Weight(50_000))
    world.serve(100)
    world.router.set_share(TARGET, NONE)
    world.pass_time((start + FIFTEEN - world.now()).total_seconds() + 0.2)
    return start, {
        version: {name: count - before.get(version, {}).get(name, 0) for name, count in counts.items()}
        for version, counts in world.cloud.control.traffic().items()
    }


def in_sandbox(met, source=LOGS, *, windows=1, **options):
    return replace(asked(source, **options), since=met[0], until=met[0] + windows * FIFTEEN, length=FIFTEEN)


@pytest.mark.parametrize(
    "source",
    [
        LOGS,
        LogAnalyticsSource(resource=COMPONENT),
        LogAnalyticsSource(resource=f"{GROUP}/Microsoft.OperationalInsights/workspaces/shop"),
        LogAnalyticsSource(workspace=WORKSPACE.upper(), split_by=SplitBy.REVISION),
        LogAnalyticsSource(workspace=WORKSPACE, split_by=SplitBy.PLACE),
    ],
    ids=["workspace", "component", "workspace resource", "by revision", "by place"],
)
def test_each_arm_is_what_its_version_served(world, met, source):
    (window,) = world.logs.read_windows(in_sandbox(met, source))

    for sample, users in ((window.candidate, met[1]["2"]), (window.stable, met[1]["1"])):
        assert (sample.requests, sample.failures) == (users["requests"], users["failures"])
        assert sample.histogram.edges == EDGES_MS
        assert sample.histogram.total == sample.requests
        assert 0 < sample.latency_ms < 1000
    assert window.candidate.failures > 0


def test_whatever_is_not_the_candidate_is_stable_where_no_stable_version_is_named(world, met):
    (window,) = world.logs.read_windows(in_sandbox(met, stable=None))

    assert window.stable.requests == met[1]["1"]["requests"]


def test_whatever_is_not_stable_is_the_candidate_where_no_candidate_is_named(world, met):
    (window,) = world.logs.read_windows(in_sandbox(met, candidate=None))

    assert window.candidate.requests == met[1]["2"]["requests"]


def test_only_the_role_that_is_named_counts(world, met):
    (window,) = world.logs.read_windows(in_sandbox(met, replace(LOGS, role="shop-candidate")))

    assert window.candidate.requests == met[1]["2"]["requests"]
    assert window.stable.lack is Lack.NO_DATA


def test_a_version_without_a_row_and_a_window_without_any_have_no_data(world, met):
    served, empty = world.logs.read_windows(
        replace(in_sandbox(met, candidate="3", windows=2), since=met[0] - FIFTEEN, until=met[0] + FIFTEEN)
    )[::-1]

    assert served.candidate.lack is Lack.NO_DATA
    assert empty.candidate.lack is empty.stable.lack is Lack.NO_DATA


def test_a_window_whose_rows_may_still_come_has_no_data(world, met):
    world.serve(20)
    now = world.now()
    world.cloud.control.set_lag(5)
    start = datetime.fromtimestamp(now.timestamp() // 15 * 15, UTC)
    try:
        (window,) = world.logs.read_windows(
            replace(in_sandbox(met), since=start - FIFTEEN, until=start + FIFTEEN, length=2 * FIFTEEN)
        )
    finally:
        world.cloud.control.set_lag(0)

    assert window.stable.lack is Lack.NO_DATA


def test_signals_without_rows_have_no_data(world, met):
    (window,) = world.logs.read_windows(in_sandbox(met, replace(LOGS, signal=Signal.DEPENDENCIES)))

    assert window.candidate.lack is Lack.NO_DATA


def test_sound_settings_have_no_faults(world, met):
    assert world.logs.find_faults(in_sandbox(met)) == ()


@pytest.mark.parametrize(
    ("source", "arms", "fault"),
    [
        (replace(LOGS, role="cart"), {}, "metrics.source.role: no row is of role cart; there are shop, shop-candidate"),
        (LOGS, {"stable": "0.9"}, "metrics.source.splitBy: no row has the application version 0.9; there are 1, 2"),
        (
            replace(LOGS, split_by=SplitBy.ROLE),
            {},
            "metrics.source.splitBy: no row has the role name 1; there are shop, shop-candidate",
        ),
    ],
)
def test_a_filter_that_no_row_passes_is_a_fault_that_names_the_field(world, met, source, arms, fault):
    assert world.logs.find_faults(in_sandbox(met, source, **arms)) == (fault,)


def test_the_sandbox_refuses_what_it_does_not_know_as_the_service_does(world, met):
    value = ValueQuery(name="orders", kind=ValueKind.COUNTER, query="Orders | count")
    with pytest.raises(RejectedError, match=r"metrics.values.orders.query .* BadArgumentError: .* ship with Slipway"):
        world.logs.read_windows(in_sandbox(met, values=(value,)))
    with pytest.raises(RejectedError, match="PathNotFoundError"):
        world.logs.read_windows(in_sandbox(met, replace(LOGS, workspace=WORKSPACE.replace("a", "b"))))


def test_trouble_of_the_sandboxs_logs_is_for_later(world, met):
    world.cloud.control.add_fault(on="metrics", kind="429", retry_after=11, path="/v1/")
    try:
        with pytest.raises(TryLaterError) as caught:
            world.logs.read_windows(in_sandbox(met))
    finally:
        world.reset()

    assert caught.value.after_seconds == 11


@pytest.fixture
def service():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def logs(service):
    return logs_at(service.url)


def logs_at(url):
    return LogAnalyticsMetrics(AnyToken(), endpoint=url, allow_http=True)


COLUMNS = (
    {"Start": "datetime", "Arm": "string"}
    | dict.fromkeys(["Requests", "Failures", "Timed", "Busy", *(f"At{edge}" for edge in EDGES_MS), "Lateness"], "real")
    | {"Now": "datetime"}
)
LATER = "2026-11-23T12:10:00Z"


def row(arm, requests, failures=0, *, at="12:00:00", now=LATER, lateness=20.0, **others):
    """A row of a window, whose response times are all 60 ms."""
    told = {
        "Start": f"2026-11-23T{at}Z",
        "Arm": arm,
        "Requests": requests,
        "Failures": failures,
        "Timed": requests,
        "Busy": 60 * requests if isinstance(requests, int) else 0,
        **{f"At{edge}": requests if edge >= 75 else 0 for edge in EDGES_MS},
        "Lateness": lateness,
        "Now": now,
        **others,
    }
    return [told[name] for name in COLUMNS]


def table(rows, columns=COLUMNS):
    return {"name": "PrimaryResult", "columns": [{"name": n, "type": t} for n, t in columns.items()], "rows": rows}


def answer(*rows):
    return Say(200, {"tables": [table(list(rows))]})


GOOD = answer(row("candidate", 4, 1), row("stable", 10))


def test_every_window_and_both_arms_are_one_query(service, logs):
    service.play(GOOD)

    logs.read_windows(asked(minutes=30))

    (call,) = service.asked
    assert (call.method, call.path) == ("POST", f"/v1/workspaces/{WORKSPACE}/query")
    assert call.json()["timespan"] == "2026-11-23T12:00:00.000000Z/2026-11-23T12:30:00.000000Z".replace(
        ".000000", ".000"
    )
    assert call.json()["query"].startswith("// slipway windows/1 table=AppRequests split=version\n")
    assert call.headers["prefer"] == "wait=9"


def test_a_component_is_asked_by_its_id_and_in_its_own_names(service, logs):
    service.play(GOOD)

    logs.read_windows(asked(LogAnalyticsSource(resource=COMPONENT)))

    (call,) = service.asked
    assert call.path == f"/v1{COMPONENT}/query"
    assert "\nrequests\n| where timestamp >= since" in call.json()["query"]


def test_counts_become_samples_with_their_response_times(service, logs):
    service.play(GOOD)

    (window,) = logs.read_windows(asked())

    counts = tuple(4.0 if edge == 75 else 0.0 for edge in (*EDGES_MS, None))
    assert window.candidate == Sample(requests=4, failures=1, latency_ms=60, histogram=Histogram(EDGES_MS, counts))
    assert window.stable.requests == 10


def test_rows_without_a_response_time_have_no_histogram(service, logs):
    untimed = dict.fromkeys(["Timed", *(f"At{edge}" for edge in EDGES_MS)], 0)
    service.play(answer(row("candidate", 4, Busy=None, **untimed)))

    (window,) = logs.read_windows(asked())

    assert window.candidate == Sample(requests=4, failures=0)


def test_windows_are_gap_free_and_those_without_a_row_have_no_data(service, logs):
    service.play(answer(row("candidate", 4, at="12:01:00"), row("", 7, at="12:00:00")))

    windows = logs.read_windows(asked(minutes=3))

    assert [window.start for window in windows] == [NOON + index * MINUTE for index in range(3)]
    assert [getattr(window.candidate, "lack", None) for window in windows] == [Lack.NO_DATA, None, Lack.NO_DATA]
    assert {window.stable.lack for window in windows} == {Lack.NO_DATA}


@pytest.mark.parametrize(("now", "known"), [("12:01:19", False), ("12:01:21", True)])
def test_rows_are_awaited_as_long_as_they_usually_take(service, logs, now, known):
    service.play(answer(row("candidate", 4, now=f"2026-11-23T{now}Z", lateness=20.0)))

    (window,) = logs.read_windows(asked())

    assert isinstance(window.candidate, Sample) is known


def test_no_straggler_withholds_windows_for_longer_than_five_minutes(service, logs):
    service.play(answer(row("candidate", 4, now="2026-11-23T12:06:01Z", lateness=86_400.0)))

    (window,) = logs.read_windows(asked())

    assert window.candidate.requests == 4


@pytest.mark.parametrize(
    "wrong",
    [
        row("candidate", "NaN"),
        row("candidate", 10, "NaN"),
        row("candidate", "Infinity"),
        row("candidate", -1),
        row("candidate", 10, -1),
        row("candidate", 10, 11),
        row("candidate", 10, Busy="NaN"),
        row("candidate", 10, Timed=11),
        row("candidate", 10, At500=3),
        row("candidate", 10, At500="NaN"),
        row("candidate", "ten"),
        row("candidate", True),
    ],
)
def test_what_cannot_be_a_measurement_is_an_error_and_says_why(service, logs, wrong):
    service.play(answer(wrong))

    (window,) = logs.read_windows(asked())

    assert window.candidate.lack is Lack.ERROR
    assert window.candidate.why


def test_two_rows_for_one_window_and_arm_are_an_error(service, logs):
    service.play(answer(row("candidate", 4), row("candidate", 5)))

    (window,) = logs.read_windows(asked())

    assert window.candidate.lack is Lack.ERROR


PARTIAL = {
    "tables": [table([row("candidate", 4)])],
    "error": {
        "code": "PartialError",
        "message": "There were some errors when processing your query.",
        "details": [
            {
                "code": "EngineError",
                "message": "Something went wrong processing your query on the server.",
                "innererror": {"code": "-2133196797", "message": "The results of this query exceed the set limit"},
            }
        ],
    },
}


def test_an_answer_in_part_is_never_taken_as_whole(service, logs):
    service.play(Say(200, PARTIAL))

    with pytest.raises(TryLaterError, match="an answer in part, The results of this query exceed the set limit"):
        logs.read_windows(asked())


@pytest.mark.parametrize("details", [[], None, ["?"], 5, [{"innererror": {"message": 5}}]])
def test_an_answer_in_part_needs_no_reason_to_be_refused(service, logs, details):
    service.play(Say(200, {**PARTIAL, "error": {"code": "PartialError", "details": details}}))

    with pytest.raises(TryLaterError, match="read AppRequests of workspace"):
        logs.read_windows(asked())


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_trouble_of_the_service_is_for_later_and_not_slept(service, logs, status):
    service.play(Say(status, {"error": {"code": "Busy", "message": "not now"}}, {"Retry-After": "30"}))
    began = time.monotonic()

    with pytest.raises(TryLaterError, match="Busy: not now") as caught:
        logs.read_windows(asked())

    assert caught.value.after_seconds == 30
    assert time.monotonic() - began < 2
    assert len(service.asked) == 1


def refusal(message, kind="SemanticError"):
    inner = {
        "code": kind,
        "message": "A semantic error occurred.",
        "innererror": {"code": "SEM0100", "message": message},
    }
    return Say(
        400,
        {
            "error": {
                "message": "The request had some invalid properties",
                "code": "BadArgumentError",
                "innererror": inner,
            }
        },
    )


NO_TABLE = refusal("'where' operator: Failed to resolve table or column expression named 'AppRequests'")


def test_a_table_that_does_not_exist_is_refused_by_its_name(service, logs):
    service.play(NO_TABLE)

    with pytest.raises(RejectedError, match=r"BadArgumentError: .* expression named 'AppRequests'"):
        logs.read_windows(asked())


def test_a_table_that_does_not_exist_is_a_fault_of_the_signal(service, logs):
    service.play(NO_TABLE)

    (fault,) = logs.find_faults(asked())

    assert fault.startswith("metrics.source.signal: AppRequests cannot be asked: ")
    assert "expression named 'AppRequests'" in fault


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_ask_is_refused_and_that_is_no_fault_of_a_setting(service, logs, status):
    service.play(Say(status, {"error": {"code": "InsufficientAccessError", "message": "no access"}}))

    for ask in (logs.read_windows, logs.find_faults):
        with pytest.raises(RejectedError, match="InsufficientAccessError: no access"):
            ask(asked())


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{", b"[]", b"{}", b'{"tables": 5}', b'{"tables": []}', b'{"tables": [5]}', b'{"tables": [{}]}'],
)
def test_garbage_is_no_window(service, logs, body):
    service.play(Say(200, body))

    with pytest.raises((TryLaterError, RejectedError), match="read AppRequests of workspace"):
        logs.read_windows(asked())


@pytest.mark.parametrize("step", [Silence(), HangUp()], ids=["no answer", "broken off"])
def test_no_answer_is_for_later(service, logs, monkeypatch, step):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.2)
    service.play(step)

    with pytest.raises(TryLaterError):
        logs.read_windows(asked())


def test_a_refused_connection_is_for_later():
    with pytest.raises(TryLaterError):
        logs_at(f"http://127.0.0.1:{closed_port()}").read_windows(asked())


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (LogAnalyticsSource(), "metrics.source.workspace"),
        (LogAnalyticsSource(workspace="../x"), "not the GUID"),
        (LogAnalyticsSource(resource="shop"), "not the id of an Azure resource"),
        (LogAnalyticsSource(resource=TARGET.resource), "microsoft.web/sites is no workspace and no component"),
    ],
)
def test_who_cannot_be_asked_is_refused_before_anybody_is(service, logs, source, why):
    with pytest.raises(RejectedError, match=why):
        logs.read_windows(asked(source))

    assert service.asked == []


@pytest.mark.parametrize(("candidate", "stable"), [(None, None), ("v1", "V1")])
def test_versions_that_do_not_tell_the_arms_apart_are_refused(service, logs, candidate, stable):
    with pytest.raises(RejectedError, match=r"metrics\.source\.splitBy"):
        logs.read_windows(asked(candidate=candidate, stable=stable))


def test_a_span_without_windows_asks_nobody(service, logs):
    assert logs.read_windows(asked(minutes=0)) == logs.find_faults(asked(minutes=0)) == ()
    assert service.asked == []


VALUES = {"TimeGenerated": "datetime", "version": "string", "value": "real"}
ORDERS = ValueQuery(name="orders", kind=ValueKind.COUNTER, query="Orders | mine", of="Baskets | mine")
QUEUE = ValueQuery(name="queue", kind=ValueKind.GAUGE, query="Queue | mine", unit=Unit.PERCENT)


def figures(*rows):
    return Say(200, {"tables": [table([[f"2026-11-23T{at}Z", name, value] for at, name, value in rows], VALUES)]})


def test_figures_of_a_teams_own_are_asked_in_its_own_words_behind_declarations(service, logs):
    service.play(GOOD, figures(("12:00:00", "2", 3)), figures(("12:00:00", "2", 6)))

    (window,) = logs.read_windows(asked(values=(ORDERS,)))

    assert window.candidate.values == (Value(name="orders", value=3, of=6),)
    _, query, of = (call.json()["query"] for call in service.asked)
    assert query.endswith("let candidate = '2';\nlet stable = '1';\nlet role = '';\nOrders | mine")
    assert of.endswith("\nBaskets | mine")


def test_rows_of_one_window_add_up_for_a_counter_and_a_gauges_mean_counts(service, logs):
    pages = ValueQuery(name="pages", kind=ValueKind.COUNTER, query="Pages")
    finer = figures(("12:00:00", "2", 40), ("12:00:30", "2", 60), ("12:00:10", "1", 9), ("12:01:00", "2", 99))
    service.play(GOOD, finer)

    (window,) = logs.read_windows(asked(values=(pages, QUEUE)))

    assert window.candidate.values == (Value(name="pages", value=100), Value(name="queue", value=pytest.approx(0.5)))
    assert window.stable.values == (Value(name="pages", value=9), Value(name="queue", value=pytest.approx(0.09)))


def test_a_counter_without_a_row_is_0_where_what_it_is_of_has_one_and_a_gauge_is_not(service, logs):
    service.play(GOOD, figures(), figures(("12:00:00", "2", 6)), figures())

    (window,) = logs.read_windows(asked(values=(ORDERS, QUEUE)))

    assert window.candidate.values == (Value(name="orders", value=0, of=6),)
    assert window.stable.values == ()


@pytest.mark.parametrize("number", ["NaN", -1, None, "many"])
def test_what_cannot_be_a_count_is_not_told(service, logs, number):
    service.play(GOOD, figures(("12:00:00", "2", number)), figures(("12:00:00", "2", 6)))

    (window,) = logs.read_windows(asked(values=(ORDERS,)))

    assert window.candidate.values in ((), (Value(name="orders", value=0, of=6),))
    assert (number is None) == bool(window.candidate.values)


def test_a_query_that_brings_other_columns_is_refused_and_found_as_a_fault(service, logs):
    other = Say(200, {"tables": [table([], {"TimeGenerated": "datetime", "n": "long"})]})
    service.play(GOOD, other)
    with pytest.raises(RejectedError, match=r"metrics.values.queue.query .*: no column version, value in the answer"):
        logs.read_windows(asked(values=(QUEUE,)))

    named = Say(200, {"tables": [table([["shop", "1", 5]], {"Role": "string", "Named": "string", "Requests": "real"})]})
    service.play(GOOD, named, other)
    (fault,) = logs.find_faults(asked(values=(QUEUE,)))
    assert fault.startswith("metrics.values.queue.query")


def test_rows_that_never_say_their_version_are_a_fault(service, logs):
    named = Say(200, {"tables": [table([["shop", "", 5]], {"Role": "string", "Named": "string", "Requests": "real"})]})
    service.play(GOOD, named)

    assert logs.find_faults(asked()) == ("metrics.source.splitBy: no row says its application version",)
