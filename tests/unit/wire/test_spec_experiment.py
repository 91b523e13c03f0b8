"""The experiment of a release spec: what is read, what is refused by its name, what is rendered again."""

from datetime import timedelta

import pytest

from shared.domain.experiments.experiment import Better, Counter, Failures, Goal
from shared.domain.rollout.audience import CarriedIn, MarkedUsers, RequestMark
from shared.domain.rollout.plan import Compare, Promote, compile_plan
from shared.domain.rollout.spec import AbTest, ExperimentEnds, Promotes
from shared.domain.rollout.weight import Weight
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from tests.unit.wire.spec_documents import SMALLEST, body_of, paths_refused, refused

VALUES = [
    {"name": "paid", "kind": "counter", "query": "OrdersPaid"},
    {"name": "added", "kind": "counter", "query": "Added", "of": "Visits"},
    {"name": "memory", "kind": "gauge", "query": "Memory"},
]
ROUTE = {
    "name": "route",
    "kind": "http-route",
    "resource": "https://k.example/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop",
    "places": [{"name": "blue", "host": "blue.example"}, {"name": "green", "host": "green.example"}],
}
APP = {
    "name": "app",
    "kind": "container-app",
    "resource": SMALLEST["targets"][0]["resource"].replace("Web/sites", "App/containerApps"),
}
PROFILE = {
    "name": "dns",
    "kind": "traffic-manager",
    "resource": SMALLEST["targets"][0]["resource"].replace("Web/sites", "Network/trafficManagerProfiles"),
    "places": ["blue", "green"],
}
PAGES = {"kind": "web", "url": "https://m.example/{version}?since={since}"}
BETA = {"cookie": "beta", "value": "1"}


def document(*, target=None, **experiment):
    metrics = {"values": VALUES}
    if target is ROUTE:
        metrics = {"source": PAGES, "values": [each | {"query": f"/{each['name']}"} for each in VALUES[::2]]}
    return SMALLEST | {
        "targets": [target or SMALLEST["targets"][0]],
        "strategy": {"experiment": {"ends": {"after": "7d"}} | experiment},
        "metrics": metrics,
    }


def read(**said) -> AbTest:
    spec = parse_spec(body_of(document(**said)))
    assert isinstance(spec.strategy, AbTest)
    assert parse_spec(body_of(render_spec(spec))) == spec
    return spec.strategy


def test_an_experiment_that_says_only_when_it_ends_has_the_defaults_that_people_expect():
    experiment = read()

    assert experiment.weight == Weight(50_000)
    assert experiment.goal == Goal(name="errors", measure=Failures(), better=Better.LOWER)
    assert experiment.ends == ExperimentEnds(after=timedelta(days=7))
    assert (experiment.promotes, experiment.audience) == (Promotes.BY_HAND, None)
    assert experiment.promotion_bake.minimum == timedelta(minutes=20)


def test_everything_that_it_says_is_read():
    experiment = read(
        weight="20%",
        goal={"value": "paid", "better": "lower"},
        ends={"after": "7d", "requests": 10_000, "whenDecided": True},
        promote="winner",
        bake={"min": "10m", "max": "2h"},
    )

    assert experiment.weight == Weight(20_000)
    assert experiment.goal == Goal(name="paid", measure=Counter("paid"), better=Better.LOWER)
    assert experiment.ends == ExperimentEnds(after=timedelta(days=7), requests=10_000, when_decided=True)
    assert experiment.promotes is Promotes.WINNER
    assert experiment.promotion_bake.maximum == timedelta(hours=2)


def test_more_of_a_counter_is_better_unless_it_says_otherwise():
    goal = read(goal={"value": "added"}).goal

    assert (goal.better, goal.of) == (Better.HIGHER, "opportunities")


def test_what_ends_by_requests_does_not_last_for_ever():
    assert read(ends={"requests": 10_000}).ends == ExperimentEnds(after=timedelta(days=30), requests=10_000)


@pytest.mark.parametrize(
    ("said", "mark", "share"),
    [
        (BETA, RequestMark(carried_in=CarriedIn.COOKIE, name="beta", value="1"), None),
        (
            {"header": "X-Beta", "value": "yes", "share": 12.5},
            RequestMark(carried_in=CarriedIn.HEADER, name="X-Beta", value="yes"),
            Weight(12_500),
        ),
    ],
)
def test_an_audience_is_read_and_nobody_else_is_sent_beside_it(said, mark, share):
    experiment = read(target=ROUTE, audience=said)

    assert experiment.audience == MarkedUsers(mark=mark, share=share)
    assert experiment.weight == 0


