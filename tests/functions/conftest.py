"""A world whose release sends users to the candidate, and an API on the same files."""

import pytest

from tests.functions.api_client import running_api
from tests.functions.present_world import present_world


@pytest.fixture
def world(tmp_path):
    return present_world(tmp_path)


@pytest.fixture
def live(world):
    """A rollout that sends users to version 2; the look-up rows of its resources are written."""
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["weight"] > 0)
    world.settle()
    return rollout


@pytest.fixture
def api(world, tmp_path):
    with running_api(tmp_path) as api:
        yield api
