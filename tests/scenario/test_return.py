"""Back to the version before, and again: returns, redeployments by name and retries, on both kinds of target."""

from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError
from shared.domain.rollout.hooks import HookState, HookStatus, Webhook
from shared.domain.rollout.spec import Hook, Place, Stage
from tests.scenario.test_by_weight import APP_TARGET, WEB_TARGET
from tests.scenario.world import SHOP, SPEC, World

MINUTE = timedelta(minutes=1)
DONE = HookStatus(HookState.SUCCEEDED)
BROKEN = HookStatus(HookState.FAILED, "no such table")
SHORT = SPEC.replace("[5, 25, 50]", "[50]")


@pytest.fixture(params=["slot", "weights"])
def world(request, tmp_path):
    world = World(tmp_path, SHORT if request.param == "slot" else SHORT.replace(WEB_TARGET, APP_TARGET))
    world.hooks.answer_at_once(DONE)
    return world


def hook(at: str) -> Hook:
    return Hook(name=at, at=Stage(at), call=Webhook(url="https://hooks.example/migrate"))


def called(world) -> list[str]:
    return [each.body["hook"] for each in world.hooks.called]


def serves(world) -> set[str]:
    """What new users meet."""
    site, target = world.site, world.target
    share = site.read_share(target)
    places = {Place.CANDIDATE: share > 0, Place.PRODUCTION: share < 100_000}
    return {site.read_version(target, place) for place, is_met in places.items() if is_met}


def released(world, version: str = "2"):
    rollout = world.deploy(version)
    assert world.run_to_end(rollout) == "succeeded"
    return rollout


def test_a_return_is_not_taken_back_itself_and_what_was_taken_away_comes_again_by_its_name(world):
    released(world)
    back = world.override("rollback")
    assert world.run_to_end(back) == "succeeded"
    assert serves(world) == {"1"}
    assert len(world.rollout(back)["plan"]) == 1, "the promotion is all of its plan"
    assert world.app.views.application(SHOP)["warm"] is None
    with pytest.raises(RejectedError, match="1 is what you went back to: deploy 2 by name to bring it again"):
        world.override("rollback")

    again = world.announce("2")
    world.run_until(lambda: len(serves(world)) == 2)
    assert world.run_to_end(again) == "succeeded"
    assert serves(world) == {"2"}


def test_a_rollback_after_success_is_not_in_the_way_of_one_that_was_tried_and_taken_back_since(world):
    released(world)
    swaps = world.target.kind.swaps
    free = Place.CANDIDATE if swaps else Place.PRODUCTION
    world.site.deploy(world.target, free, "3")
    tried = world.announce("3")
    world.run_until(lambda: len(serves(world)) == 2)
    world.override("rollback")
    assert world.run_to_end(tried) == "rolled-back"
    if swaps:
        assert world.app.views.application(SHOP)["warm"] is None
        with pytest.raises(RejectedError, match="its place was seen to serve 3: deploy it by name"):
            world.override("rollback")
        return
    world.site.deploy(world.target, free, "1")  # which has a revision of its own all the time
    back = world.override("rollback")
    assert world.run_to_end(back) == "succeeded"
    assert (serves(world), world.rollout(back)["version"]) == ({"1"}, "1")


def test_a_return_whose_place_was_overwritten_fails_at_once(world):
    released(world)
    world.site.deploy(world.target, Place.CANDIDATE if world.target.kind.swaps else Place.PRODUCTION, "3")
    begun = world.clock.time
    back = world.override("rollback")

    assert world.run_to_end(back) == "failed"
    assert "serves 3 where 1 was kept: deploy 1 by name" in world.rollout(back)["reason"]
    assert world.clock.time - begun < MINUTE
    assert serves(world) == {"2"}


def test_an_older_version_that_is_deployed_by_name_skips_what_was_proven_and_says_so(world):
    released(world)
    back = world.announce("1")

    assert world.run_to_end(back) == "succeeded"
    assert serves(world) == {"1"}
    entered = [line for line in world.events(back) if line["type"] == "StepEntered"]
    assert len(entered) == 1
    assert "was proven before: it goes at once" in entered[0]["because"]
    assert {line["share"] for line in world.events(back) if line["type"] == "WeightObserved"} <= {0, 100}


def test_it_is_looked_at_first_all_the_same(world):
    released(world)
    other = Place.CANDIDATE if world.target.kind.swaps else Place.PRODUCTION
    world.site.deploy(world.target, other, "1", healthy=False)
    back = world.announce("1")

    assert world.run_to_end(back) == "failed"
    assert "not healthy" in world.rollout(back)["reason"]
    assert serves(world) == {"2"}


