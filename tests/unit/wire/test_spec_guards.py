"""What the guards of a spec may promise, what that means, and why a guard is refused."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.analysis.defaults import default_guards
from shared.domain.analysis.guards import (
    Metric,
    Objective,
    Ratio,
    SampleRatio,
    Slower,
    Tail,
    Threshold,
    Worse,
)
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from tests.unit.wire.spec_documents import SMALLEST, body_of, refused
from tests.unit.wire.spec_source_documents import SOURCES

MINUTE = timedelta(minutes=1)
VALUES = [
    {"name": "paid", "kind": "counter", "query": "OrdersPaid"},
    {"name": "memory", "kind": "gauge", "query": "Mem"},
]
DECIDES = {"metric": "error-rate", "max": "2%"}
SHARE = {"metric": "requests", "share": True}
PUSHED = {"source": {"kind": "observations"}, "values": [{"name": "paid", "kind": "counter"}]}


def guarded(*guards: dict[str, Any], metrics: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a spec with these guards, named where they name nothing else."""
    named = [{"name": f"g{number}"} | guard for number, guard in enumerate(guards)]
    return SMALLEST | {"metrics": metrics or {"values": VALUES}, "guards": named}


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ({"metric": "error-rate", "tolerance": "no worse than 25% relative plus 0.05 points"}, Ratio(1.25, 0.0005)),
        ({"metric": "error-rate", "tolerance": "no tolerance"}, Ratio(1.0, 0.0)),
        ({"metric": "latency", "tolerance": "10% relative plus 20ms"}, Ratio(1.1, 20.0)),
        ({"metric": "latency", "tail": True}, Tail()),
        ({"metric": "latency", "tail": {}}, Tail()),
        ({"metric": "latency", "tail": {"quantiles": ["p99"]}}, Tail(quantiles=(0.99,))),
        (
            {"metric": "latency", "tail": {"quantiles": ["p50", "p99.9"], "tolerance": "10% of the tail"}},
            Tail((0.5, 0.999), 1.0, 0.1),
        ),
        ({"metric": "error-rate", "objective": "99.9%"}, Objective(0.001)),
        ({"metric": "error-rate", "objective": 0.999, "burn": 2, "andCompared": True}, Objective(0.001, 2.0, True)),
        ({"metric": "requests", "share": True}, SampleRatio()),
        ({"metric": "requests", "share": {"tolerance": "10%"}}, SampleRatio(0.1)),
        (
            {"metric": "counter", "value": "paid", "worse": "lower", "tolerance": "5% relative plus 0.1 points"},
            Ratio(1.05, 0.001, Worse.LOWER),
        ),
        (
            {"metric": "counter", "value": "paid", "worse": "higher", "ratio": {"max": 2, "slack": "1%"}},
            Ratio(2.0, 0.01, Worse.HIGHER),
        ),
        ({"metric": "counter", "value": "paid", "min": "1%"}, Threshold(minimum=0.01)),
        (
            {"metric": "gauge", "value": "memory", "worse": "higher", "tolerance": "20% relative plus 3"},
            Ratio(1.2, 3.0, Worse.HIGHER),
        ),
        (
            {"metric": "gauge", "value": "memory", "worse": "lower", "ratio": {"max": 1.5, "slack": 7}},
            Ratio(1.5, 7.0, Worse.LOWER),
        ),
        ({"metric": "gauge", "value": "memory", "min": -5, "max": 900}, Threshold(minimum=-5.0, maximum=900.0)),
    ],
)
def test_a_guard_says_its_test_in_its_metrics_own_words(guard, expected):
    spec = parse_spec(body_of(guarded(guard, DECIDES)))

    assert spec.guards[0].test == expected
    assert parse_spec(body_of(render_spec(spec))).guards == spec.guards


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ({"slowerThan": "300ms"}, Slower(300.0)),
        ({"slowerThan": 300, "tolerance": "10% relative plus 1 point"}, Slower(300.0, 1.1, 0.01)),
    ],
)
def test_a_guard_on_slow_requests_compares_their_share(guard, expected):
    document = guarded({"metric": "latency"} | guard, metrics=PUSHED)

    assert parse_spec(body_of(document)).guards[0].test == expected


def test_a_counter_of_slow_requests_stands_in_for_a_histogram():
    guard = {"metric": "latency", "slowerThan": "300ms", "value": "paid"}

    [read] = parse_spec(body_of(guarded(guard))).guards

    assert (read.of, read.metric, read.test) == ("paid", Metric.LATENCY, Slower(300.0))


def test_a_guard_may_be_the_first_to_act_or_only_tell():
    test = {"metric": "error-rate", "tolerance": "10% relative"}
    document = guarded(
        test, test | {"critical": True}, test | {"notifyOnly": True}, test | {"critical": True, "notifyOnly": False}
    )

    read = parse_spec(body_of(document)).guards

    assert [(guard.critical, guard.notify_only) for guard in read] == [
        (False, False),
        (True, False),
        (False, True),
        (True, False),
    ]


