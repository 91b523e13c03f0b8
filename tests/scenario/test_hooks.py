"""Hooks: called under one id however often it takes, recorded once, and waited for where a rollout must."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.names import CommandId
from shared.domain.rollout.commands import HookReport
from shared.domain.rollout.hooks import GithubWorkflow, HookState, HookStatus, Webhook
from shared.domain.rollout.spec import Hook, Outcome, Place, Stage
from tests.scenario.world import SHOP, World

WEBHOOK = Webhook(url="https://hooks.example/migrate")
WORKFLOW = GithubWorkflow(repository="team/shop", workflow="migrate.yml", ref="main", token_setting="SLIPWAY_SECRET_GH")
DONE = HookStatus(HookState.SUCCEEDED, "12 rows")
BROKEN = HookStatus(HookState.FAILED, "no such table")
MINUTE = timedelta(minutes=1)


def hook(at, name="migrate", **fields):
    return Hook(name=name, at=Stage(at), call=fields.pop("call", WEBHOOK), **fields)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.hooks.answer_at_once(DONE)
    return world


def with_hooks(world, *hooks, **changes):
    world.respec(hooks=hooks, **changes)
    return world


def ended(world, rollout):
    """Each hook's end, as history tells it."""
    return [(e["hook"], e["status"]["state"]) for e in world.events(rollout) if e["type"] == "HookEnded"]


def called(world):
    return [each.body["hook"] for each in world.hooks.called]


def test_a_rollout_waits_for_its_first_hook_before_any_user_meets_the_candidate(world):
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING))
    rollout = with_hooks(world, hook("expand", "expand")).deploy("2")
    world.run_for(5 * MINUTE)

    assert world.phase(rollout) == "waiting"
    assert world.share() == 0
    [call] = world.hooks.called
    world.hooks.finish(call.call_id, DONE)
    assert world.run_to_end(rollout) == "succeeded"
    assert ended(world, rollout) == [("expand", "succeeded")]


def test_a_hook_is_told_what_it_is_called_for(world):
    rollout = with_hooks(world, hook("before-rollout", "smoke")).deploy("2")
    world.run_to_end(rollout)

    [call] = world.hooks.called
    assert call.body == {
        "application": "shop",
        "rollout": rollout,
        "version": "2",
        "step": 0,
        "stage": "before-rollout",
        "hook": "smoke",
        "callback": f"https://slipway.example/api/callbacks/hooks/shop/{call.call_id}",
    }


def test_hooks_of_every_stage_are_called_in_order_once_for_each_step(world):
    stages = ("on-rollback", "after-promotion", "before-promotion", "before-increase", "before-rollout", "expand")
    rollout = with_hooks(world, *(hook(stage, stage) for stage in stages)).deploy("2")
    world.run_to_end(rollout)
    world.run_for(MINUTE)

    increases = ["before-increase"] * 4
    wanted = ["expand", "before-rollout", *increases, "before-promotion", "after-promotion"]
    assert called(world) == wanted
    assert [name for name, _ in ended(world, rollout)] == wanted
    assert len({each.call_id for each in world.hooks.called}) == len(wanted)


def test_a_hook_on_rollback_is_called_when_nobody_meets_the_candidate_any_more(world):
    shares = []
    world.hooks.answer_at_once(DONE)
    rollout = with_hooks(world, hook("on-rollback", "undo")).deploy("2", error_rate=0.9)
    call = world.hooks.call
    world.hooks.call = lambda *args, **more: (shares.append(world.share()), call(*args, **more))[1]

    assert world.run_to_end(rollout) == "rolled-back"
    world.run_for(MINUTE)
    assert shares == [0]
    assert ended(world, rollout) == [("undo", "succeeded")]


def test_a_hook_on_rollback_is_not_called_where_nothing_was_begun(world):
    world.hooks.answer_at_once(DONE)
    rollout = with_hooks(world, hook("expand", "expand"), hook("on-rollback", "undo")).deploy("2", healthy=False)

    assert world.run_to_end(rollout) == "failed"
    world.run_for(MINUTE)
    assert called(world) == []
    assert world.app.views.application(SHOP)["duties"] == []


