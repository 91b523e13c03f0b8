"""The main job at Azure Monitor's own pace: windows of a minute, seen two minutes late."""

from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError
from shared.domain.rollout.spec import Place, WhenBusy
from shared.domain.rollout.weight import Weight
from tests.scenario.world import SHOP, SPEC, World


def test_a_healthy_release_is_promoted_step_by_step(world):
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"

    shares = [line["share"] for line in world.events(rollout) if line["type"] == "WeightObserved"]
    assert [share if share <= 100 else share / 1000 for share in shares] == [5, 25, 50, 5, 0]
    assert world.production() == "2"
    assert world.share() == 0
    assert world.rollout(rollout)["weight"] == 100


def test_a_release_that_fails_one_request_in_five_is_taken_back(world):
    rollout = world.deploy("3", error_rate=0.2)

    assert world.run_to_end(rollout) == "rolled-back"

    view = world.rollout(rollout)
    assert view["reason"].startswith("degraded: ")
    assert "errors: candidate 20 % outside the limit 5 %" in view["reason"]
    assert view["targets"][0]["observed"] == 0
    assert world.production() == "1"
    assert world.share() == 0
    assert view["pinned_until"] is not None


def test_a_release_that_turns_bad_after_promotion_is_swapped_back(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2")
    world.site.deploy(world.target, Place.PRODUCTION, "2", error_rate=0.3)

    assert world.run_to_end(rollout) == "rolled-back"

    assert world.production() == "1"
    assert world.share() == 0


def test_users_are_never_sent_above_what_the_last_judgement_proved(world):
    rollout = world.deploy("2")
    seen = []

    def look() -> bool:
        target = (world.rollout(rollout)["targets"] or [{"wanted": 0, "proven": 100}])[0]
        seen.append((target["wanted"], target["proven"], world.share()))
        return world.rollout(rollout)["ended"] is not None

    world.run_until(look)

    assert all(wanted <= proven and share <= proven for wanted, proven, share in seen)
    assert {5, 25, 50, 100} <= {wanted for wanted, _, _ in seen}


def test_nobody_is_sent_to_a_candidate_that_is_not_healthy(world):
    rollout = world.deploy("2", healthy=False)

    assert world.run_to_end(rollout) == "failed"

    assert "not healthy" in world.rollout(rollout)["reason"]
    assert "set_share" not in {call.method for call in world.site.calls}


def test_nobody_is_sent_to_a_place_that_serves_another_version(world):
    world.site.deploy(world.target, Place.CANDIDATE, "1.9")
    rollout = world.announce("2")

    assert world.run_to_end(rollout) == "failed"

    assert "serves 1.9, not 2" in world.rollout(rollout)["reason"]


def test_a_candidate_that_needs_a_while_to_come_up_is_waited_for(world):
    world.site.deploy(world.target, Place.CANDIDATE, "2", healthy=False)
    rollout = world.announce("2")
    world.run_for(timedelta(minutes=3))
    world.site.deploy(world.target, Place.CANDIDATE, "2")

    assert world.run_to_end(rollout) == "succeeded"


def test_the_version_that_production_serves_already_ends_at_once(world):
    rollout = world.deploy("1")

    assert world.run_to_end(rollout) == "succeeded"

    assert "already" in world.rollout(rollout)["reason"]
    assert "begin_swap" not in {call.method for call in world.site.calls}


def test_traffic_that_stops_is_never_a_pass(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["weight"] == 25)
    world.site.send(world.target, 0)

    assert world.run_to_end(rollout) == "failed"

    assert "no-data" in world.rollout(rollout)["reason"]
    assert world.share() == 0


def test_metrics_that_cannot_be_read_end_at_the_deadline_as_the_spec_says(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["weight"] == 5)
    world.site.fail("read_windows")
    world.run_for(timedelta(minutes=10))

    assert world.rollout(rollout)["guards"][0]["verdict"] == "error"
    assert world.rollout(rollout)["weight"] == 5

    assert world.run_to_end(rollout) == "failed"
    assert world.share() == 0


def test_metrics_that_cannot_be_read_pause_when_the_spec_says_so(tmp_path):
    world = World(tmp_path, SPEC.replace("max: 30m", "max: 30m, otherwise: pause"))
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["weight"] == 5)
    world.site.fail("read_windows")
    world.run_for(timedelta(hours=1))

    assert world.phase(rollout) == "paused"
    assert world.share() == 5

    world.site.mend()
    world.override("resume")
    assert world.run_to_end(rollout) == "succeeded"


