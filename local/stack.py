"""The local stack: the sandbox cloud and the Functions host as processes of one folder, started and ended together."""

import errno
import fcntl
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.interruption import Interruption
from local.json_calls import NoAnswerError, exchange
from local.private_file import write_private

ROOT = Path(__file__).resolve().parent.parent
SHOP_SPEC = ROOT / "local" / "shop" / "slipway.yaml"
NO_SETTINGS: Final[Mapping[str, str]] = {}
KEYED_SOURCES = ("azure-monitor", "observations", "flagger", "hooks")
"""Each has a key of its own, in a file of the data folder named after it."""
START_SECONDS = 60.0
STOP_SECONDS = 15.0
LEAVE_SECONDS = 15.0
"""How long an earlier stack on the same folder, whose starter was killed, gets to end by itself."""
_ROOM_BYTES: Final = 65_536
"""A disk with less than this takes no more of anything."""


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
    data: Path
    """The folder of its state, keys and logs."""

    def addresses(self) -> dict[str, str]:
        """Return what `serve.json` says."""
        return {"url": self.url, "key": self.key, "cloud": self.cloud, "edge": self.edge}

    def source_key(self, source: str) -> str:
        """Return the key of one of `KEYED_SOURCES`."""
        return (self.data / f"{source}-key").read_text()

    def dead(self) -> str | None:
        """Name the process that ended by itself, or None."""
        for name, process in (("the Functions host", self.host), ("the sandbox cloud", self.sandbox)):
            if process.poll() is not None:
                return f"{name} ended with exit code {process.returncode}"
        return None


@contextmanager
def running_stack(
    data: Path,
    stop: Interruption,
    *,
    port: int = 0,
    seed: int = 0,
    settings: Mapping[str, str] = NO_SETTINGS,
    has_shop: bool = True,
) -> Iterator[Stack]:
    """Run the stack on the state in `data`, which survives any end of it; nothing is left running after.

    The sandbox's application is registered where it is not yet, unless not `has_shop`: then the account is as it was.
    `settings` are app settings beside those that point the app at the sandbox.
    Raises `StackError` when a part does not start or another stack works in `data`, `InterruptedBySignal` when told
    to end meanwhile.
    """
    data = data.resolve()
    with _sole_user(data, stop) as lock:
        key = _own_key(data)
        arguments = ("--data", str(data / "cloud"), "--seed", str(seed))
        with running_process("local.cloud", data / "cloud.log", *arguments, keep=lock) as sandbox:
            addresses = json.loads(ready_words(sandbox, "the sandbox cloud", data / "cloud.log", stop))
            env = {**_settings(data, key, addresses["management"]), **settings}
            arguments = ("--data", str(data), "--port", str(port))
            with running_process("local.host", data / "host.log", *arguments, keep=lock, env=env) as host:
                url = ready_words(host, "the Functions host", data / "host.log", stop)
                stack = Stack(url, key, addresses["management"], addresses["edge"], host, sandbox, data)
                if has_shop:
                    _register_shop(stack)
                yield stack


def _settings(data: Path, key: str, management: str) -> dict[str, str]:
    """Return the app settings that point the real app at the sandbox."""
    direct = ",".join(filter(None, ("127.0.0.1", os.environ.get("NO_PROXY") or os.environ.get("no_proxy"))))
    return {
        **os.environ,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "SLIPWAY_DATA": str(data),
        "SLIPWAY_COMMANDS_QUEUE": "slipway-commands",
        "SLIPWAY_ALERTS_QUEUE": "slipway-alerts",
        "SLIPWAY_MANAGEMENT_URL": management,
        "SLIPWAY_METRICS_URL": management,
        "SLIPWAY_LOGS_URL": management,
        "SLIPWAY_ACCESS_TOKEN": "sandbox",
        "SLIPWAY_ALLOW_HTTP": "true",
        "SLIPWAY_KEYS": _beside("SLIPWAY_KEYS", {"operator": key, "second": _kept_key(data / "second-operator-key")}),
        "SLIPWAY_SOURCE_KEYS": _beside(
            "SLIPWAY_SOURCE_KEYS", {source: _kept_key(data / f"{source}-key") for source in KEYED_SOURCES}
        ),
        "SLIPWAY_FLAG_KEYS": _beside(
            "SLIPWAY_FLAG_KEYS", {f"{_first_environment()}/serve": _kept_key(data / "evaluation-key")}
        ),
    }