@pytest.mark.parametrize("undone", ["before-rollout", "before-increase", "expand"])
def test_a_hook_on_rollback_is_called_after_another_hook_though_no_user_was_sent(world, undone):
    world.hooks.answer_at_once(BROKEN)
    rollout = with_hooks(world, hook(undone, "do"), hook("on-rollback", "undo")).deploy("2")

    assert world.run_to_end(rollout) == "failed"
    world.run_for(MINUTE)
    assert called(world) == ["do", "undo"]


@pytest.mark.parametrize(("otherwise", "phase"), [("rollback", "failed"), ("pause", "paused")])
def test_a_hook_that_fails_does_what_the_spec_says(world, otherwise, phase):
    world.hooks.answer_at_once(BROKEN)
    rollout = with_hooks(world, hook("expand", otherwise=Outcome(otherwise))).deploy("2")
    world.run_for(3 * MINUTE)

    assert world.phase(rollout) == phase
    assert "no such table" in world.rollout(rollout)["reason"]
    assert world.share() == 0


def test_a_hook_that_is_refused_for_good_has_failed(world):
    world.hooks.fail(error=RejectedError("404: no such workflow"))
    rollout = with_hooks(world, hook("expand")).deploy("2")

    assert world.run_to_end(rollout) == "failed"
    assert "no such workflow" in world.rollout(rollout)["reason"]
    assert ended(world, rollout) == [("migrate", "failed")]


def test_a_hook_that_takes_too_long_has_failed(world):
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING, progress="1 of 9"))
    rollout = with_hooks(world, hook("expand", timeout=7 * MINUTE)).deploy("2")
    began = world.clock.time

    assert world.run_to_end(rollout) == "failed"
    assert timedelta(minutes=7) <= world.clock.time - began < timedelta(minutes=9)
    assert "hook migrate failed: not done within 7 min" in world.rollout(rollout)["reason"]


def test_a_hook_whose_answers_are_not_understood_shows_the_last_one_and_how_often_it_was_called(world):
    world.hooks.fail(error=TryLaterError("hook: ci.example answered 200 with a body that is not read"))
    attempts, call = [], world.hooks.call
    world.hooks.call = lambda *args, **more: (attempts.append(args), call(*args, **more))[1]
    rollout = with_hooks(world, hook("expand", timeout=timedelta(seconds=40))).deploy("2")
    world.settle()

    shown = world.rollout(rollout)["hook"]
    assert (shown["state"], shown["detail"]) == (
        "running",
        "hook: ci.example answered 200 with a body that is not read",
    )
    assert shown["failed_attempts"] >= 1

    assert world.run_to_end(rollout) == "failed"
    [end] = [each for each in world.events(rollout) if each["type"] == "HookEnded"]
    assert len(attempts) > 3
    assert end["status"]["detail"] == (
        f"not done within 40 s, {len(attempts)} attempts to call it came to nothing: "
        "hook: ci.example answered 200 with a body that is not read"
    )
    assert end["status"]["detail"] in world.rollout(rollout)["reason"]


def test_a_hook_that_was_understood_at_last_shows_what_it_says_now(world):
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING, "half way"))
    world.hooks.fail(error=TryLaterError("503"), times=2)
    rollout = with_hooks(world, hook("expand")).deploy("2")
    world.run_for(MINUTE)

    shown = world.rollout(rollout)["hook"]
    assert (shown["detail"], shown["failed_attempts"]) == ("half way", 2)


def test_a_pause_stops_the_time_that_a_hook_may_take(world):
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING))
    rollout = with_hooks(world, hook("expand", timeout=5 * MINUTE)).deploy("2")
    world.run_for(MINUTE)
    world.override("pause")
    world.run_for(20 * MINUTE)

    assert world.phase(rollout) == "paused"


