"""The threads that functions run in, bounded like the thread pool of Azure's Python worker.

`concurrent.futures.ThreadPoolExecutor` is not used because the interpreter joins its threads at exit: one
hung function would keep the host from stopping. These threads are daemons.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from time import monotonic
from typing import Any

SIZE_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"


def size_from(settings: Mapping[str, str]) -> int:
    """Return the pool's size as the worker reads it; without the setting, Python's own default for pools."""
    text = settings.get(SIZE_SETTING, str(min(32, (os.cpu_count() or 1) + 4)))
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise ValueError(f"{SIZE_SETTING} must be a number of at least 1, not {text!r}")
    return int(text)


class WorkersClosedError(RuntimeError):
    """The host has stopped: nothing is called any more."""


class WorkerThreads:
    """Runs jobs in at most `size` threads, first come first served."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._idle = 0
        self._threads = 0
        self._running = 0
        self._closed = False

    def submit(self, job: Callable[[], Any]) -> "Future[Any]":
        """Queue the job. Its future holds its result or its exception; Raises `WorkersClosedError`."""
        future: Future[Any] = Future()
        with self._changed:
            if self._closed:
                raise WorkersClosedError("the host has stopped")
            self._jobs.append(lambda: _settle(future, job))
            if self._idle < len(self._jobs) and self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._work, name=f"function-{self._threads}", daemon=True).start()
            self._changed.notify()
        return future

    def drain(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until nothing runs or waits, and say whether it came to that."""
        deadline = monotonic() + timeout
        with self._changed:
            while self._running or self._jobs:
                if not self._changed.wait(deadline - monotonic()) and monotonic() >= deadline:
                    return False
        return True

    def close(self) -> None:
        """Take no more jobs; threads end when they are idle."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            job()
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _next_job(self) -> Callable[[], None] | None:
        with self._changed:
            self._idle += 1
            while not self._jobs and not self._closed:
                self._changed.wait()
            self._idle -= 1
            if self._closed:
                return None
            self._running += 1
            return self._jobs.popleft()


def _settle(future: "Future[Any]", job: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it, whatever it is
        future.set_exception(error)
    else:
        future.set_result(result)
