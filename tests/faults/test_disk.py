"""Disks that are full or read-only: refused with a clear word, nothing broken, and on it goes once they are mended."""

import time

from tests.faults.disks import full, read_only, small_disk, unchangeable
from tests.faults.moments import LOCK_SECONDS, aborts, assert_named, assert_told_to_come_again, released, told


def test_on_a_full_disk_commands_are_refused_with_503_and_go_through_when_there_is_room(run, data):
    with small_disk(data, "4m"):
        run.host.start()
        run.begin()
        rollout = released(run)
        with full(data):
            for _ in range(5):
                assert_told_to_come_again(told(run, "pause"))
            assert run.host.call("GET", f"/api/rollouts/{rollout}").status == 200
            time.sleep(3)

        # What was going on when the disk filled up does not wait for its lock to run out.
        aborts(run, rollout, data, within=LOCK_SECONDS - 5)
        assert_named(run, data / "store.db", "make room there")


def test_a_host_that_cannot_start_on_a_full_disk_says_so_and_goes_on_where_it_was_when_there_is_room(run, data):
    with small_disk(data, "4m"):
        run.host.start()
        run.begin()
        rollout = released(run)
        run.host.kill()
        with full(data):
            run.host.spawn()
            ended = run.host.process.wait(timeout=120)
            assert ended == 1
            assert_named(run, data / "queue.db", "make room there")
        run.host.start()

        aborts(run, rollout, data)


def test_files_that_may_not_be_changed_mean_503_until_they_may(run, data):
    run.host.start()
    run.begin()
    rollout = released(run)
    with unchangeable(*data.glob("store.db*")):
        for _ in range(5):
            assert_told_to_come_again(told(run, "pause"))

    aborts(run, rollout, data)
    assert_named(run, data / "store.db", "look at the disk under it")


def test_a_host_on_a_read_only_folder_says_which_and_goes_on_where_it_was_when_it_may_write(run, data):
    run.host.start()
    run.begin()
    rollout = released(run)
    run.host.kill()
    with read_only(data):
        run.host.spawn()
        assert run.host.process.wait(timeout=120) == 1
        assert_named(run, data / "queue.db", "writable for this process")
    run.host.start()

    aborts(run, rollout, data)


def test_a_host_whose_folder_cannot_be_made_says_which(run, data, tmp_path):
    with read_only(tmp_path):
        run.host.folder = data / "below"
        run.host.log = tmp_path.parent / f"{tmp_path.name}.log"
        run.host.spawn()
        assert run.host.process.wait(timeout=120) == 1
        assert_named(run, data / "below", "cannot be used")
