"""How sure a spec may ask a judgement to be, and what follows for its deadlines."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.rollout.spec import Judging, LowTraffic
from shared.domain.rollout.weight import Weight
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from tests.unit.wire.spec_documents import SMALLEST, body_of, changed, paths_refused, refused

MINUTE = timedelta(minutes=1)


def test_a_spec_says_how_sure_a_judgement_must_be():
    document = changed(
        "judgement",
        {
            "alpha": "2%",
            "risk": 0.001,
            "warmUp": "90s",
            "lowTraffic": "ask",
            "holdBack": "12.5%",
            "smallestRegression": "1.5x",
        },
    )

    spec = parse_spec(body_of(document))

    assert spec.judging == Judging(
        alpha=0.02,
        risk=0.001,
        warm_up=timedelta(seconds=90),
        low_traffic=LowTraffic.ASK,
        hold_back=Weight(12_500),
        smallest_regression=1.5,
    )
    assert parse_spec(body_of(render_spec(spec))).judging == spec.judging


@pytest.mark.parametrize("judgement", [{}, {"warmUp": "0s"}, {"holdBack": 0}, {"lowTraffic": "bigger-first-step"}])
def test_what_a_judgement_leaves_out_has_a_default(judgement):
    names = {"warmUp": "warm_up", "holdBack": "hold_back", "lowTraffic": "low_traffic"}
    values: dict[str, Any] = {"warmUp": timedelta(0), "holdBack": Weight(0), "lowTraffic": LowTraffic.BIGGER_FIRST_STEP}

    read = parse_spec(body_of(changed("judgement", judgement))).judging

    assert read == Judging(**{names[name]: values[name] for name in judgement})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("alpha", "0%", "0.01% to 20%"),
        ("alpha", 0.5, "0.01% to 20%"),
        ("alpha", 1, "0.01% to 20%"),
        ("alpha", "25%", "0.01% to 20%"),
        ("risk", "0.001%", "0.01% to 20%"),
        ("warmUp", "61m", "at most 1h"),
        ("warmUp", 5, "a duration such as 0s"),
        ("lowTraffic", "promote", "hold or extend or bigger-first-step or ask"),
        ("holdBack", 51, "0 to 50 percent"),
        ("holdBack", "60%", "0 to 50 percent"),
        ("holdBack", -1, "0 to 50 percent"),
        ("smallestRegression", "1x", "a factor above 1"),
        ("smallestRegression", 0.5, "a factor above 1"),
        ("smallestRegression", "101x", "at most 100"),
        ("smallestRegression", "twice", "such as 2x"),
        ("beta", 0.1, "allowed are alpha, risk"),
    ],
)
def test_a_judgement_that_could_not_be_kept_is_refused(name, value, reason):
    [problem] = refused(changed(f"judgement/{name}", value))

    assert problem.path == f"judgement.{name}"
    assert reason in problem.message


@pytest.mark.parametrize(
    ("guard", "smallest", "tolerated"),
    [
        ({"metric": "error-rate", "tolerance": "100% relative"}, "2x", "2x"),
        ({"metric": "error-rate", "ratio": {"max": 3}}, 2, "3x"),
        ({"metric": "latency", "tail": {"tolerance": "60% relative"}}, "1.5x", "1.6x"),
        ({"metric": "counter", "value": "paid", "worse": "lower", "ratio": {"max": 1.5}}, "1.5x", "1.5x"),
    ],
)
def test_a_regression_that_a_guard_tolerates_would_never_be_seen(guard, smallest, tolerated):
    values = [{"name": "paid", "kind": "counter", "query": "Paid"}]
    document = SMALLEST | {
        "guards": [{"name": "g"} | guard],
        "judgement": {"smallestRegression": smallest},
        "metrics": {"values": values},
    }

    [problem] = refused(document)

    assert problem.path == "judgement.smallestRegression"
    assert f"allowed is more than the {tolerated} that guard g tolerates" in problem.message


@pytest.mark.parametrize(
    "guard",
    [
        {"metric": "error-rate", "ratio": {"max": 3}, "notifyOnly": True},
        {"metric": "latency", "ratio": {"max": 3}},
        {"metric": "error-rate", "max": "5%"},
        {"metric": "error-rate", "ratio": {"max": 1.25}},
    ],
)
def test_a_guard_that_sees_it_or_counts_no_rate_holds_up_no_smallest_regression(guard):
    guards = [{"name": "g"} | guard, {"name": "busy", "metric": "requests", "min": 1}]
    document = SMALLEST | {"guards": guards, "judgement": {"smallestRegression": "2x"}}

    assert parse_spec(body_of(document)).judging.smallest_regression == 2.0


def test_the_default_guards_tolerate_a_quarter():
    assert paths_refused(changed("judgement/smallestRegression", "1.25x")) == ["judgement.smallestRegression"]
    assert parse_spec(body_of(changed("judgement/smallestRegression", "1.26x")))


def test_a_canary_without_steps_is_refused_where_nothing_says_what_must_be_seen():
    document = changed("judgement/alpha", "2%") | {"strategy": {"canary": {}}}

    assert paths_refused(document) == ["strategy.canary.steps"]


@pytest.mark.parametrize(("low_traffic", "minutes"), [("hold", 120), ("ask", 120), ("extend", 300)])
def test_the_time_between_steps_is_long_enough_for_a_bake_that_is_extended(low_traffic, minutes):
    spec = parse_spec(body_of(changed("judgement/lowTraffic", low_traffic)))

    assert spec.deadlines.progress == minutes * MINUTE
