"""A resource that is not there ends the rollout, and not the application."""

from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError
from shared.domain.rollout.spec import Place
from tests.scenario.test_by_weight import BY_WEIGHT
from tests.scenario.world import SPEC, World

GONE = RejectedError("404: the resource does not exist")


@pytest.mark.parametrize("spec", [SPEC, BY_WEIGHT], ids=["slot", "weights"])
def test_a_target_that_does_not_exist_fails_the_rollout_and_the_next_one_starts(tmp_path, spec):
    world = World(tmp_path, spec)
    for method in ("find_places", "read_version", "read_health", "read_share", "read_swap", "set_share"):
        world.site.fail(method, GONE)
    first = world.deploy("2")

    assert world.run_to_end(first) == "failed"
    reason = world.rollout(first)["reason"]
    assert "nobody was sent to it; the target refused: " in reason
    assert "the resource does not exist" in reason

    world.site.mend()
    world.site.deploy(world.target, Place.CANDIDATE, "3")
    assert world.run_to_end(world.announce("3")) == "succeeded"


def test_where_users_were_sent_a_refusal_on_the_way_back_never_ends_it(tmp_path):
    world = World(tmp_path, SPEC)
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.override("rollback")
    world.site.fail("read_share", GONE)
    world.site.fail("set_share", GONE)
    world.run_for(timedelta(minutes=20))

    assert world.phase(rollout) == "stuck"
    world.site.mend()
    assert world.run_to_end(rollout) == "rolled-back"
