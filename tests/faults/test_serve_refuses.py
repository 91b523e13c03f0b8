"""`make serve` on files or a folder that cannot be used: one word about which and what to do, and no stack trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.private_file import write_private
from local.stack import KEYED_SOURCES
from tests.faults.disks import full, read_only, small_disk
from tests.sandbox import ROOT

KEYS = ("operator-key", "second-operator-key", "evaluation-key", *(f"{source}-key" for source in KEYED_SOURCES))
GARBAGE = b"\xa5\x5a" * 4096


def refused(data: Path) -> str:
    """Return what it says when it does not serve."""
    command = [sys.executable, "-m", "local.serve", "--data", str(data), "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("file", "what_to_do"),
    [
        ("store.db", "put a backup in its place"),
        ("queue.db", "move it away"),
        ("cloud/cloud.sqlite", "remove it"),
        ("host-keys.json", "remove it"),
        ("timers.json", "remove it"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(data, file, what_to_do):
    (data / file).parent.mkdir(exist_ok=True)
    (data / file).write_bytes(GARBAGE)

    said = refused(data)

    assert str(data / file) in said
    assert what_to_do in said
    assert (data / file).read_bytes() == GARBAGE


def test_a_read_only_folder_is_named(data):
    with read_only(data):
        assert f"Read-only file system: '{data}" in refused(data)


def test_a_full_disk_is_named_in_one_line_with_what_to_do(data):
    with small_disk(data, "1m"), full(data):
        said = refused(data)

        assert str(data) in said
        assert "No space left on device" in said or "is full" in said
        assert said.endswith("Make room there, and start again\n")
        assert said.count("\n") == 1


def test_a_disk_that_is_full_since_is_named_in_one_line_without_the_log_of_an_earlier_run(data):
    with small_disk(data, "1m"):
        for name in KEYS:
            write_private(data / name, "x" * 32)
        (data / "cloud.log").write_text("of an earlier run\n")
        with full(data):
            said = refused(data)

    assert "the sandbox cloud did not start: the disk of" in said
    assert f"so {data}/cloud.log could not be written. Make room there, and start again\n" in said
    assert said.count("\n") == 1
