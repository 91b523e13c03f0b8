"""The local stack: the sandbox cloud and the Functions host as processes of one folder, started and ended together."""

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
SHOP_SPEC = ROOT / "local" / "shop" / "slipway.yaml"
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class StackError(Exception):
    """The local stack cannot run; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the running stack can be reached."""

    url: str
    key: str
    cloud: str
    edge: str
    host: subprocess.Popen[str]
    sandbox: subprocess.Popen[str]

    def addresses(self) -> dict[str, str]:
        """Return what `serve.json` says."""
        return {"url": self.url, "key": self.key, "cloud": self.cloud, "edge": self.edge}

    def dead(self) -> str | None:
        """Name the process that ended by itself, or None."""
        for name, process in (("the Functions host", self.host), ("the sandbox cloud", self.sandbox)):
            if process.poll() is not None:
                return f"{name} ended with exit code {process.returncode}"
        return None


@contextmanager
def running_stack(data: Path, *, port: int = 0, seed: int = 0) -> Iterator[Stack]:
    """Run the stack on the state in `data`, which survives any end of it; nothing is left running after.

    Raises `StackError` when a part does not start.
    """
    data.mkdir(parents=True, exist_ok=True)
    key = _kept_key(data / "operator-key")
    with _process("local.cloud", data / "cloud.log", "--data", str(data / "cloud"), "--seed", str(seed)) as sandbox:
        addresses = json.loads(_ready(sandbox, "the sandbox cloud", data / "cloud.log"))
        settings = _settings(data, key, addresses["management"])
        arguments = ("--data", str(data), "--port", str(port))
        with _process("local.host", data / "host.log", *arguments, env=settings) as host:
            url = _ready(host, "the Functions host", data / "host.log")
            stack = Stack(url, key, addresses["management"], addresses["edge"], host, sandbox)
            _register_shop(stack)
            yield stack


def _settings(data: Path, key: str, management: str) -> dict[str, str]:
    """Return the app settings that point the real app at the sandbox."""
    return {
        **os.environ,
        "SLIPWAY_DATA": str(data),
        "SLIPWAY_COMMANDS_QUEUE": "slipway-commands",
        "SLIPWAY_ALERTS_QUEUE": "slipway-alerts",
        "SLIPWAY_MANAGEMENT_URL": management,
        "SLIPWAY_METRICS_URL": management,
        "SLIPWAY_ACCESS_TOKEN": "sandbox",
        "SLIPWAY_ALLOW_HTTP": "true",
        "SLIPWAY_KEYS": f"operator={key}",
        "SLIPWAY_SOURCE_KEYS": f"azure-monitor={_kept_key(data / 'azure-monitor-key')}",
    }


def _kept_key(path: Path) -> str:
    """Return the key in the file, made on the first start; only its owner may read it."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text()


@contextmanager
def _process(
    module: str, log: Path, *arguments: str, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, "--lifeline"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ready(process: subprocess.Popen[str], what: str, log: Path) -> str:
    """Return what the process says behind the word `ready`."""
    assert process.stdout is not None
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        if select.select([process.stdout], [], [], 0.2)[0]:
            word, _, rest = process.stdout.readline().strip().partition(" ")
            if word == "ready":
                return rest
    raise StackError(f"{what} did not start; the end of {log}:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _register_shop(stack: Stack) -> None:
    """Register the sandbox's application; a spec that somebody changed since stays."""
    headers = {"X-API-Key": stack.key, "Content-Type": "application/yaml"}
    address = f"{stack.url}/api/applications/shop"
    try:
        with urlopen(Request(address, headers=headers), timeout=10):
            return
    except HTTPError as error:
        if error.code != 404:
            raise StackError(f"the API answers {error.code} when asked for the shop") from error
    try:
        urlopen(Request(address, SHOP_SPEC.read_bytes(), headers, method="PUT"), timeout=10).close()
    except (HTTPError, URLError) as error:
        raise StackError(f"the shop's spec was not taken: {error}") from error
