"""A real Prometheus: Debian's program, fetched and unpacked on first need (no root), started, stopped.

Its past is written by its own `promtool`, so tests need not wait for scrapes; what only scrapes can show is scraped.
"""

import fcntl
import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

HOME = Path(__file__).parent.parent / ".cache" / "prometheus"
PROGRAM = HOME / "usr" / "bin" / "prometheus"
TOOL = HOME / "usr" / "bin" / "promtool"


@dataclass(frozen=True, slots=True)
class Series:
    """A series of the past: its name and labels as an exporter writes them, and its values by second."""

    name: str
    values: Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server that runs."""

    url: str

    def ask(self, query: str, at: float) -> list[Any]:
        """Return what an instant query answers."""
        form = urllib.parse.urlencode({"query": query, "time": at}).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/query", data=form, timeout=10) as answer:
            return json.load(answer)["data"]["result"]


@contextmanager
def prometheus_of(folder: Path, past: Sequence[Series] = (), *, scrapes: tuple[str, ...] = ()) -> Iterator[Prometheus]:
    """Run a server that remembers `past` and scrapes each `host:port` once a second."""
    install()
    data = folder / "data"
    if past:
        _write_past(folder, data, past)
    settings = folder / "prometheus.yml"
    settings.write_text(json.dumps(_settings(scrapes)))
    port = free_port()
    command = [
        *(str(PROGRAM), f"--config.file={settings}", f"--storage.tsdb.path={data}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=native-histograms", "--log.level=error"),
        "--storage.tsdb.retention.time=3650d",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(process, port)
            yield Prometheus(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def install() -> None:
    """Fetch the program unless it is there; several test runs may ask at once. Skips the test, with the reason."""
    if PROGRAM.exists():
        return
    for needed in ("apt-get", "dpkg-deb"):
        if shutil.which(needed) is None:
            pytest.skip(f"Prometheus needs {needed}, which is not here")
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not PROGRAM.exists():
            _fetch()


def _fetch() -> None:
    try:
        done = subprocess.run(
            ["apt-get", "download", "prometheus"], cwd=HOME, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("apt-get could not download Prometheus within 5 minutes")
    packages = sorted(HOME.glob("prometheus_*.deb"))
    if done.returncode != 0 or not packages:
        pytest.skip(f"apt-get could not download Prometheus: {done.stderr.strip()[-300:]}")
    unpacked = HOME / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", str(packages[-1]), str(unpacked)], check=True, timeout=300)
    (unpacked / "usr").rename(HOME / "usr")
    shutil.rmtree(unpacked)


def _write_past(folder: Path, data: Path, past: Sequence[Series]) -> None:
    lines = [f"{each.name} {value} {at:.3f}" for each in past for at, value in each.values.items()]
    text = folder / "past.txt"
    text.write_text("\n".join((*lines, "# EOF")) + "\n")
    command = [str(TOOL), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def _settings(scrapes: tuple[str, ...]) -> dict[str, Any]:
    jobs = [{"job_name": "shop", "static_configs": [{"targets": list(scrapes)}]}] if scrapes else []
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "Prometheus ended while it started"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("Prometheus was not ready within 30 s")
