"""What is shown of applications and rollouts, in every situation."""

import json
from dataclasses import replace

import pytest

from shared.domain.names import RolloutId
from shared.domain.rollout.plan import compile_canary
from shared.domain.rollout.weight import Weight
from shared.wire.views import (
    SHARDS,
    accepted_view,
    application_summary,
    application_view,
    rollout_view,
    shard_of,
    step_view,
)
from tests.unit.domain.situations import LIVE, SITUATIONS, situation
from tests.unit.domain.specs import NOON, SHOP, canary, spec
from tests.unit.domain.states import baking, deploy, override, promoted, succeeded
from tests.unit.domain.tales import replaced_by_ci

PROMISED = {
    "id",
    "application",
    "version",
    "phase",
    "doing",
    "step",
    "weight",
    "targets",
    "started",
    "ended",
    "reason",
    "guards",
}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_can_be_shown_as_json(name, frozen):
    story = situation(name, frozen=frozen, pending=name in LIVE)
    view = application_view(story.state, {})
    assert json.loads(json.dumps(view, allow_nan=False)) == view
    assert view["frozen"] == (
        {"reason": "as agreed", "by": "alice", "since": view["frozen"]["since"]} if frozen else None
    )
    assert (view["live"] is not None) == (story.state.live is not None)
    assert (view["pending"] or {}).get("phase") == ("pending" if name in LIVE else None)
    if view["pending"] and view["pending"]["frozen"]:
        assert view["pending"]["reason"] == "the application is frozen: it begins when that is over"
    assert application_summary(story.state)["frozen"] == view["frozen"]


@pytest.mark.parametrize("name", LIVE)
def test_every_live_rollout_shows_what_was_promised(name):
    story = situation(name)
    view = rollout_view(story.live)
    assert view.keys() >= PROMISED
    assert view["phase"] == ("stuck" if story.live.stuck else story.live.phase)
    assert view["doing"] == story.live.doing
    assert view["started"].startswith("2026-11-23T12:")
    assert view["started"].endswith("Z")
    assert view["ended"] is None


def test_a_stuck_rollout_is_shown_as_stuck_with_what_it_was_doing():
    view = rollout_view(situation("swapping, stuck").live)
    assert (view["phase"], view["doing"], view["stuck"]) == ("stuck", "swapping", "409 Conflict")


def test_weights_are_percentages_and_the_least_wanted_counts():
    live = baking(spec(targets=("web",))).live
    west = replace(live.targets[0], name="west", wanted=2_500, observed=None)
    view = rollout_view(replace(live, targets=(*live.targets, west)))
    assert view["weight"] == 2.5
    assert [(target["wanted"], target["observed"]) for target in view["targets"]] == [(5.0, 5.0), (2.5, None)]


def test_a_target_shows_where_it_is_and_what_it_serves():
    """Promoted, with a twentieth of the users held back while it bakes."""
    (target,) = rollout_view(promoted().live)["targets"]
    assert target == {
        "name": "web",
        "kind": "app-service-slot",
        "resource": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/web",
        "region": "",
        "wave": 1,
        "wanted": 95.0,
        "proven": 100.0,
        "observed": 95.0,
        "production_serves": "candidate",
        "stable_version": "1",
        "places": None,
        "verdict": None,
        "odds": None,
        "holds": "",
        "lacks_traffic": False,
        "concern": None,
    }


def test_a_target_shows_what_its_guards_say_together():
    story = baking()
    while story.web.judgement is None:
        story.look()
    judgement = replace(story.web.judgement, concern="share: look", holds="it looks cold", lacks_traffic=True, odds=2.5)
    live = replace(story.live, targets=(replace(story.web, judgement=judgement),))
    (target,) = rollout_view(live)["targets"]
    shown = {name: target[name] for name in ("verdict", "odds", "holds", "lacks_traffic", "concern")}
    assert shown == {
        "verdict": judgement.verdict,
        "odds": 2.5,
        "holds": "it looks cold",
        "lacks_traffic": True,
        "concern": "share: look",
    }


def test_a_rollout_says_the_how_manieth_of_its_version_it_is():
    assert rollout_view(baking().live)["attempt"] == 1


def test_a_guard_shows_the_numbers_that_its_verdict_rests_on():
    story = baking()
    while story.web.judgement is None:
        story.look()
    errors, compared = rollout_view(story.live)["guards"]
    assert (errors["target"], errors["guard"], errors["verdict"]) == ("web", "errors", "healthy")
    assert (errors["value"], errors["limit"], errors["reference"], errors["requests"]) == (0.001, 0.05, None, 1_000)
    assert (compared["guard"], compared["reference"]) == ("compared", 0.001)
    assert (compared["windows"], compared["decides"], errors["odds"]) == (1, True, None)
    assert compared["odds"] > 0
    assert 0 < compared["p_value"] <= 1
    assert compared["interval"][0] < 0 < compared["interval"][1]
    assert compared["smallest_visible"] is None or compared["smallest_visible"] > 1


