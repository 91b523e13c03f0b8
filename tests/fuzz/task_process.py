"""A process that performs one task of `make fuzz`: `python -m tests.fuzz.task_process TASK`, the task as JSON."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict

from tests.fuzz import runs
from tests.fuzz.oracle import ROOT
from tests.fuzz.runs import Run, Task


class TaskProcess:
    """One such process, which is under way from the beginning."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._told, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - kept until it ends
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.task_process", json.dumps(asdict(task))],
            cwd=ROOT,
            stdout=self._told,
            stderr=self._errors,
            start_new_session=True,
        )

    def has_ended(self) -> bool:
        """Whether it did its work, or failed to."""
        return self._process.poll() is not None

    def runs(self) -> list[Run]:
        """Return what came of it, once it has ended."""
        with self._told as told, self._errors as errors:
            told.seek(0)
            errors.seek(0)
            if self._process.returncode == 0:
                return [Run.of(each) for each in json.loads(told.read())]
            last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        trouble = f"ended with {self._process.returncode}: {last[:200]}"
        return [Run(parser=self._task.name, how="", examples=0, seconds=0.0, trouble=trouble)]

    def end(self) -> None:
        """End it with all that it has begun."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._told.close()
        self._errors.close()


if __name__ == "__main__":
    # What the API under test logs is none of the answer.
    json.dump([run.plain() for run in runs.perform(Task(**json.loads(sys.argv[1])))], sys.stdout)
