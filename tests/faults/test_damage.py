"""Damaged files: named with what to do, never made worse, and on it goes from a backup, or without what is lost."""

import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from tests.faults.moments import aborts, assert_named, assert_told_to_come_again, await_phase, is_sound, released, told

GARBAGE = b"\xa5\x5a" * 2048
FRAME = 4096 + 24
"""Bytes of one page in SQLite's write-ahead log, with its header."""


def backup(data, to):
    """Copy the store as it stands, as a backup does."""
    with closing(sqlite3.connect(data / "store.db")) as store, closing(sqlite3.connect(to)) as copy:
        store.backup(copy)


def beside(file):
    return [file.with_name(file.name + suffix) for suffix in ("-wal", "-shm")]


def restore(backup, file):
    """Do what the error says."""
    for each in beside(file):
        each.unlink(missing_ok=True)
    shutil.copy(backup, file)


@pytest.mark.parametrize(
    "damage",
    [
        "garbage",
        pytest.param("cut in half", marks=pytest.mark.long),
        pytest.param("all but the first page", marks=pytest.mark.long),
    ],
)
def test_a_damaged_store_is_named_and_answers_503_and_a_backup_in_its_place_goes_on(run, data, tmp_path, damage):
    store = data / "store.db"
    run.host.start()
    run.begin()
    rollout = released(run)
    run.host.kill()
    backup(data, tmp_path / "backup.db")
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = store.read_bytes()
    match damage:
        case "garbage":
            damaged = GARBAGE * (len(content) // len(GARBAGE))
        case "cut in half":
            damaged = content[: len(content) // 2 // 4096 * 4096]
        case _:
            damaged = content[:4096] + GARBAGE * (len(content) // 4096 - 1)
    store.write_bytes(damaged)

    run.host.start()
    for _ in range(2):
        assert_told_to_come_again(told(run, "pause"))
    assert_told_to_come_again(run.host.call("GET", f"/api/rollouts/{rollout}"))
    assert_named(run, store, "put a backup in its place")
    run.host.stop()
    restore(tmp_path / "backup.db", store)
    run.host.start()

    aborts(run, rollout, data)


def test_a_store_whose_last_transactions_are_unreadable_goes_on_from_before_them(run, data):
    run.host.start()
    run.begin()
    rollout = released(run)
    time.sleep(1.5)
    run.host.kill()
    with (data / "store.db-wal").open("r+b") as log:
        log.seek(-2 * FRAME, 2)
        log.write(b"\0" * (2 * FRAME))

    run.host.start()

    aborts(run, rollout, data)


def test_a_damaged_queue_is_named_and_without_it_everything_is_found_again(run, data):
    queue = data / "queue.db"
    run.host.start()
    run.begin()
    rollout = released(run)
    run.host.kill()
    for each in beside(queue):
        each.unlink(missing_ok=True)
    queue.write_bytes(GARBAGE * 3)

    run.host.spawn()
    assert run.host.process.wait(timeout=120) == 1
    assert_named(run, queue, "move it away")
    assert queue.read_bytes() == GARBAGE * 3
    queue.unlink()
    run.host.start()

    aborts(run, rollout, data)


@pytest.mark.long
def test_what_waited_in_a_lost_queue_alone_is_woken_by_the_sweep(run, data):
    run.host.start()
    run.begin()
    rollout = released(run)
    run.host.kill()
    for file in (data / "queue.db", *beside(data / "queue.db")):
        file.unlink(missing_ok=True)

    run.host.start()

    await_phase(run, rollout, "succeeded", within=600)
    is_sound(run, data)