def _beside(setting: str, own: Mapping[str, str]) -> str:
    """Return the keys that the environment gives, and the stack's own: of one name the last counts, which is ours."""
    return ";".join((*filter(None, (os.environ.get(setting),)), *(f"{name}={key}" for name, key in own.items())))


def _first_environment() -> str:
    """Return the environment of flags that is meant where none is named."""
    return os.environ.get("SLIPWAY_FLAG_ENVIRONMENTS", "").partition(";")[0].partition("=")[0].strip() or "production"


def _kept_key(path: Path) -> str:
    """Return the key in the file, made on the first start; only its owner may read it."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()


def _own_key(data: Path) -> str:
    """Return the operator's key, after seeing to it that all keys of the stack are there."""
    try:
        for name in ("second-operator-key", *(f"{source}-key" for source in KEYED_SOURCES), "evaluation-key"):
            _kept_key(data / name)
        return _kept_key(data / "operator-key")
    except OSError as error:
        raise StackError(f"the keys of the stack cannot be kept in {data}: {with_fix(error)}") from error


@contextmanager
def _sole_user(data: Path, stop: Interruption) -> Iterator[int]:
    """Hold the folder's lock. The processes of the stack hold it too, so it is free only when all of them are gone."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackError(f"the folder of the state cannot be used: {with_fix(error)}") from error
    try:
        _take(lock, data, stop)
        yield lock
    finally:
        os.close(lock)


def _take(lock: int, data: Path, stop: Interruption) -> None:
    ends = time.monotonic() + LEAVE_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > ends:
                raise StackError(f"another stack works in {data}: end it, or name another folder") from error
            stop.sleep(0.1)
        else:
            return


@contextmanager
def running_process(
    module: str, log: Path, *arguments: str, keep: int | None = None, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a module as a process that says `ready` on its standard output, and end it after.

    Its standard input is its lifeline. `keep` is a file descriptor that it has too.
    """
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, "--lifeline"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # A session of its own: a Ctrl-C at the terminal reaches the starter alone, which then ends its processes.
            start_new_session=True,
            pass_fds=() if keep is None else (keep,),
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
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def ready_words(process: subprocess.Popen[str], what: str, log: Path, stop: Interruption) -> str:
    """Return what the process says behind the word `ready`. Raises `StackError` when it does not."""
    assert process.stdout is not None
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        stop.check()
        if select.select([process.stdout], [], [], 0.1)[0]:
            word, _, rest = process.stdout.readline().strip().partition(" ")
            if word == "ready":
                return rest
    raise StackError(f"{what} did not start{_why(log)}")


def _why(log: Path) -> str:
    """Say what is known: on a full disk the log has not taken in what was wrong, and its end is of an earlier run."""
    if shutil.disk_usage(log.parent).free <= _ROOM_BYTES:
        return f": the disk of {log.parent} is full, so {log} could not be written. Make room there, and start again"
    tail = log_tail(log)
    return (
        f"; the end of {log}:\n{tail}"
        if tail
        else f", and {log} is empty: see that it may be written, then start again"
    )


def with_fix(error: OSError) -> str:
    """Return what is wrong, with what to do where that is known."""
    return f"{error}. Make room there, and start again" if error.errno == errno.ENOSPC else str(error)


def log_tail(log: Path) -> str:
    """Return the last lines of a log, for people."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _register_shop(stack: Stack) -> None:
    """Register the sandbox's application; a spec that somebody changed since stays."""
    address = f"{stack.url}/api/applications/shop"
    headers = {"X-API-Key": stack.key, "Content-Type": "application/yaml"}
    try:
        known = exchange("GET", address, headers=headers)
        if known.status == 200:
            return
        if known.status != 404:
            answered = f"the API answers {known.status} when asked for the shop: {known.body}"
            log = stack.data / "host.log"
            raise StackError(f"{answered}; the end of {log}:\n{log_tail(log)}")
        taken = exchange("PUT", address, body=SHOP_SPEC.read_bytes(), headers=headers)
    except NoAnswerError as error:
        raise StackError(f"the API does not answer: {error}") from error
    if taken.status not in (200, 201):
        raise StackError(f"the shop's spec was refused: {taken.body}")
