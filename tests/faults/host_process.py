"""The Functions host as a process of its own on one folder, to be killed, suspended and started again."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.sandbox import ROOT, Got, fetch

KEY = "a-key-for-this-test-only"
HEADERS = {"X-API-Key": KEY}
NOT_THERE = (OSError, EOFError)
"""What a client meets while the host is down or dies in the middle of an answer."""


def settings_for(management: str, **more: str) -> dict[str, str]:
    """Return the app settings that point the real app at a sandbox."""
    return {
        "SLIPWAY_MANAGEMENT_URL": management,
        "SLIPWAY_METRICS_URL": management,
        "SLIPWAY_ACCESS_TOKEN": "sandbox",
        "SLIPWAY_ALLOW_HTTP": "true",
        "SLIPWAY_KEYS": f"operator={KEY}",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        **more,
    }


class HostProcess:
    """`python -m local.host` on one folder; on the same port at each start, once it has one."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        *,
        log: Path | None = None,
        before: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        """`before` is what stands before `python` on the command line; the log may be kept outside `folder`."""
        self.folder, self.port = folder, port
        self.log = log or folder / "host.log"
        self._settings = settings
        self._before = before
        self.process: subprocess.Popen[str] | None = None

    def spawn(self) -> None:
        """Start the process and do not wait for it."""
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(
                [
                    *(*self._before, sys.executable, "-m", "local.host", "--data", str(self.folder)),
                    *("--port", str(self.port), "--lifeline", "--stop-grace", "2"),
                ],
                cwd=ROOT,
                env={**os.environ, **self._settings},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def await_ready(self, within: float = 180.0) -> None:
        """Return when it takes requests, messages and time."""
        assert self.process is not None
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], within)
        line = self.process.stdout.readline() if ready else ""
        assert line.startswith("ready "), f"the host said {line!r}; its log ends with:\n{self.last_words()}"
        self.port = int(line.rpartition(":")[2])

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.spawn()
        self.await_ready()

    def kill(self) -> None:
        """End it as `kill -9` does. Harmless when it has ended."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it in order, and return its exit code."""
        return self._end(signal.SIGTERM)

    def suspend(self) -> None:
        """Let it stand still in the middle of whatever it does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on where it stands."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-4000:]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Got:
        """Ask its API once. Raises one of `NOT_THERE` where nobody answers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            return fetch(f"http://127.0.0.1:{self.port}{path}", method=method, body=body, headers=HEADERS | named)
        except ConnectionError:
            raise
        except Exception as error:
            raise EOFError(f"{method} {path}: {error}") from error

    def insist(self, method: str, path: str, body: Any = None, *, within: float = 120.0, **headers: str) -> Got:
        """Ask until somebody answers with anything but 503, as a patient client does."""
        ends = time.monotonic() + within
        while True:
            try:
                got = self.call(method, path, body, **headers)
            except NOT_THERE as error:
                got, why = None, str(error)
            else:
                why = f"{got.status} {got.body.decode(errors='replace')}"
                if got.status != 503:
                    return got
            assert time.monotonic() < ends, f"{method} {path} not answered in {within:g} s: {why}\n{self.last_words()}"
            time.sleep(0.1)

    def _end(self, by: signal.Signals) -> int:
        process = self.process
        assert process is not None
        if process.poll() is None:
            process.send_signal(by)
        code = process.wait(timeout=30)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        return code