@pytest.mark.parametrize("error", [TryLaterError("503"), UnansweredError("no answer")])
def test_a_hook_that_cannot_be_reached_is_called_again_under_the_same_id(world, error):
    world.hooks.fail(error=error, times=3)
    rollout = with_hooks(world, hook("expand")).deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    assert len(set(world.hooks.asked)) == 1
    assert called(world) == ["migrate"]


def test_an_answer_that_was_lost_makes_no_second_call(world):
    world.hooks.fail(times=1, applied=True)
    rollout = with_hooks(world, hook("expand")).deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    assert called(world) == ["migrate"]
    assert ended(world, rollout) == [("migrate", "succeeded")]


def test_where_nobody_can_tell_whether_it_ran_a_person_is_asked_and_it_is_not_called_again(world):
    world.hooks.fail(times=1)
    rollout = with_hooks(world, hook("expand", call=WORKFLOW, timeout=timedelta(hours=2))).deploy("2")
    world.run_until(lambda: world.phase(rollout) == "paused", timedelta(hours=1))

    assert world.hooks.called == []
    assert "skip it if it was done, or resume to call again" in world.rollout(rollout)["reason"]
    world.override("skip")
    assert world.run_to_end(rollout) == "succeeded"
    assert world.hooks.called == []


def test_a_person_who_knows_that_it_did_not_run_has_it_called_again(world):
    world.hooks.fail(times=1)
    rollout = with_hooks(world, hook("expand", call=WORKFLOW, timeout=timedelta(hours=2))).deploy("2")
    world.run_until(lambda: world.phase(rollout) == "paused", timedelta(hours=1))
    world.override("resume")

    assert world.run_to_end(rollout) == "succeeded"
    assert called(world) == ["migrate"]


def report(world, call_id, status, report_id="r1"):
    command = HookReport(id=CommandId(report_id), call_id=call_id, status=status)
    return world.app.intake.accept_hook_report(SHOP, command)


def test_a_result_that_is_called_back_is_heard_at_once(world):
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING))
    rollout = with_hooks(world, hook("expand", timeout=timedelta(hours=2))).deploy("2")
    world.settle()
    [call] = world.hooks.called
    report(world, call.call_id, DONE)
    world.settle()

    assert ended(world, rollout) == [("migrate", "succeeded")]
    assert world.share() > 0


def test_a_result_that_is_called_back_twice_is_recorded_once(world):
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING))
    rollout = with_hooks(world, hook("expand", timeout=timedelta(hours=2))).deploy("2")
    world.settle()
    [call] = world.hooks.called
    report(world, call.call_id, DONE, "r1")
    report(world, call.call_id, DONE, "r1")
    report(world, call.call_id, BROKEN, "r2")
    world.settle()

    assert ended(world, rollout) == [("migrate", "succeeded")]


def test_the_old_schema_is_kept_until_the_old_version_is_not_kept_warm_any_more(world):
    rollout = with_hooks(world, hook("contract", "contract"), keep_warm=timedelta(hours=3)).deploy("2")
    world.run_to_end(rollout)
    over = world.clock.time
    world.run_until(lambda: world.hooks.called != [], timedelta(hours=5))

    assert timedelta(hours=3) <= world.clock.time - over < timedelta(hours=3, minutes=1)
    world.run_for(MINUTE)
    assert ended(world, rollout) == [("contract", "succeeded")]
    with pytest.raises(RejectedError, match="not kept warm any more"):
        world.override("rollback")


def test_what_was_taken_back_has_no_old_schema_to_lose(world):
    rollout = with_hooks(world, hook("contract", "contract")).deploy("2", error_rate=0.9)
    world.run_to_end(rollout)
    world.run_for(timedelta(hours=3))

    assert world.hooks.called == []


