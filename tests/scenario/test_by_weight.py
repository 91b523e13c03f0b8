"""Targets where nothing is swapped: two places take turns, and a promotion sends everyone to the candidate's."""

from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.spec import Located, Place
from shared.domain.rollout.weight import NONE, Weight
from tests.scenario.world import SITE, SPEC, World

APP = SITE.replace("Microsoft.Web/sites", "Microsoft.App/containerApps")
APP_TARGET = f"{{name: app, kind: container-app, resource: {APP}}}"
WEB_TARGET = f"{{name: web, kind: app-service-slot, resource: {SITE}, slot: candidate}}"
PATIENT = SPEC.replace("max: 30m}\n", "max: 30m}\n    promotion: {bake: {min: 10m, max: 1h}}\n", 1)
BY_WEIGHT = PATIENT.replace(WEB_TARGET, APP_TARGET)
LOGS = "source: {kind: log-analytics, workspace: 11111111-2222-3333-4444-555555555555}"
BOTH = PATIENT.replace(WEB_TARGET, f"{WEB_TARGET}\n  - {APP_TARGET}").replace("lag: 2m}", f"lag: 2m, {LOGS}}}")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, BY_WEIGHT)


def weights(world, rollout):
    """Every weight that was seen, in order."""
    return [line["share"] for line in world.events(rollout) if line["type"] == "WeightObserved"]


def to_green(world) -> float:
    return world.share()


def test_a_healthy_candidate_gets_everyone_where_it_is(world):
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    assert to_green(world) == 100
    assert "SwapBegun" not in world.happened(rollout)
    assert not [call for call in world.site.calls if call.method in ("begin_swap", "read_swap")]


def test_some_are_held_back_while_the_promoted_version_bakes(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "promoting")
    world.run_for(timedelta(minutes=3))

    assert to_green(world) == 95
    world.run_to_end(rollout)
    assert to_green(world) == 100


def test_the_next_candidate_comes_to_the_other_place(world):
    world.run_to_end(world.deploy("2"))
    world.site.deploy(world.target, Place.PRODUCTION, "3")  # the first place, which is free by now

    third = world.announce("3")

    assert world.run_to_end(third) == "succeeded"
    assert to_green(world) == 0
    assert {line["version"] for line in world.events(third) if line["type"] == "DeploymentAccepted"} == {"3"}


@pytest.mark.parametrize("at", [5, 25, 50, 95])
def test_a_bad_candidate_is_taken_back_from_every_weight(world, at):
    rollout = world.deploy("2")
    world.run_until(lambda: to_green(world) == at)
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.5)

    assert world.run_to_end(rollout) == "rolled-back"
    assert to_green(world) == 0
    assert weights(world, rollout)[-1] == 0


@pytest.mark.parametrize("at", [5, 25, 50, 95])
def test_a_person_takes_it_back_from_every_weight(world, at):
    rollout = world.deploy("2")
    world.run_until(lambda: to_green(world) == at)
    world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    assert to_green(world) == 0
    assert world.rollout(rollout)["targets"][0]["production_serves"] == "stable"


def test_abort_is_refused_once_everyone_was_sent_to_the_candidate(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "promoting")

    with pytest.raises(RejectedError, match="use rollback"):
        world.override("abort")


def test_after_success_a_rollback_brings_the_version_before_back_in_one_hop(world):
    world.run_to_end(world.deploy("2"))
    before = world.clock.time

    back = world.override("rollback")
    assert back is not None
    world.run_until(lambda: to_green(world) == 0, timedelta(minutes=5))

    assert world.clock.time - before < timedelta(minutes=1)
    assert world.run_to_end(back) == "succeeded"


def test_most_users_are_not_sent_back_to_a_stable_version_that_is_gone(world):
    rollout = world.deploy("2")
    world.run_until(lambda: to_green(world) == 95)
    world.site.deploy(world.target, Place.PRODUCTION, "1", healthy=False)
    world.override("rollback")
    world.run_for(timedelta(minutes=5))

    assert world.phase(rollout) == "stuck"
    assert to_green(world) == 95
    assert "not healthy" in world.rollout(rollout)["stuck"]

    world.site.deploy(world.target, Place.PRODUCTION, "1")
    assert world.run_to_end(rollout) == "rolled-back"
    assert to_green(world) == 0


