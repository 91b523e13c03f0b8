"""Timer triggers."""

import json
import time
from datetime import timedelta

import azure.functions as func

from local.hosting.timer_functions import TimerMonitor
from tests.functions.sample_app.journal import behaviour, calls
from tests.functions.sample_host import running_host, utc_now


def status_file(folder, due):
    moment = due.isoformat()
    status = {"Last": moment, "LastUpdated": moment, "Next": moment}
    (folder / "timers.json").write_text(json.dumps({"tick": status}))


def test_a_timer_fires_on_its_schedule_with_the_object_of_microsofts_worker(tmp_path):
    with running_host(tmp_path, settings={"EVERY": "* * * * * *"}):
        first, second = calls.wait_for("tick", 2)

    assert isinstance(first, func.TimerRequest)
    assert first.past_due is False
    assert second.schedule == {"AdjustForDST": True}


def test_runs_of_one_timer_never_overlap(tmp_path):
    running, most = [], []

    def take_long():
        running.append(1)
        most.append(len(running))
        time.sleep(1.3)
        running.pop()

    with running_host(tmp_path, settings={"EVERY": "* * * * * *"}):
        behaviour.set("tick", take_long)
        calls.wait_for("tick", 2)

    assert max(most) == 1


def test_a_timer_goes_on_after_a_run_that_failed(tmp_path):
    def fail():
        raise RuntimeError("no")

    with running_host(tmp_path, settings={"EVERY": "* * * * * *"}):
        behaviour.set("tick", fail)
        calls.wait_for("tick", 2)


def test_a_run_that_was_missed_is_made_up_for_at_once_and_is_past_due(tmp_path):
    status_file(tmp_path, utc_now() - timedelta(hours=1))

    with running_host(tmp_path):
        (timer,) = calls.wait_for("tick", 1)

    assert timer.past_due is True
    assert timer.schedule_status["Last"] < utc_now().isoformat()


def test_a_timer_that_is_not_due_yet_does_not_fire_at_the_start(tmp_path):
    status_file(tmp_path, utc_now() + timedelta(hours=1))

    with running_host(tmp_path):
        time.sleep(0.2)

    assert calls.of("tick") == []


def test_the_next_occurrence_is_remembered_over_a_restart(tmp_path):
    with running_host(tmp_path):
        time.sleep(0.2)

    status = json.loads((tmp_path / "timers.json").read_text())["tick"]
    assert status["Next"] > utc_now().isoformat()
    assert status["Next"].endswith("T03:00:00+00:00")


def test_a_timer_whose_times_cannot_be_kept_goes_on_all_the_same(tmp_path):
    monitor = TimerMonitor(tmp_path / "not there" / "timers.json")

    monitor.write("sweep", {"Next": "2026-11-23T12:00:00+00:00"})

    assert monitor.read("sweep") == {"Next": "2026-11-23T12:00:00+00:00"}
