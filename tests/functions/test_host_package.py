"""What ships to Azure is the functions app and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = {"function_app.py", "host.json", "requirements.txt", "functions", "shared", "web"}


def listed(*options: str) -> set[str]:
    run = subprocess.run(
        ["git", "ls-files", "-z", *options], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
    )
    return set(run.stdout.split("\0")) - {""}


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(),
    reason="the ignore rules are read by git, and this is no git work tree",
)
def test_only_the_app_ships():
    shipped = listed() - listed("--ignored", "--cached", "--exclude-from=.funcignore")

    assert {Path(path).parts[0] for path in shipped} <= SHIPPED
    assert {"host.json", "requirements.txt"} <= shipped
