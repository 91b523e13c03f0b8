"""What a plan says of itself: how each step can end, and what nobody knows before preflight."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.names import TargetName
from shared.domain.rollout.forecast import forecast
from shared.domain.rollout.spec import BlueGreen, Judging, LowTraffic, NamedPlace, Outcome, Stage, TargetKind
from shared.domain.rollout.weight import Weight
from shared.domain.spans import span_in_words
from shared.wire.plan_view import plan_view
from tests.unit.domain.specs import BAKE, NOON, blue_green, canary, hook, spec


def view(drawn, **options):
    return plan_view(forecast(drawn, NOON), **options)


def ways(step) -> dict[str, str]:
    return {way["when"]: way["then"] for way in step["outcomes"]}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (45, "45 s"),
        (720, "12 min"),
        (13_200, "3 h 40 min"),
        (172_800, "2 d"),
        (90_061, "1 d 1 h 1 min 1 s"),
    ],
)
def test_a_length_of_time_is_told_in_whole_units(seconds, words):
    assert span_in_words(timedelta(seconds=seconds)) == words


def test_each_step_says_how_it_can_end():
    first, gate, second, promote = view(spec())["steps"]

    healthy = {"judged healthy": "next", "judged degraded": "rolled-back", "no verdict within 30 min": "failed"}
    assert ways(first) == ways(second) == healthy
    assert ways(gate) == {
        "approved": "next",
        "rejected": "aborted",
        "nobody approved within 1 d": "failed",
        "judged degraded": "rolled-back",
    }
    assert ways(promote) == healthy | {"judged healthy": "succeeded"}


def test_before_anybody_met_the_candidate_a_gate_is_no_place_to_be_judged_at():
    gate, *_ = view(spec(strategy=canary(first_gate=True)))["steps"]

    assert "judged degraded" not in ways(gate)


def test_what_pauses_says_so():
    steps = view(spec(otherwise=Outcome.PAUSE))["steps"]

    assert [ways(step)[late] for step in steps for late in ways(step) if "within" in late] == ["paused"] * 4


def test_beyond_the_point_of_no_return_everything_that_would_go_back_pauses():
    hooks = (hook(Stage.BEFORE_PROMOTION, no_return=True),)

    plan = view(spec(hooks=hooks))

    migrate, promote = plan["steps"][-2:]
    assert plan["no_return"] == migrate["step"] == 3
    assert (migrate["no_return"], promote["no_return"]) == (True, False)
    assert ways(migrate)["failed, or not done within 10 min"] == "failed"
    assert set(ways(promote).values()) == {"succeeded", "paused"}


def test_hooks_that_nothing_waits_for_are_named_beside_the_plan():
    plan = view(spec(hooks=(hook(Stage.CONTRACT), hook(Stage.ON_ROLLBACK), hook(Stage.EXPAND))))

    assert plan["later_hooks"] == [
        {"hook": "contract", "stage": "contract"},
        {"hook": "on-rollback", "stage": "on-rollback"},
    ]


@pytest.mark.parametrize(
    ("judging", "said"),
    [
        (Judging(smallest_regression=2.0), "judgement.smallestRegression: weights and the least time"),
        (Judging(low_traffic=LowTraffic.BIGGER_FIRST_STEP), "judgement.lowTraffic bigger-first-step: weights"),
        (Judging(low_traffic=LowTraffic.EXTEND), "a step gets its longest time again, 3 times at most"),
        (Judging(low_traffic=LowTraffic.ASK), "a step pauses and calls a person"),
    ],
)
def test_what_depends_on_the_traffic_is_said(judging, said):
    assert any(said in note for note in view(spec(judging=judging))["notes"])


def test_what_only_a_profile_itself_tells_is_said():
    base = spec()
    plan = view(replace(base, targets=(replace(base.targets[0], kind=TargetKind.TRAFFIC_MANAGER),)))

    assert any("TTL is read at preflight" in note for note in plan["notes"])
    assert not any("swaps" in note for note in plan["notes"])


def test_waves_are_shown_in_their_order_with_what_they_do_not_do():
    [one] = spec().targets
    late, early = replace(one, name=TargetName("late"), wave=2), replace(one, name=TargetName("early"))
    plan = view(replace(spec(), targets=(late, early)))

    assert [(share["name"], share["wave"]) for share in plan["steps"][0]["targets"]] == [("late", 2), ("early", 1)]
    assert (
        "waves 1 (early), then 2 (late): at each step the targets are moved in this order, right after each other, "
        "and judged together; nothing bakes between waves"
    ) in plan["notes"]
    assert not any("waves" in note for note in view(spec())["notes"])


def test_a_route_whose_places_cannot_be_asked_is_pointed_out():
    base = spec()
    route = replace(base.targets[0], kind=TargetKind.HTTP_ROUTE)

    assert view(replace(base, targets=(route,)))["warnings"] == []
    assert "add places[].host" in view(named_only(base, route))["warnings"][0]


def named_only(base, route):
    places = (NamedPlace(name="blue", host="blue.example"), NamedPlace(name="green"))
    return replace(base, targets=(replace(route, places=places),))


def test_a_hold_back_that_a_switch_does_not_have_is_pointed_out():
    switch = spec(strategy=BlueGreen(bake=BAKE), judging=Judging(hold_back=Weight(10_000)))

    assert "strategy.canary only" in view(switch)["warnings"][0]
    assert view(spec(strategy=blue_green()))["warnings"] == []


def test_a_preview_sends_nobody_anywhere():
    preview, gate, promote = view(spec(strategy=blue_green(preview=True)))["steps"]

    assert (preview["kind"], preview["weight"], preview["targets"]) == ("shift", 0, [])
    assert (gate["kind"], gate["weight"]) == ("gate", None)
    assert (promote["kind"], promote["weight"], promote["targets"]) == ("promote", 100, [])
