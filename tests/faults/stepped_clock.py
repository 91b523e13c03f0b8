"""A clock for one process that steps while it runs: Debian's libfaketime, fetched and unpacked on first need.

Only the time of day steps: time that passes (the monotonic clock) passes as ever, as when a machine's clock is set.
"""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2] / ".cache" / "faketime"


class SteppedClock:
    """The time of day that a process with `environment` sees."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step(0)
        self.environment = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def step(self, seconds: float) -> None:
        """Be so many seconds off the true time from now on."""
        new = self._file.with_name(f"{self._file.name}.new")
        new.write_text(f"{seconds:+}\n")
        new.replace(self._file)


def _library() -> Path:
    """Return the library, fetched unless it is there. Skips the test, with the reason, where it cannot be had."""
    for needed in ("apt-get", "dpkg-deb"):
        if shutil.which(needed) is None:
            pytest.skip(f"a clock that steps needs {needed}, which is not here")
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HOME / "usr").exists():
            _fetch()
    return next((HOME / "usr").glob("lib/*/faketime/libfaketimeMT.so.1"))


def _fetch() -> None:
    command = ["apt-get", "download", "libfaketime"]
    try:
        done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("apt-get could not download libfaketime within 2 minutes")
    packages = sorted(HOME.glob("libfaketime_*.deb"))
    if done.returncode != 0 or not packages:
        pytest.skip(f"apt-get could not download libfaketime: {done.stderr.strip()[-300:]}")
    unpacked = HOME / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", str(packages[-1]), str(unpacked)], check=True, timeout=60)
    (unpacked / "usr").rename(HOME / "usr")
    shutil.rmtree(unpacked)