def test_going_back_to_the_old_version_keeps_its_schema(world):
    with_hooks(world, hook("contract", "contract"), keep_warm=timedelta(hours=3))
    world.run_to_end(world.deploy("2"))
    back = world.override("rollback")
    world.run_to_end(back)
    world.run_for(timedelta(hours=6))

    assert world.hooks.called == []


def test_the_next_version_that_succeeds_means_that_the_one_before_the_last_is_gone(world):
    with_hooks(world, hook("contract", "contract"), keep_warm=timedelta(days=20))
    world.run_to_end(world.deploy("2"))
    third = world.deploy("3")
    world.run_to_end(third)
    world.run_for(MINUTE)

    assert [each.body["version"] for each in world.hooks.called] == ["2"]


def beyond_return(world):
    rollout = with_hooks(world, hook("before-promotion", "drop", no_return=True)).deploy("2")
    world.run_until(lambda: world.phase(rollout) == "promoting")
    world.run_until(lambda: world.production() == "2")
    return rollout


def test_beyond_the_point_of_no_return_what_is_bad_freezes_and_calls_a_person(world):
    rollout = beyond_return(world)
    world.site.deploy(world.target, Place.PRODUCTION, "2", error_rate=0.9)
    world.run_until(lambda: world.phase(rollout) == "paused", timedelta(hours=1))

    assert "hook drop has passed the point of no return" in world.rollout(rollout)["reason"]
    assert world.production() == "2"
    world.run_for(timedelta(hours=1))
    assert world.production() == "2"
    assert world.phase(rollout) == "paused"


def test_beyond_the_point_of_no_return_an_alert_freezes_too(world):
    rollout = beyond_return(world)
    world.alert()
    world.settle()
    world.run_until(lambda: world.phase(rollout) == "paused", timedelta(minutes=10))

    assert world.production() == "2"


def test_beyond_the_point_of_no_return_a_person_may_still_go_back_and_says_so(world):
    rollout = beyond_return(world)
    with pytest.raises(RejectedError, match="point of no return"):
        world.override("abort")
    world.override("rollback", "we have a copy of the table")

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.production() == "1"


def test_before_the_point_of_no_return_what_is_bad_is_taken_back(world):
    with_hooks(world, hook("before-promotion", "drop", no_return=True))
    rollout = world.deploy("2", error_rate=0.9)

    assert world.run_to_end(rollout) == "rolled-back"


def test_an_older_version_that_is_still_warm_goes_at_once_when_it_is_deployed_by_name(world):
    world.run_to_end(world.deploy("2"))
    begun = world.clock.time
    back = world.announce("1")
    world.run_until(lambda: world.production() == "1", timedelta(minutes=10))

    assert world.clock.time - begun < timedelta(minutes=5)
    entered = next(line for line in world.events(back) if line["type"] == "StepEntered")
    assert "was proven before: it goes at once" in entered["because"]


def test_an_older_version_that_is_not_warm_any_more_goes_the_way_of_every_version(world):
    world.respec(keep_warm=timedelta(minutes=30))
    world.run_to_end(world.deploy("2"))
    world.run_for(timedelta(hours=1))
    back = world.announce("1")
    world.run_for(5 * MINUTE)

    assert world.production() == "2"
    assert 0 < world.share() < 100
    assert "WarmthEnded" in [e["type"] for e in world.events(world.app.views.application(SHOP)["last"]["rollout"])]
    assert world.run_to_end(back) == "succeeded"


def test_a_worker_that_dies_in_a_call_leaves_it_in_doubt(world):
    rollout = with_hooks(world, hook("expand", call=replace(WORKFLOW), timeout=timedelta(hours=2))).deploy("2")
    begin = world.hooks.call
    state = {"died": False}

    def die_once(*args, **more):
        if not state["died"]:
            state["died"] = True
            begin(*args, **more)
            raise KeyboardInterrupt
        return begin(*args, **more)

    world.hooks.call = die_once
    with pytest.raises(KeyboardInterrupt):
        world.settle()
    world.start()
    world.run_to_end(rollout)

    assert called(world) == ["migrate"]