def test_it_compiles_to_the_comparison_and_the_promotion():
    compare, promote = compile_plan(parse_spec(body_of(document(weight=30))))

    assert isinstance(compare, Compare)
    assert (compare.weight, compare.promotes) == (Weight(30_000), Promotes.BY_HAND)
    assert isinstance(promote, Promote)
    assert promote.hold_back == Weight(5_000)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (None, "x-ms-routing-name"),
        (APP, "divides requests between revisions by weight alone"),
        (PROFILE, "answers DNS questions and sees no request"),
    ],
    ids=["slot", "container app", "profile"],
)
def test_an_audience_where_the_target_cannot_is_refused_with_the_reason(target, why):
    said = document(target=target, audience=BETA)
    if target is not None:
        said["metrics"] = {"source": PAGES}
    [problem] = refused(said)

    assert problem.path == "strategy.experiment.audience"
    assert why in problem.message


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"weight": 0}, "weight"),
        ({"weight": 100}, "weight"),
        ({"weight": -1}, "weight"),
        ({"ends": {}}, "ends"),
        ({"ends": {"whenDecided": True}}, "ends"),
        ({"ends": {"after": "30s"}}, "ends.after"),
        ({"ends": {"requests": 0}}, "ends.requests"),
        ({"ends": {"requests": 1.5}}, "ends.requests"),
        ({"goal": {"better": "higher"}}, "goal.value"),
        ({"goal": {"value": "paid", "better": "more"}}, "goal.better"),
        ({"goal": {"value": "memory"}}, "goal.value"),
        ({"goal": {"value": "sold"}}, "goal.value"),
        ({"promote": "always"}, "promote"),
        ({"bake": {"min": "2h", "max": "1h"}}, "bake.max"),
    ],
)
def test_what_cannot_be_is_refused_by_its_path(fields, path):
    assert paths_refused(document(**fields)) == [f"strategy.experiment.{path}"]


@pytest.mark.parametrize(
    ("audience", "path"),
    [
        ({"value": "1"}, ""),
        ({"cookie": "beta"}, ".value"),
        ({"cookie": "beta", "header": "X-Beta", "value": "1"}, ""),
        ({"cookie": "be ta", "value": "1"}, ".cookie"),
        ({"header": "Cookie", "value": "beta=1"}, ".header"),
        ({"cookie": "beta", "value": "a;b"}, ".value"),
        ({"cookie": "beta", "value": 1}, ".value"),
        ({"cookie": "beta", "value": "1", "share": 0}, ".share"),
    ],
)
def test_an_audience_that_cannot_be_is_refused_by_its_path(audience, path):
    found = paths_refused(document(target=ROUTE, audience=audience))

    assert f"strategy.experiment.audience{path}" in found


def test_a_goal_that_is_no_counter_is_refused_with_those_there_are():
    [problem] = refused(document(goal={"value": "memory"}))

    assert "allowed is a counter of metrics.values: paid, added" in problem.message


@pytest.mark.parametrize(
    ("experiment", "path"),
    [
        ([{"weight": 30}, {"weight": 30}], "strategy.experiment"),
        ({"ends": {"after": "7d"}, "weight": [30, 30]}, "strategy.experiment.weight"),
        ({"ends": {"after": "7d"}, "arms": [{"weight": 30}]}, "strategy.experiment.arms"),
    ],
)
def test_more_than_two_arms_are_refused_with_the_reason(experiment, path):
    [problem] = refused(document() | {"strategy": {"experiment": experiment}})

    assert problem.path == path
    assert "two arms" in problem.message


@pytest.mark.parametrize("other", [{"canary": {"steps": [5]}}, {"blueGreen": {}}])
def test_it_is_the_only_strategy(other):
    strategy = {"experiment": {"ends": {"after": "7d"}}} | other

    assert "strategy" in ".".join(paths_refused(document() | {"strategy": strategy}))


def test_it_has_no_smallest_regression_to_see():
    said = document() | {"judgement": {"smallestRegression": "2x"}}

    assert paths_refused(said) == ["judgement.smallestRegression"]
