"""The command line into a pipe whose reader has gone away, as `| head` does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SPEC = str(ROOT / "local" / "shop" / "slipway.yaml")


@pytest.mark.parametrize("command", [["plan", SPEC], ["check", SPEC, "--json"]], ids=lambda each: each[0])
def test_a_reader_that_went_away_is_no_traceback(command):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stdout:
        arguments = [sys.executable, "-m", "cli", *command]
        told = subprocess.run(arguments, cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60)

    assert (told.returncode, told.stderr) == (141, "")
