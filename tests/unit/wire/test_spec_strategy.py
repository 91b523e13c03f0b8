"""The strategies of a release spec beside plain steps: weights that grow by a rule, and a switch."""

from datetime import timedelta

import pytest

from shared.domain.rollout.plan import AwaitApproval, Promote, Shift, compile_plan
from shared.domain.rollout.spec import BlueGreen, HealthCheck
from shared.domain.rollout.weight import NONE
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from tests.unit.wire.spec_documents import body_of, changed, paths_refused, refused

LIMIT = [{"name": "errors", "metric": "error-rate", "max": "5%"}]


def canary(**fields):
    return changed("strategy", {"canary": fields})


def weights(document):
    return [step.weight / 1000 for step in parse_spec(body_of(document)).strategy.steps]


@pytest.mark.parametrize(
    ("linear", "grown"),
    [
        ({"step": 10, "max": 50}, [10, 20, 30, 40, 50]),
        ({"start": 5, "step": 10, "max": 50}, [5, 15, 25, 35, 45, 50]),
        ({"step": 20, "max": 50}, [20, 40, 50]),
        ({"step": 30, "max": 30}, [30]),
        ({"step": "2.5%", "max": "7.5%"}, [2.5, 5, 7.5]),
    ],
)
def test_weights_grow_by_the_same_step_and_the_last_one_comes_whether_or_not_a_step_leads_to_it(linear, grown):
    assert weights(canary(linear=linear)) == grown


@pytest.mark.parametrize(
    ("exponential", "grown"),
    [
        ({"start": 2, "max": 50}, [2, 4, 8, 16, 32, 50]),
        ({"start": 1, "factor": 3, "max": 27}, [1, 3, 9, 27]),
        ({"start": 1, "factor": 1.5, "max": 3}, [1, 1.5, 2.25, 3]),
        ({"start": 50, "max": 50}, [50]),
    ],
)
def test_weights_grow_by_the_same_factor(exponential, grown):
    assert weights(canary(exponential=exponential)) == grown


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"linear": {"step": 1, "max": 99}}, "strategy.canary.linear"),
        ({"linear": {"step": 10, "start": 60, "max": 50}}, "strategy.canary.linear.max"),
        ({"linear": {"step": 0, "max": 50}}, "strategy.canary.linear.step"),
        ({"linear": {"max": 50}}, "strategy.canary.linear.step"),
        ({"exponential": {"start": 1, "factor": 1, "max": 50}}, "strategy.canary.exponential.factor"),
        ({"exponential": {"start": 1, "factor": 1.001, "max": 50}}, "strategy.canary.exponential"),
        ({"exponential": {"start": 1}}, "strategy.canary.exponential.max"),
        ({"steps": [5], "linear": {"step": 10, "max": 50}}, "strategy.canary.linear"),
        (
            {"linear": {"step": 10, "max": 50}, "exponential": {"start": 1, "max": 50}},
            "strategy.canary.exponential",
        ),
    ],
)
def test_growth_that_comes_to_nothing_or_to_too_much_is_refused_by_its_path(fields, path):
    assert paths_refused(canary(**fields)) == [path]


def test_grown_weights_take_the_bake_of_the_canary():
    spec = parse_spec(body_of(canary(linear={"step": 25, "max": 50}, bake={"min": "7m", "max": "30m"})))

    assert {step.bake.minimum for step in spec.strategy.steps} == {timedelta(minutes=7)}


def test_a_switch_without_more_words_is_one_promotion():
    spec = parse_spec(body_of(changed("strategy", {"blueGreen": {}})))

    assert isinstance(spec.strategy, BlueGreen)
    assert compile_plan(spec) == (Promote(spec.strategy.bake),)
    assert parse_spec(body_of(render_spec(spec))) == spec


def test_a_preview_comes_before_its_gate_and_the_switch_and_sends_nobody():
    preview = {"bake": {"min": "5m", "max": "20m"}, "gate": {"name": "qa"}}
    document = changed("strategy", {"blueGreen": {"preview": preview}}) | {"guards": LIMIT}
    spec = parse_spec(body_of(document))
    first, gate, last = compile_plan(spec)

    assert isinstance(first, Shift)
    assert (first.weight, first.bake.minimum) == (NONE, timedelta(minutes=5))
    assert isinstance(gate, AwaitApproval)
    assert isinstance(last, Promote)
    assert parse_spec(body_of(render_spec(spec))) == spec


def test_a_preview_is_refused_where_no_guard_could_judge_it():
    document = changed("strategy", {"blueGreen": {"preview": {"bake": {"min": "5m"}}}})

    assert paths_refused(document) == ["strategy.blueGreen.preview.bake"]
    assert "nothing to compare with" in refused(document)[0].message


@pytest.mark.parametrize("strategy", [{}, {"blueGreen": {}, "canary": {"steps": [5]}}, {"rolling": {}}])
def test_there_is_exactly_one_strategy(strategy):
    assert "strategy" in ".".join(paths_refused(changed("strategy", strategy)))


def test_a_switch_has_no_smallest_regression_to_see():
    document = changed("strategy", {"blueGreen": {}}) | {"judgement": {"smallestRegression": "2x"}}

    assert paths_refused(document) == ["judgement.smallestRegression"]


def test_a_health_check_says_how_well_a_place_must_be():
    health = {"path": "/up", "morePaths": ["/ready"], "within": "250ms", "passes": 3, "every": "10s"}
    spec = parse_spec(body_of(changed("targets/0/health", health)))

    assert spec.targets[0].health == HealthCheck(
        path="/up",
        more_paths=("/ready",),
        within=timedelta(milliseconds=250),
        passes=3,
        every=timedelta(seconds=10),
    )
    assert spec.targets[0].health.paths == ("/up", "/ready")
    assert parse_spec(body_of(render_spec(spec))) == spec


@pytest.mark.parametrize(
    ("field", "value"),
    [("within", "6s"), ("within", "0ms"), ("passes", 0), ("passes", 101), ("every", "6m"), ("morePaths", [])],
)
def test_a_health_check_that_cannot_be_is_refused(field, value):
    assert paths_refused(changed(f"targets/0/health/{field}", value)) == [f"targets[0].health.{field}"]
