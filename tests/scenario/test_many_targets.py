"""What happens at the most targets at once, told to the most webhooks, fits one transaction."""

import pytest

from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import Weight
from tests.scenario.world import SITE, SPEC, World

ONE = f"  - {{name: web, kind: app-service-slot, resource: {SITE}, slot: candidate}}\n"
TEN = "".join(ONE.replace("name: web", f"name: web{n}").replace("sites/shop", f"sites/shop{n}") for n in range(10))
TOPICS = "[started, drift, rolled-back, failed, succeeded, stuck, paused, waiting, concern, aborted]"
HOOKS = "".join(f"  - {{name: n{n}, url: 'https://hooks.example/{n}', topics: {TOPICS}}}\n" for n in range(10))


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, SPEC.replace(ONE, TEN) + f"notifications:\n{HOOKS}", deploy_first=False)
    for target in world.spec.targets:
        world.site.deploy(target, Place.PRODUCTION, "1")
        world.site.deploy(target, Place.CANDIDATE, "2")
    return world


def moved_everywhere(world):
    for target in world.spec.targets:
        world.site.move_by_hand(target, Weight(33_000))


def test_weights_that_were_moved_everywhere_at_once_are_put_right_and_told_once(world):
    rollout = world.announce("2")
    world.run_until(lambda: world.share() == 25)
    told = len(world.notifier.posted)
    moved_everywhere(world)
    world.run_until(lambda: {world.site.read_share(target) for target in world.spec.targets} == {25_000})

    assert world.failures == []
    assert world.happened(rollout).count("DriftFound") == 10
    world.settle()
    assert len(world.notifier.posted) == told + 10


def test_weights_that_somebody_gave_everywhere_before_are_taken_back_first(world):
    moved_everywhere(world)
    rollout = world.announce("2")
    world.run_until(lambda: {world.site.read_share(target) for target in world.spec.targets} == {5_000})

    assert world.happened(rollout).count("DriftFound") == 10
    assert world.run_to_end(rollout) == "succeeded"
