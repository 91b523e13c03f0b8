"""Finding every process that a command started, however deep: they all inherit a mark in their environment."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

_NAME = "STARTED_BY_TEST"


def marked_environment(**more: str) -> dict[str, str]:
    """Return this process's environment with a fresh mark, and `more`."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **more, _NAME: uuid4().hex}


def processes_of(environment: Mapping[str, str]) -> dict[int, str]:
    """Return the living processes that carry the environment's mark: command lines by id."""
    mark = f"{_NAME}={environment[_NAME]}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended meanwhile, or is a zombie
    return found


def kill_all(environment: Mapping[str, str]) -> int:
    """End them all with SIGKILL, and return how many there were."""
    killed: set[int] = set()
    while remaining := processes_of(environment):
        for process in remaining:
            os.kill(process, signal.SIGKILL)
        killed |= set(remaining)
        time.sleep(0.02)
    return len(killed)