def test_an_alert_takes_the_release_back_in_the_same_delivery(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 25)
    before = world.clock.now()
    world.alert()

    world.deliver_one()

    assert world.share() == 0
    assert world.clock.now() == before
    assert world.phase(rollout) == "rolled-back"
    assert "alert errors-high fired" in world.rollout(rollout)["reason"]


def test_a_resolved_alert_is_noted_and_nothing_else(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.alert(fired=False)

    assert world.run_to_end(rollout) == "succeeded"
    assert "AlertReceived" in world.happened(rollout)


def test_a_candidate_that_ci_overwrites_gets_no_more_users(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 25)
    world.site.deploy(world.target, Place.CANDIDATE, "2.1")

    assert world.run_to_end(rollout) == "failed"

    assert "candidate replaced" in world.rollout(rollout)["reason"]
    assert world.share() == 0
    assert world.production() == "1"


@pytest.mark.parametrize("moved_to", [80_000, 1_000])
def test_a_weight_that_somebody_moves_is_reported_and_put_right(world, moved_to):
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "baking" and world.share() == 25)
    world.site.move_by_hand(world.target, Weight(moved_to))
    world.run_for(timedelta(minutes=1, seconds=5))

    assert world.share() == 25
    assert "DriftFound" in world.happened(rollout)
    assert world.run_to_end(rollout) == "succeeded"


def test_a_newer_deployment_supersedes_the_older_one(world):
    older = world.deploy("2")
    world.run_until(lambda: world.share() == 25)
    newer = world.deploy("3")

    assert world.run_to_end(newer) == "succeeded"

    assert world.phase(older) == "aborted"
    assert f"superseded by {newer}" in world.rollout(older)["reason"]
    assert world.production() == "3"


def test_a_newer_deployment_is_rejected_when_the_spec_says_so(world):
    world.respec(when_busy=WhenBusy.REJECT)
    world.deploy("2")
    world.run_until(lambda: world.share() == 5)

    with pytest.raises(RejectedError, match="whenBusy: reject"):
        world.announce("3")


def test_a_person_can_pause_resume_and_promote(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.override("pause", "lunch")
    world.run_for(timedelta(hours=3))
    assert world.phase(rollout) == "paused"
    assert world.share() == 5

    world.override("resume")
    world.settle()
    assert world.phase(rollout) == "progressing"

    world.override("promote", "looks good")
    assert world.run_to_end(rollout) == "succeeded"
    assert [line["by"] for line in world.events(rollout) if line.get("by")] == ["alice", "alice", "alice"]


def test_a_pause_does_not_stop_the_guards(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 25)
    world.override("pause")
    world.settle()
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.5)

    assert world.run_to_end(rollout) == "rolled-back"


def test_a_pause_reminds_every_day_and_never_advances(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.override("pause")

    world.run_for(timedelta(hours=26))

    assert world.phase(rollout) == "paused"
    assert world.share() == 5
    assert world.happened(rollout).count("PauseReminded") == 1


def test_a_frozen_application_starts_nothing_until_it_is_unfrozen(world):
    world.override("freeze", "black friday")
    world.settle()
    rollout = world.deploy("2")
    world.run_for(timedelta(hours=2))
    assert world.phase(rollout) == "pending"

    world.override("unfreeze")
    assert world.run_to_end(rollout) == "succeeded"


def test_a_gate_waits_for_approval_and_then_goes_on(tmp_path):
    gated = SPEC.replace("50]", "{weight: 50, gate: {name: qa, timeout: 4h}}]")
    world = World(tmp_path, gated)
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "waiting")
    world.run_for(timedelta(hours=1))
    assert world.share() == 25

    world.override("approve", "tested")
    assert world.run_to_end(rollout) == "succeeded"


def test_a_gate_that_nobody_approves_ends_at_its_deadline(tmp_path):
    world = World(tmp_path, SPEC.replace("50]", "{weight: 50, gate: {name: qa, timeout: 4h}}]"))
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "failed"
    assert "gate qa was not approved" in world.rollout(rollout)["reason"]
    assert world.share() == 0


