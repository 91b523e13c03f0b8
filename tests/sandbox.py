"""The sandbox cloud as a fixture: `with running_cloud(tmp_path) as cloud: ...`, one process, stopped at the end."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP = "sandbox"
SITE = "shop"
SITE_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.Web/sites/{SITE}"
CANDIDATE_ID = f"{SITE_ID}/slots/candidate"
TOKEN = {"Authorization": "Bearer anything"}


@dataclass(frozen=True, slots=True)
class Got:
    """An HTTP answer; header names in lower case, a repeated header's last value."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def fetch(url: str, *, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None) -> Got:
    """One HTTP exchange, whatever its status."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, method=method, headers=headers or {})
    try:
        with urlopen(request, timeout=30) as answer:
            return Got(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except HTTPError as answer:
        with answer:
            return Got(answer.code, {k.lower(): v for k, v in answer.headers.items()}, answer.read())


@dataclass(frozen=True, slots=True)
class Control:
    """The sandbox's control API as methods; each raises AssertionError unless the answer is a success."""

    management: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        got = fetch(f"{self.management}/sandbox/{path}", method=method, body=body)
        assert got.status < 300, f"{method} {path}: {got.status} {got.body.decode()}"
        return got.json()

    def site(self, site: str = SITE) -> Any:
        return self.call("GET", f"sites/{site}")

    def deploy(
        self,
        version: str,
        *,
        error_rate: float = 0.0,
        latency_ms: float = 0.0,
        slot: str = "candidate",
        site: str = SITE,
    ) -> Any:
        body = {"version": version, "error_rate": error_rate, "latency_ms": latency_ms}
        return self.call("POST", f"sites/{site}/slots/{slot}/deploy", body)

    def kill(self, slot: str, site: str = SITE) -> Any:
        return self.call("POST", f"sites/{site}/slots/{slot}/kill")

    def traffic(self, site: str = SITE) -> Any:
        return self.call("GET", f"sites/{site}/traffic")

    def pinned(self, site: str = SITE) -> Any:
        return self.call("GET", f"sites/{site}/pinned")

    def start_load(self, **order: Any) -> str:
        """Begin a load and return its id."""
        return str(self.call("POST", "load", {"site": SITE, **order})["id"])

    def load(self, load_id: str) -> Any:
        return self.call("GET", f"load/{load_id}")

    def stop_load(self, load_id: str) -> Any:
        return self.call("DELETE", f"load/{load_id}")

    def run_load(self, *, within: float = 60.0, **order: Any) -> Any:
        """Send a load of known length and return what became of it."""
        load_id = self.start_load(**order)
        wait_until(lambda: self.load(load_id)["done"], within=within)
        return self.load(load_id)

    def add_fault(self, **fault: Any) -> Any:
        return self.call("POST", "faults", fault)

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def set_lag(self, seconds: float) -> None:
        self.call("POST", "metrics", {"lag_seconds": seconds})


class RunningCloud:
    """A sandbox process, with its addresses."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self._arguments = arguments
        self.start()

    def start(self) -> None:
        """Start it, or start it again after `kill`."""
        command = [sys.executable, "-m", "local.cloud", "--data", str(self.folder), "--lifeline", *self._arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready = _read_line(self.process, within=30.0)
        if not ready.startswith("ready "):
            self.kill()
            raise AssertionError(f"the sandbox said {ready!r} and ended with {self.process.returncode}")
        addresses = json.loads(ready.removeprefix("ready "))
        self.management: str = addresses["management"]
        self.edge: str = addresses["edge"]
        self.slots: dict[str, str] = addresses["slots"]
        self.control = Control(self.management)

    def set_weight(self, percentage: float) -> None:
        """Send so much of production's new traffic to the candidate slot, by a rule of that name."""
        host = self.slots["candidate"].removeprefix("http://")
        rule = {"name": "candidate", "actionHostName": host, "reroutePercentage": percentage}
        self._manage("PATCH", "config/web", {"properties": {"experiments": {"rampUpRules": [rule]}}})

    def begin_swap(self) -> str:
        """Begin to swap the candidate slot with production; return the URL that tells how far it is."""
        return self._manage("POST", "slotsswap", {"targetSlot": "candidate", "preserveVnet": True}).headers["location"]

    def swap(self) -> None:
        """Swap the candidate slot with production."""
        location = self.begin_swap()
        wait_until(lambda: fetch(location, headers=TOKEN).status == 200, within=30)

    def _manage(self, method: str, path: str, body: Any) -> Got:
        url = f"{self.management}{SITE_ID}/{path}?api-version=2025-05-01"
        got = fetch(url, method=method, body=body, headers=TOKEN)
        assert got.status < 300, f"{method} {path}: {got.status} {got.body.decode()}"
        return got

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """End it in order and return its exit code; harmless when it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(timeout=20)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return code


@contextmanager
def running_cloud(folder: Path, *, seed: int = 7, swap_seconds: float = 2.0) -> Iterator[RunningCloud]:
    """Run a sandbox whose state is in `folder`, on free ports, and stop it at the end."""
    cloud = RunningCloud(folder, "--seed", str(seed), "--swap-seconds", str(swap_seconds))
    try:
        yield cloud
    finally:
        cloud.stop()


def wait_until(condition: Any, *, within: float, every: float = 0.05) -> None:
    """Return once `condition()` is true; fail when it is not within so many seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not true within {within} s"
        time.sleep(every)


def is_running(process: int) -> bool:
    """Say whether a process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _read_line(process: "subprocess.Popen[bytes]", *, within: float) -> str:
    assert process.stdout is not None
    line, deadline = b"", time.monotonic() + within
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
        more = os.read(process.stdout.fileno(), 65536) if readable else b""
        if not more:
            break
        line += more
    return line.decode().strip()
