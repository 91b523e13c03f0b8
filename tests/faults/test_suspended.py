"""A host that stands still in the middle of its work while another one takes over, and then goes on where it stood."""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.host_process import HostProcess, settings_for
from tests.faults.moments import LOCK_SECONDS, PATIENCE, await_phase, is_sound
from tests.faults.outside import check_hooks, check_rollouts, check_sandbox, check_swaps, histories
from tests.faults.shop_run import Story, Told
from tests.ports import free_port
from tests.sandbox import running_cloud, wait_until


@pytest.fixture
def cloud(tmp_path):
    """A sandbox of its own, whose journal is looked at in the end."""
    with running_cloud(tmp_path / "cloud") as cloud:
        yield cloud


@pytest.fixture
def other(cloud, data, tmp_path) -> Iterator[HostProcess]:
    """A second host on the same files, not started yet."""
    other = HostProcess(data, settings_for(cloud.management), log=tmp_path / "other.log", port=free_port())
    yield other
    if other.process is not None:
        other.kill()


@pytest.fixture
def told(run) -> Told:
    """A healthy version that was announced a moment ago to a host that has just started."""
    run.host.start()
    run.begin()
    told = Told(Story.HEALTHY, "2", commands=["DeploymentAccepted"])
    run.control.deploy(told.version)
    announced = {"application": "shop", "version": told.version}
    told.rollout = run.host.insist("POST", "/api/deployments", announced).json()["rollout"]
    return told


def was_released_once(run, told, side, cloud, data) -> None:
    """All is as if there had been one host that never stood still."""
    await_phase(run, told.rollout, "succeeded")
    time.sleep(2)
    told.phase = "succeeded"
    events = histories(run.host, [told])
    checks = [
        *check_rollouts([told], events),
        *check_hooks([told], events, side),
        *check_sandbox([told], run.control),
    ]
    cloud.stop()
    checks += check_swaps([told], cloud.folder)
    assert [check for check in checks if check.wrong] == []
    assert "Traceback" not in run.host.log.read_text()
    is_sound(run, data)


def suspend_at_work(host, data) -> None:
    """Suspend the host in the middle of handling a message, and outside a transaction.

    One that stands still within a transaction keeps everybody out of the file, until it goes on or is killed.
    """
    ends = time.monotonic() + PATIENCE
    with closing(sqlite3.connect(f"file:{data / 'queue.db'}?mode=ro", uri=True)) as queue:
        while True:
            assert time.monotonic() < ends, host.last_words()
            if queue.execute("SELECT 1 FROM broker_messages WHERE lock_token IS NOT NULL").fetchone():
                host.suspend()
                if all(may_be_written(data / name) for name in ("queue.db", "store.db")):
                    return
                host.resume()
            time.sleep(0.002)


def may_be_written(file) -> bool:
    """Whether nobody is in the middle of a transaction."""
    with closing(sqlite3.connect(file, timeout=0.05, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


def handled_by(host) -> int:
    """Return how many wake-ups the host has handled to their end."""
    return host.log.read_text().count("wake_up took") if host.log.exists() else 0


def test_a_host_that_was_taken_for_dead_and_goes_on_does_nothing_a_second_time(run, told, other, side, cloud, data):
    chance = random.Random(5)
    for _ in range(3):
        suspend_at_work(run.host, data)
        before = handled_by(other)
        other.start()  # which ends whatever the one that stands still had locked
        wait_until(lambda before=before: handled_by(other) > before, within=PATIENCE)
        run.host.resume()
        time.sleep(chance.uniform(0.1, 1.0))
        other.kill()

    was_released_once(run, told, side, cloud, data)


@pytest.mark.long
def test_a_host_that_stands_still_for_longer_than_its_locks_is_stood_in_for(run, told, other, side, cloud, data):
    other.start()
    suspend_at_work(run.host, data)
    time.sleep(LOCK_SECONDS + 5)
    run.host.resume()

    was_released_once(run, told, side, cloud, data)
    assert handled_by(other) > 0