def test_what_is_not_kept_warm_is_not_returned_to_in_one_hop_and_the_refusal_says_how_it_can_be(world):
    world.respec(keep_warm=timedelta(0), hooks=(hook("contract"),))
    released(world)
    world.run_for(MINUTE)

    assert called(world) == ["contract"]
    with pytest.raises(RejectedError, match="not kept warm any more: deploy it by name"):
        world.override("rollback")
    back = world.announce("1")
    world.run_until(lambda: len(serves(world)) == 2)
    assert world.run_to_end(back) == "succeeded"
    assert serves(world) == {"1"}


def test_a_return_keeps_the_schema_that_the_version_needs_until_it_has_ended(world):
    world.respec(keep_warm=timedelta(minutes=30), hooks=(hook("contract"),))
    released(world)
    world.override("freeze")
    back = world.announce("1")
    world.run_for(timedelta(hours=2))
    assert (called(world), world.phase(back)) == ([], "pending")

    world.site.fail("read_health")
    world.override("unfreeze")
    world.run_for(5 * MINUTE)
    assert (called(world), world.phase(back)) == ([], "progressing")
    assert world.run_to_end(back) == "failed"
    world.run_for(MINUTE)
    assert called(world) == ["contract"], "it is not on its way any more, and its time was over"


def test_who_rolls_back_in_a_freeze_is_taken_back_at_once(world):
    released(world)
    world.override("freeze")
    back = world.override("rollback")

    assert world.run_to_end(back) == "succeeded"
    assert serves(world) == {"1"}
    assert world.rollout(back)["frozen"] is False


def test_a_return_that_succeeds_takes_away_nothing(world):
    world.respec(keep_warm=timedelta(minutes=30), hooks=(hook("contract"),))
    released(world)
    back = world.override("rollback")
    assert world.run_to_end(back) == "succeeded"
    world.run_for(timedelta(hours=3))

    assert called(world) == []


def test_a_failed_return_that_is_tried_again_goes_at_once_too(world):
    released(world)
    world.site.fail("read_health")
    assert world.run_to_end(world.override("rollback")) == "failed"
    world.site.mend()
    again = world.override("retry")

    assert world.run_to_end(again) == "succeeded"
    assert serves(world) == {"1"}
    assert len(world.rollout(again)["plan"]) == 1, "the promotion is all of its plan"


def test_a_retry_after_a_failed_hook_calls_it_again_under_an_id_of_its_own(world):
    world.respec(hooks=(hook("expand"),))
    world.hooks.answer_at_once(BROKEN)
    rollout = world.deploy("2")
    assert world.run_to_end(rollout) == "failed"
    assert serves(world) == {"1"}

    world.hooks.answer_at_once(DONE)
    again = world.override("retry")
    assert world.run_to_end(again) == "succeeded"
    assert world.rollout(again)["origin"] == rollout
    assert len({each.call_id for each in world.hooks.called}) == len(world.hooks.called) == 2
    assert serves(world) == {"2"}


def test_after_success_there_is_nothing_to_retry(world):
    released(world)

    with pytest.raises(RejectedError, match="nothing to retry"):
        world.override("retry")


def test_a_rollback_takes_the_place_of_a_return_by_name_that_waits_for_the_unfreeze(world):
    released(world)
    world.override("freeze")
    by_name = world.announce("1")
    world.settle()

    back = world.override("rollback")
    assert world.run_to_end(back) == "succeeded"
    assert (serves(world), world.phase(by_name)) == ({"1"}, "aborted")


def test_where_nothing_can_be_taken_back_one_that_waits_is_left_to_wait(world):
    world.override("freeze")
    waiting = world.deploy("2")
    world.settle()
    with pytest.raises(RejectedError, match="only abort ends it"):
        world.override("rollback")

    world.override("unfreeze")
    assert world.run_to_end(waiting) == "succeeded"


def test_a_rollback_after_success_waits_for_nobody_s_deployment(world):
    released(world)
    world.override("freeze")
    waiting = world.announce("3")
    world.settle()

    back = world.override("rollback")
    assert world.run_to_end(back) == "succeeded", "and the application is frozen still"
    assert (world.phase(waiting), world.rollout(waiting)["reason"]) == ("aborted", f"superseded by {back}")
    assert world.app.views.application(SHOP)["last"]["version"] == "1"