@pytest.mark.parametrize(
    ("guard", "path", "reason"),
    [
        ({"metric": "error-rate", "tail": True}, "tail", "only response times have one"),
        ({"metric": "requests", "tail": {"quantiles": ["p99"]}}, "tail", "only response times have one"),
        ({"metric": "error-rate", "slowerThan": "1s"}, "slowerThan", "only response times can be slow"),
        ({"metric": "latency", "objective": "99%"}, "objective", "goes with metric error-rate"),
        ({"metric": "latency", "share": True}, "share", "goes with metric requests"),
        ({"metric": "requests", "tolerance": "1%"}, "tolerance", "use share, min or max"),
        ({"metric": "requests", "ratio": {"max": 2}}, "ratio", "use share, min or max"),
        ({"metric": "error-rate", "max": "2%", "value": "paid"}, "value", "a figure of your own"),
        ({"metric": "latency", "max": 1, "worse": "lower"}, "worse", "always worse"),
        ({"metric": "counter", "value": "paid", "max": 0.1, "worse": "lower"}, "worse", "has its own direction"),
        ({"metric": "counter", "worse": "lower", "tolerance": "no tolerance"}, "value", "is missing"),
        ({"metric": "counter", "value": "paid", "tolerance": "no tolerance"}, "worse", "is missing"),
        ({"metric": "gauge", "value": "memory", "ratio": {"max": 2}}, "worse", "is missing"),
        ({"metric": "gauge", "value": "memory", "worse": "up", "ratio": {"max": 2}}, "worse", "lower or higher"),
        ({"metric": "gauge", "value": "memory", "max": "2%"}, "max", "a number from"),
        ({"metric": "counter", "value": "paid", "max": 7}, "max", "a rate such as"),
        ({"metric": "error-rate", "max": "2%", "burn": 2}, "burn", "without an objective"),
        ({"metric": "error-rate", "ratio": {"max": 2}, "andCompared": True}, "andCompared", "without an objective"),
        ({"metric": "error-rate", "objective": "99%", "burn": 100}, "burn", "allowed is less than 100"),
        ({"metric": "error-rate", "objective": "100%"}, "objective", "50% to 99.9999%"),
        ({"metric": "error-rate", "objective": 99.9}, "objective", "50% to 99.9999%"),
        ({"metric": "error-rate", "max": "2%", "critical": True}, "critical", "plain limit"),
        ({"metric": "requests", "share": True, "critical": True}, "critical", "never takes back"),
        ({"metric": "requests", "share": {"tolerance": "95%"}}, "share.tolerance", "0% to 90%"),
        ({"metric": "requests", "share": False}, "share", "true, or an object"),
        ({"metric": "latency", "tail": False}, "tail", "true for p95"),
        ({"metric": "latency", "tail": {"quantiles": ["p100"]}}, "tail.quantiles[0]", "such as p95 or p99.9"),
        ({"metric": "latency", "tail": {"quantiles": ["p99", "p99.0"]}}, "tail.quantiles[1]", "each quantile once"),
        ({"metric": "latency", "tail": {"quantiles": []}}, "tail.quantiles", "at least 1"),
        ({"metric": "latency", "tail": {"tolerance": "5 points"}}, "tail.tolerance", "% of the tail"),
        ({"metric": "error-rate", "tolerance": "5 %"}, "tolerance", 'write "5% relative" or "5 points"'),
        ({"metric": "error-rate", "tolerance": 0.05}, "tolerance", "a tolerance in words, such as"),
        (
            {"metric": "gauge", "value": "memory", "worse": "lower", "ratio": {"max": 0.5}},
            "ratio.max",
            "at least 1 where",
        ),
        (
            {"metric": "counter", "value": "paid", "worse": "lower", "ratio": {"max": 0.99}},
            "ratio.max",
            "at least 1 where",
        ),
        ({"metric": "error-rate", "max": "2%", "over": "61m"}, "over", "allowed is at most 60 windows, 1h"),
        ({"metric": "error-rate", "max": "2%", "notifyOnly": "yes"}, "notifyOnly", "Whether the verdict"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_reason(guard, path, reason):
    [problem] = refused(guarded(guard))

    assert problem.path == f"guards[0].{path}"
    assert reason in problem.message


@pytest.mark.parametrize(
    "guard",
    [
        {"metric": "error-rate", "ratio": {"max": 2}, "tolerance": "no tolerance"},
        {"metric": "error-rate", "ratio": {"max": 2}, "objective": "99%"},
        {"metric": "error-rate", "max": "2%", "objective": "99%"},
        {"metric": "error-rate", "tolerance": "no tolerance", "max": "2%"},
        {"metric": "latency", "tail": True, "tolerance": "no tolerance"},
        {"metric": "latency", "tail": True, "slowerThan": 1},
        {"metric": "latency", "slowerThan": 1, "max": 2},
        {"metric": "requests", "share": True, "min": 1},
    ],
)
def test_a_guard_has_one_test(guard):
    problems = refused(guarded(guard))

    assert ("guards[0]", True) in {(problem.path, "allowed is one test" in problem.message) for problem in problems}


def test_a_guard_that_acts_first_and_one_that_never_acts_are_two():
    [problem] = refused(guarded({"metric": "latency", "tail": True, "critical": True, "notifyOnly": True}))

    assert problem.path == "guards[0]"
    assert "critical or notifyOnly, not both" in problem.message


@pytest.mark.parametrize("guards", [[SHARE], [DECIDES | {"notifyOnly": True}], [SHARE, DECIDES | {"notifyOnly": True}]])
def test_guards_of_which_none_decides_are_refused_with_what_mends_it(guards):
    [problem] = refused(guarded(*guards))

    assert problem.path == "guards"
    assert "at least one guard other than share, not notifyOnly" in problem.message
    parse_spec(body_of(guarded(*guards, DECIDES)))


def test_a_plain_limit_may_pool_sixty_windows():
    [read] = parse_spec(body_of(guarded(DECIDES | {"over": "1h"}))).guards

    assert read.over == 60 * MINUTE


def test_what_must_be_better_by_a_factor_may_be_asked_for_where_higher_is_worse():
    guard = {"metric": "gauge", "value": "memory", "worse": "higher", "ratio": {"max": 0.5}}

    assert parse_spec(body_of(guarded(guard))).guards[0].test == Ratio(0.5, 0.0, Worse.HIGHER)


def test_a_value_that_is_not_measured_is_refused_with_the_names_that_are():
    [problem] = refused(guarded({"metric": "counter", "value": "payed", "worse": "lower", "tolerance": "1 point"}))

    assert problem.path == "guards[0].value"
    assert "metrics.values has paid, memory (did you mean paid?)" in problem.message


def test_a_value_where_none_is_measured_is_refused():
    guard = {"metric": "gauge", "value": "memory", "max": 1}

    [problem] = refused(guarded(guard, metrics={"window": "1m"}))

    assert problem.message == (
        'found "memory"; allowed is the name of a value that is measured; metrics.values has none'
    )


def test_a_value_of_the_other_kind_is_refused():
    [problem] = refused(guarded({"metric": "gauge", "value": "paid", "max": 1}))

    assert problem.message == 'found "paid"; allowed is a gauge; paid is a counter'


@pytest.mark.parametrize("source", ["prometheus", "web"])
def test_response_times_of_a_source_that_tells_none_cannot_be_guarded(source):
    [problem] = refused(guarded({"metric": "latency", "tail": True}, metrics={"source": SOURCES[source]}))

    assert problem.path == "guards[0].metric"
    assert f"{source} as it stands here, tells no response times" in problem.message


@pytest.mark.parametrize("more", [{}, {"latency": "/ms"}])
@pytest.mark.parametrize("source", ["azure-monitor", "web"])
def test_slow_requests_cannot_be_counted_without_a_histogram(source, more):
    more = {} if source == "azure-monitor" else more
    guard = {"metric": "latency", "slowerThan": 300}

    [problem] = refused(guarded(guard, metrics={"source": SOURCES[source] | more}))

    assert problem.path == "guards[0].slowerThan"
    assert "tells no histogram; name in value a counter" in problem.message


@pytest.mark.parametrize(
    ("source", "more"),
    [
        ("prometheus", {"latency": "seconds_bucket"}),
        ("web", {"histogram": "/times"}),
        ("log-analytics", {}),
        ("observations", {}),
    ],
)
def test_slow_requests_are_counted_by_a_histogram(source, more):
    document = guarded({"metric": "latency", "slowerThan": 300}, metrics={"source": SOURCES[source] | more})

    assert parse_spec(body_of(document)).guards[0].test == Slower(300.0)


@pytest.mark.parametrize("source", SOURCES)
def test_a_spec_without_guards_gets_those_that_its_source_can_tell(source):
    told = ["errors", "share"] if source in ("prometheus", "web") else ["errors", "latency", "share"]

    spec = parse_spec(body_of(SMALLEST | {"metrics": {"source": SOURCES[source]}}))

    assert spec.guards == tuple(guard for guard in default_guards(MINUTE) if guard.name in told)


def test_a_list_of_guards_is_kept_as_it_is():
    [read] = parse_spec(body_of(guarded({"metric": "error-rate", "max": "2%"}))).guards

    assert read.test == Threshold(maximum=0.02)


def test_a_guard_is_not_held_against_a_source_that_is_wrong():
    metrics = {"source": {"kind": "promtheus"}, "values": VALUES}
    document = guarded({"metric": "gauge", "value": "no-such", "max": 1}, metrics=metrics)

    assert [problem.path for problem in refused(document)] == ["metrics.source.kind"]


@pytest.mark.parametrize("metric", [None, "apdex", 7])
def test_a_metric_that_is_wrong_makes_nothing_else_look_wrong(metric):
    guard = {"metric": metric, "value": "paid", "worse": "lower", "tail": {"x": 1}, "critical": True}

    problems = refused(guarded(guard))

    assert {problem.path for problem in problems} == {"guards[0].metric", "guards[0].tail.x"}
