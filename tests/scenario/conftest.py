"""A world for each test."""

import pytest

from tests.scenario.world import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
