"""Taking users back little by little, where the stable version must not get everyone at once."""

from datetime import timedelta

import pytest

from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import Weight
from tests.scenario.test_by_weight import BY_WEIGHT
from tests.scenario.world import SPEC, World

BACK = "    rollback: {steps: [30, 10], every: 2m}\n"
MINUTE = timedelta(minutes=1)


def gradual(spec):
    return spec.replace("metrics:", f"{BACK}metrics:", 1)


@pytest.fixture(params=["slot", "weights"])
def world(request, tmp_path):
    return World(tmp_path, gradual(SPEC if request.param == "slot" else BY_WEIGHT))


def shares(world):
    """Every share that was asked for, in order."""
    return [int(call.detail) // 1000 for call in world.site.calls if call.method == "set_share"]


def times(world):
    return [call.at for call in world.site.calls if call.method == "set_share"]


@pytest.mark.parametrize(("at", "back"), [(50, [30, 10, 0]), (25, [10, 0]), (5, [0])])
def test_users_come_back_by_the_weights_that_are_below_the_present_one(world, at, back):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == at)
    world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    assert shares(world)[-len(back) :] == back
    assert world.share() == 0


def test_each_weight_on_the_way_back_lasts_its_time(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.override("rollback")
    world.run_to_end(rollout)

    first, second, last = times(world)[-3:]
    assert second - first >= 2 * MINUTE
    assert last - second >= 2 * MINUTE


def test_what_was_judged_bad_comes_back_by_the_same_weights(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.5)

    assert world.run_to_end(rollout) == "rolled-back"
    assert shares(world)[-3:] == [30, 10, 0]


def test_nobody_stays_with_a_place_that_was_overwritten(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.site.deploy(world.target, Place.CANDIDATE, "9")

    assert world.run_to_end(rollout) == "failed"
    assert shares(world)[-1] == 0
    assert 30 not in shares(world)


def test_a_way_back_that_takes_long_is_not_taken_for_one_that_hangs(tmp_path):
    slow = SPEC.replace("metrics:", "    rollback: {steps: [40, 30, 20, 10], every: 9m}\nmetrics:", 1)
    world = World(tmp_path, slow)
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    assert "StuckFlagged" not in world.happened(rollout)


def test_after_a_swap_everyone_goes_back_at_once(tmp_path):
    world = World(tmp_path, gradual(SPEC))
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2")
    world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.production() == "1"
    assert shares(world)[-1] == 0


def test_a_router_that_fails_on_the_way_back_is_tried_until_it_follows(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.override("rollback")
    world.site.fail("set_share", times=4)

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.share() == 0


def test_a_worker_that_starts_anew_goes_on_with_the_way_back(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.override("rollback")
    world.run_until(lambda: world.share() == 30)
    world.start()

    assert world.run_to_end(rollout) == "rolled-back"
    assert shares(world)[-3:] == [30, 10, 0]


def test_nobody_is_sent_to_a_sick_place_on_the_way_back_from_a_weight_that_was_never_reached(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.site.deploy(world.target, Place.CANDIDATE, "2", healthy=False)
    world.override("skip")
    world.run_until(lambda: world.rollout(rollout)["stuck"] is not None)
    asked = len(shares(world))
    world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    assert shares(world)[asked:] == [0]


def test_whom_somebody_took_back_by_hand_meanwhile_nobody_sends_there_again(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.override("rollback")
    world.run_until(lambda: world.share() == 30)
    world.site.move_by_hand(world.target, Weight(2_000))

    assert world.run_to_end(rollout) == "rolled-back"
    assert shares(world)[-2:] == [30, 0]
