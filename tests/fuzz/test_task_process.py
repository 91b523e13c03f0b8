"""A task of `make fuzz` is told of, whatever becomes of its process."""

import time

from tests.fuzz import task_process
from tests.fuzz.runs import MUTATIONS, Task
from tests.fuzz.task_process import TaskProcess


def task(name: str = MUTATIONS) -> Task:
    return Task(name=name, seconds=0, seed=1, count=10)


def awaited(process: TaskProcess) -> TaskProcess:
    ends = time.monotonic() + 120
    while not process.has_ended():
        assert time.monotonic() < ends
        time.sleep(0.05)
    return process


def test_what_a_task_did_is_told():
    (run,) = awaited(TaskProcess(task())).runs()

    assert (run.examples, run.trouble) == (10, "")


def test_a_task_that_fails_says_why():
    (run,) = awaited(TaskProcess(task("none"))).runs()

    assert "KeyError: 'none'" in run.trouble


def test_a_task_that_goes_on_long_after_its_time_is_ended_and_told_of(monkeypatch):
    monkeypatch.setattr(task_process, "GRACE_SECONDS", 0.0)

    (run,) = awaited(TaskProcess(task())).runs()

    assert "long after its time" in run.trouble


def test_a_task_that_has_ended_can_be_ended():
    process = awaited(TaskProcess(task()))

    process.end()
