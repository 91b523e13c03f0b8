"""A world for each test, in memory where that is to be had."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenario.world import World

MEMORY = Path("/dev/shm")
"""Every run commits a hundred times: on a disk that others use, waiting for it is nearly all that a test does."""


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="slipway-", dir=MEMORY))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