def test_a_success_can_be_taken_back_by_a_rollout_that_names_its_origin(world):
    first = world.deploy("2")
    world.run_to_end(first)

    back = world.override("rollback", "customers complain")
    assert world.run_to_end(back) == "succeeded"

    assert world.rollout(back)["origin"] == first
    assert world.production() == "1"


def test_a_failure_can_be_retried_by_a_rollout_that_names_its_origin(world):
    first = world.deploy("2", error_rate=0.4)
    world.run_to_end(first)
    world.site.deploy(world.target, Place.CANDIDATE, "2")

    again = world.override("retry")
    assert world.run_to_end(again) == "succeeded"
    assert world.rollout(again)["origin"] == first


def test_terminal_rollouts_do_nothing_ever(world):
    rollout = world.deploy("2", error_rate=0.4)
    world.run_to_end(rollout)
    world.run_for(timedelta(minutes=10))
    ended = world.rollout(rollout)
    calls = len(world.site.calls)

    world.run_for(timedelta(days=2))

    assert world.rollout(rollout) == ended
    assert len(world.site.calls) == calls
    assert world.app.intake.markers.overdue(world.clock.now() + timedelta(days=9), limit=10) == ()


def test_the_same_event_twice_is_one_rollout(world):
    first = world.deploy("2", event="e-1")
    second = world.announce("2", event="e-1")
    world.run_to_end(first)
    third = world.announce("2", event="e-1")

    assert first == second == third
    assert world.happened(first).count("DeploymentAccepted") == 1


def test_the_version_that_is_live_answers_with_the_rollout_that_brought_it(world):
    rollout = world.deploy("2")
    world.run_to_end(rollout)

    again = world.app.intake.accept_deployment(SHOP, "2", "another-event", "ci")

    assert (again.rollout, again.is_new) == (rollout, False)


def test_a_rollout_can_be_read_from_the_moment_that_it_is_accepted(world):
    rollout = world.deploy("2")

    assert world.phase(rollout) == "pending"


def test_users_whom_a_cookie_still_pins_are_counted_after_the_end(world):
    rollout = world.deploy("3", error_rate=0.4)
    world.site.pin(world.target, Weight(2_000))
    world.run_to_end(rollout)
    ended = world.rollout(rollout)["ended"]

    world.run_until(lambda: world.rollout(rollout)["pinned_requests"] is not None)

    view = world.rollout(rollout)
    assert view["pinned_requests"] == pytest.approx(20 * 60 * 0.02)
    assert view["phase"] == "rolled-back"
    assert view["ended"] == ended
    assert world.events(rollout)[-1]["type"] == "PinnedCounted"


def test_counting_pinned_users_is_cut_short_by_the_next_rollout(world):
    first = world.deploy("3", error_rate=0.4)
    world.run_to_end(first)
    second = world.deploy("4")

    assert world.run_to_end(second) == "succeeded"
    assert world.rollout(first)["pinned_requests"] is None


def test_a_version_that_a_person_promotes_at_once_is_compared_with_the_time_before(world):
    world.run_for(timedelta(minutes=20))
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.override("promote")

    assert world.run_to_end(rollout) == "succeeded"
    assert world.rollout(rollout)["guards"][1]["reference"] == 0


def test_what_was_measured_before_a_swap_is_not_held_against_the_version_after_it(world):
    world.site.deploy(world.target, Place.PRODUCTION, "1", error_rate=0.3)
    world.run_for(timedelta(minutes=20))
    world.run_to_end(world.deploy("2"))
    rollout = world.deploy("3")
    world.run_until(lambda: world.share() == 5)

    passed = next(line for line in world.events(rollout) if line["type"] == "PreflightPassed")
    assert passed["learned"]["web"]["pooled"]["requests"] > 0
    assert passed["learned"]["web"]["pooled"]["failures"] == 0


def test_a_rollback_that_is_asked_for_twice_goes_back_once(world):
    world.run_to_end(world.deploy("2"))
    back = world.override("rollback")
    world.settle()

    with pytest.raises(RejectedError, match="is going back to 1 already"):
        world.override("rollback")

    assert world.run_to_end(back) == "succeeded"
    assert world.production() == "1"