def test_a_candidate_whose_place_is_not_there_yet_is_waited_for_and_the_wait_says_so(world):
    world.site.fail("find_places", TryLaterError("no revision of version 2 is ready yet"))
    rollout = world.deploy("2")
    world.run_for(timedelta(minutes=2))

    assert "no revision of version 2 is ready yet" in world.rollout(rollout)["reason"]
    world.site.mend()
    assert world.run_to_end(rollout) == "succeeded"


def test_places_that_a_person_must_mend_first_end_the_rollout_with_the_fix(world):
    world.site.fail("find_places", RejectedError("one revision at a time: set activeRevisionsMode to Multiple"))
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "failed"
    assert "set activeRevisionsMode to Multiple" in world.rollout(rollout)["reason"]
    assert to_green(world) == 0


def test_what_was_assumed_to_find_the_places_is_said(world):
    located = Located(stable="blue", candidate="green", says="traffic was pinned to blue")
    world.site.find_places = lambda target, candidate: located
    rollout = world.deploy("2")
    world.run_until(lambda: to_green(world) == 5)

    places = world.rollout(rollout)["targets"][0]["places"]
    assert (places["stable"], places["candidate"]) == ("blue", "green")
    assert places["says"] == "traffic was pinned to blue"


def test_weight_that_somebody_gave_the_candidate_before_is_taken_back_first(world):
    world.site.move_by_hand(world.target, Weight(20_000))
    rollout = world.deploy("2")
    world.run_until(lambda: to_green(world) == 0, timedelta(minutes=2))

    assert world.run_to_end(rollout) == "succeeded"


def test_drift_is_put_right_while_the_candidate_is_promoted(world):
    rollout = world.deploy("2")
    world.run_until(lambda: to_green(world) == 95)
    world.site.move_by_hand(world.target, Weight(40_000))
    world.run_for(timedelta(minutes=4))

    assert to_green(world) == 95
    assert "DriftFound" in world.happened(rollout)


def test_a_step_is_not_judged_before_clients_can_have_followed_its_weight(tmp_path):
    world = World(tmp_path, BY_WEIGHT)
    world.site.slow_clients = (timedelta(minutes=5), timedelta(minutes=5))
    rollout = world.deploy("2")
    world.run_until(lambda: to_green(world) == 5)
    shifted = world.clock.time
    world.run_until(lambda: to_green(world) == 25)

    assert world.clock.time - shifted >= timedelta(minutes=5 + 2)
    world.override("rollback")
    world.run_to_end(rollout)
    view = world.rollout(rollout)
    assert view["pinned_until"] is not None


def test_where_no_client_stays_nothing_is_said_of_pinned_users(world):
    rollout = world.deploy("2", error_rate=0.9)
    world.run_to_end(rollout)

    assert world.rollout(rollout)["pinned_until"] is None


def test_two_targets_of_different_kinds_go_through_one_plan_together(tmp_path):
    world = World(tmp_path, BOTH, deploy_first=False)
    web, app = world.spec.targets
    for target in (web, app):
        world.site.deploy(target, Place.PRODUCTION, "1")
        world.site.deploy(target, Place.CANDIDATE, "2")

    rollout = world.announce("2")
    world.run_until(lambda: world.site.read_share(web) == 50_000)
    assert world.site.read_share(app) == 50_000
    assert world.run_to_end(rollout) == "succeeded"

    assert world.site.read_version(web, Place.PRODUCTION) == "2"
    assert (world.site.read_share(web), world.site.read_share(app)) == (0, 100_000)


@pytest.mark.parametrize("bad", [0, 1])
@pytest.mark.parametrize("when", ["progressing", "promoting"])
def test_what_one_kind_finds_takes_both_back(tmp_path, bad, when):
    world = World(tmp_path, BOTH, deploy_first=False)
    web, app = world.spec.targets
    for target in (web, app):
        world.site.deploy(target, Place.PRODUCTION, "1")
        world.site.deploy(target, Place.CANDIDATE, "2")
    rollout = world.announce("2")
    world.run_until(lambda: world.phase(rollout) == when and world.share() > 0)
    world.run_for(timedelta(minutes=2))
    ill = world.spec.targets[bad]
    swapped = ill is web and world.site.read_version(web, Place.PRODUCTION) == "2"
    world.site.deploy(ill, Place.PRODUCTION if swapped else Place.CANDIDATE, "2", error_rate=0.9)

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.site.read_version(web, Place.PRODUCTION) == "1"
    assert (world.site.read_share(web), world.site.read_share(app)) == (NONE, NONE)
