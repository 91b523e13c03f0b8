"""A process that performs one task of `make fuzz`: `python -m tests.fuzz.task_process TASK`, the task as JSON."""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict

from tests.fuzz import runs
from tests.fuzz.oracle import ROOT
from tests.fuzz.runs import Run, Task

LONGEST_WORDS = 500
"""Of what a process said before it failed, from the end: the last line of a group of errors is a ruler."""
GRACE_SECONDS = 900.0
"""How long a task may take beyond its time: to begin, to make findings small, and for mutations, which have no time."""


class TaskProcess:
    """One such process, which is under way from the beginning."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._latest = time.monotonic() + task.seconds + GRACE_SECONDS
        self._told, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - kept until it ends
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.task_process", json.dumps(asdict(task))],
            cwd=ROOT,
            stdout=self._told,
            stderr=self._errors,
            start_new_session=True,
        )

    def has_ended(self) -> bool:
        """Whether it did its work, or failed to. One that hangs where no alarm reaches it is ended."""
        if self._process.poll() is None and time.monotonic() > self._latest:
            self._kill()
        return self._process.poll() is not None

    def runs(self) -> list[Run]:
        """Return what came of it, once it has ended."""
        with self._told as told, self._errors as errors:
            told.seek(0)
            errors.seek(0)
            if self._process.returncode == 0:
                return [Run.of(each) for each in json.loads(told.read())]
            last = " ".join(errors.read().decode(errors="replace").split())[-LONGEST_WORDS:]
        late = " long after its time" if self._process.returncode == -signal.SIGKILL else ""
        trouble = f"ended with {self._process.returncode}{late}: {last}"
        return [Run(parser=self._task.name, how="", examples=0, seconds=0.0, trouble=trouble)]

    def end(self) -> None:
        """End it with all that it has begun."""
        self._kill()
        self._told.close()
        self._errors.close()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):  # all of it has ended by itself
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


if __name__ == "__main__":
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # the SDKs tell of each answer that they cannot read
    # What the API under test logs is none of the answer.
    json.dump([run.plain() for run in runs.perform(Task(**json.loads(sys.argv[1])))], sys.stdout)
