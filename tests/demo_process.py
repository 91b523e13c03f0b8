"""`python -m local.demo` as a process, with a folder for temporary files of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.marked_processes import kill_all, marked_environment, processes_of

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Demo:
    """A demo that was begun."""

    process: "subprocess.Popen[bytes]"
    output: Path
    temporary: Path
    environment: dict[str, str]

    @property
    def text(self) -> str:
        return self.output.read_text()

    def had_not_begun(self) -> bool:
        """Whether SIGINT found Python itself on its way to the first line of the demo: then it exits with 1."""
        began = str(ROOT / "local") in self.text
        return self.process.returncode == 1 and "KeyboardInterrupt" in self.text and not began

    def left_behind(self):
        return processes_of(self.environment), list(self.temporary.iterdir())


@contextmanager
def demos(folders: pytest.TempPathFactory) -> Iterator[Callable[..., Demo]]:
    """Give a function that begins a demo; at the end nothing of them is left."""
    started: list[Demo] = []

    def start(*arguments: str) -> Demo:
        temporary, output = folders.mktemp("temporary"), folders.mktemp("demo") / "output"
        environment = marked_environment(TMPDIR=str(temporary))
        command = [sys.executable, "-m", "local.demo", *arguments]
        with output.open("wb") as file:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )
        started.append(Demo(process, output, temporary, environment))
        return started[-1]

    yield start
    for demo in started:
        kill_all(demo.environment)
        demo.process.wait()
