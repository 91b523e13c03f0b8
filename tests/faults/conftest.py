"""A sandbox that the tests of one file share, and a host of its own for each."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.hook_side import HookSide, answering
from tests.faults.host_process import HostProcess, settings_for
from tests.faults.shop_run import ShopRun
from tests.ports import free_port
from tests.sandbox import RunningCloud, running_cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def side() -> Iterator[HookSide]:
    with answering(HookSide()) as side:
        yield side


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of the host's state; its log is kept beside it."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def host(cloud: RunningCloud, data: Path, tmp_path: Path) -> Iterator[HostProcess]:
    host = HostProcess(data, settings_for(cloud.management), log=tmp_path / "host.log", port=free_port())
    yield host
    host.kill()


@pytest.fixture
def run(host: HostProcess, cloud: RunningCloud, side: HookSide) -> ShopRun:
    return ShopRun(host, cloud.control, side.url, random.Random(1))
