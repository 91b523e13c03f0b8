"""Everyone is switched at once, after the idle side was seen to be well, and back in one hop."""

from datetime import timedelta

import pytest

from shared.domain.rollout.spec import Place
from tests.scenario.test_by_weight import APP_TARGET, WEB_TARGET
from tests.scenario.world import SPEC, World

CANARY = SPEC[SPEC.index("  canary:") : SPEC.index("metrics:")]
SWITCH = "  blueGreen:\n    bake: {min: 5m, max: 30m}\n"
PREVIEW = """  blueGreen:
    preview:
      bake: {min: 3m, max: 30m}
      gate: {name: qa, timeout: 2h}
    bake: {min: 5m, max: 30m}
"""


def spec(strategy=SWITCH, target=WEB_TARGET):
    return SPEC.replace(CANARY, strategy).replace(WEB_TARGET, target)


@pytest.fixture(params=["slot", "weights"])
def world(request, tmp_path):
    return World(tmp_path, spec(target=WEB_TARGET if request.param == "slot" else APP_TARGET))


def serves(world) -> str:
    """The version that a new user gets."""
    everyone_at_second = world.site.read_share(world.target) == 100_000
    return world.site.read_version(world.target, Place.CANDIDATE if everyone_at_second else Place.PRODUCTION)


def shares(world) -> set[int]:
    """Every share that was asked for."""
    return {int(call.detail) for call in world.site.calls if call.method == "set_share"}


def test_everyone_is_switched_at_once(world):
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    assert serves(world) == "2"
    assert shares(world) <= {0, 100_000}


def test_what_is_bad_after_the_switch_goes_back_in_one_hop(world):
    rollout = world.deploy("2")
    world.run_until(lambda: serves(world) == "2")
    place = Place.PRODUCTION if world.target.kind.swaps else Place.CANDIDATE
    world.site.deploy(world.target, place, "2", error_rate=0.6)

    assert world.run_to_end(rollout) == "rolled-back"
    assert serves(world) == "1"
    assert shares(world) <= {0, 100_000}


def test_nobody_is_switched_to_a_side_that_is_not_well_often_enough_in_a_row(tmp_path):
    often = WEB_TARGET.replace("slot: candidate", "slot: candidate, health: {passes: 4, every: 30s}")
    world = World(tmp_path, spec(target=often))
    world.deploy("2")
    world.run_for(timedelta(seconds=75))
    world.site.deploy(world.target, Place.CANDIDATE, "2", healthy=False)
    world.run_for(timedelta(seconds=30))
    world.site.deploy(world.target, Place.CANDIDATE, "2")
    well_again = world.clock.time

    world.run_until(lambda: world.site.read_version(world.target, Place.PRODUCTION) == "2")

    assert world.clock.time - well_again >= timedelta(seconds=90)


def test_while_it_warms_up_the_wait_says_how_far_it_is(tmp_path):
    often = WEB_TARGET.replace("slot: candidate", "slot: candidate, health: {passes: 4, every: 1m}")
    world = World(tmp_path, spec(target=often))
    rollout = world.deploy("2")
    world.run_for(timedelta(seconds=70))

    assert world.rollout(rollout)["reason"] == "preflight: web: 2 of 4 looks well"


def with_testers(world, requests_per_minute):
    """Testers send their requests to the candidate's own place, past the rules."""
    world.site.pin(world.target, round(100_000 * requests_per_minute / (20 * 60)))


def test_a_preview_is_judged_on_what_testers_send_and_waits_for_a_person(tmp_path):
    world = World(tmp_path, spec(PREVIEW))
    with_testers(world, 30)
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "waiting")

    assert "StepPassed" in world.happened(rollout)
    assert serves(world) == "1"
    world.override("approve")
    assert world.run_to_end(rollout) == "succeeded"


def test_a_preview_that_testers_find_bad_never_meets_a_user(tmp_path):
    world = World(tmp_path, spec(PREVIEW))
    with_testers(world, 60)
    rollout = world.deploy("2", error_rate=0.4)

    assert world.run_to_end(rollout) == "rolled-back"
    assert "SwapBegun" not in world.happened(rollout)
    assert shares(world) <= {0}


def test_a_preview_that_nobody_tests_is_not_passed(tmp_path):
    world = World(tmp_path, spec(PREVIEW))
    rollout = world.deploy("2")
    world.run_for(timedelta(hours=1, minutes=30))

    assert serves(world) == "1"
    assert "StepPassed" not in world.happened(rollout)


def test_a_gate_of_a_preview_that_is_rejected_ends_without_a_switch(tmp_path):
    world = World(tmp_path, spec(PREVIEW))
    with_testers(world, 30)
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "waiting")
    world.override("reject")

    assert world.run_to_end(rollout) == "aborted"
    assert serves(world) == "1"
