"""Azurite, Microsoft's emulator of Azure Storage: installed from npm on first need, started, stopped.

It forgets up to five seconds of acknowledged writes when it is killed, so no crash test runs on it.
"""

import fcntl
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port

VERSION = "3.35.0"
HOME = Path(__file__).parent.parent / ".cache" / "azurite"
PROGRAM = HOME / "node_modules" / ".bin" / "azurite-table"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Not a secret: the one key that every copy of the emulator has."""


class Azurite:
    """The table service of the emulator on a port of its own, with its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection_string(self) -> str:
        return connection_string_for(self.port)

    def start(self) -> None:
        place = ["-l", str(self.folder), "--tableHost", "127.0.0.1", "--tablePort", str(self.port)]
        self._process = subprocess.Popen(
            [str(PROGRAM), *place, "--silent", "--disableTelemetry"], stdout=subprocess.DEVNULL
        )
        self._wait_until_it_listens()

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process
                assert self._process.poll() is None, "Azurite ended while it started"
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise AssertionError("Azurite did not listen within 30 s")


def connection_string_for(port: int) -> str:
    """Return the connection string of an emulator, or of a proxy before one, on this port."""
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={endpoint};"


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One emulator for the whole session; the test is skipped, with the reason, where it cannot be had."""
    install()
    emulator = Azurite(tmp_path_factory.mktemp("azurite"))
    emulator.start()
    yield emulator
    emulator.stop()


def install() -> None:
    """Install Azurite unless it is there; several test runs may ask at once."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not PROGRAM.exists():
            _install()


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Azurite needs npm, which is not installed")
    command = [npm, "install", "--prefix", str(HOME), "--no-audit", "--no-fund", f"azurite@{VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not install Azurite within 5 minutes")
    if done.returncode != 0:
        pytest.skip(f"npm could not install Azurite: {done.stderr.strip()[-300:]}")