@pytest.mark.parametrize(("name", "step"), [("preflight", None), ("baking", 0), ("gate", 1), ("swapping", 3)])
def test_the_step_counts_from_0_and_is_none_before_the_first(name, step):
    assert rollout_view(situation(name).live)["step"] == step


@pytest.mark.parametrize(
    ("name", "gate"), [("gate", "sign-off"), ("gate before any weight", "sign-off"), ("baking", None)]
)
def test_a_gate_that_is_waited_at_is_named(name, gate):
    assert rollout_view(situation(name).live)["gate"] == gate


def test_a_pause_names_who_and_why():
    view = rollout_view(situation("baking, paused").live)
    assert view["paused"] == {"by": "alice", "reason": "paused by alice: as agreed"}


def test_a_plan_is_shown_step_by_step():
    bake = {"bake_min_seconds": 120.0, "bake_max_seconds": 1800.0, "otherwise": "rollback"}
    gate = {"gate": "sign-off", "timeout_seconds": 86_400.0, "otherwise": "rollback"}
    assert [step_view(step) for step in compile_canary(canary(), Weight(5_000))] == [
        {"weight": 5.0, **bake},
        gate,
        {"weight": 50.0, **bake},
        {"promote": True, "weight": 100, "hold_back": 5.0, **bake},
    ]


def test_a_rollout_that_ended_is_not_shown_as_frozen():
    ended = baking().override("abort").go_to_end()
    view = rollout_view(ended, frozen=True)
    assert (view["phase"], view["doing"], view["frozen"]) == ("aborted", "nothing", False)
    assert view["ended"].endswith("Z")


def test_a_rollout_that_a_freeze_does_not_hold_is_not_shown_as_frozen():
    story = succeeded().override("freeze").override("rollback", 2)
    view = application_view(story.state, {})
    assert (view["live"]["phase"], view["live"]["frozen"], view["frozen"] is None) == ("progressing", False, False)


def test_an_accepted_deployment_is_shown_as_pending_at_once():
    view = accepted_view(SHOP, deploy("2"), NOON)
    assert view.keys() == rollout_view(baking().live).keys()
    assert (view["id"], view["phase"], view["requested"]) == ("shop-1", "pending", "2026-11-23T12:00:00Z")


def test_a_line_in_the_list_says_what_serves_and_what_comes():
    idle = application_summary(succeeded().state)
    assert (idle["phase"], idle["version"], idle["candidate"], idle["weight"]) == ("idle", "2", None, 0)
    assert idle["last"] == {"rollout": RolloutId("shop-1"), "version": "2", "phase": "succeeded"}
    busy = application_summary(baking().state)
    assert (busy["phase"], busy["version"], busy["candidate"], busy["weight"]) == ("progressing", None, "2", 5.0)


def test_names_spread_over_all_shards_and_stay_in_theirs():
    shards = [shard_of(f"app-{number}") for number in range(400)]
    assert set(shards) == {f"{shard:02d}" for shard in range(SHARDS)}
    assert shard_of("shop") == shard_of("shop")
    assert max(shards.count(shard) for shard in set(shards)) < 50


def test_after_a_rollback_it_says_whom_the_cookie_still_holds_at_which_version_and_what_ends_that():
    story = baking()
    story.tell(override("rollback"))
    story.go_to_end()
    (over,) = story.archived
    slot = over.spec.targets[0].slot

    assert rollout_view(over)["pinned_note"] == (
        f"users whom the cookie x-ms-routing-name pins to slot {slot} may meet version 2 there until "
        f"{over.pinned_until:%Y-%m-%d %H:%M:%S} UTC; putting version 1 into it ends that at once "
        "(docs/guides/app-service.md, Pinned users)"
    )


def test_where_the_candidate_was_replaced_pinned_users_meet_what_replaced_it():
    note = rollout_view(replaced_by_ci().archived[-1])["pinned_note"]

    assert "may meet version 9 there" in note
    assert "putting version 1 into it" in note


def test_of_two_slots_each_version_is_named_that_pinned_users_may_meet():
    over = replaced_by_ci().archived[-1]
    [web] = over.targets
    both = replace(over, targets=(web, replace(web, replaced_by=None)))

    assert "may meet version 9 or version 2 there" in rollout_view(both)["pinned_note"]


def test_after_a_success_the_version_before_is_what_pinned_users_meet():
    story = succeeded()
    over = story.archived[-1]

    assert "may meet version 1 there" in rollout_view(over)["pinned_note"]
    assert "putting version 2 into it" in rollout_view(over)["pinned_note"]


@pytest.mark.parametrize("name", LIVE)
def test_nothing_is_said_of_pins_while_a_rollout_is_live(name):
    assert rollout_view(situation(name).live)["pinned_note"] is None
