"""Microsoft's own language service of KQL: installed from npm on first need, asked what is wrong with a query."""

import fcntl
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

VERSION = "12.4.1"
HOME = Path(__file__).parent.parent / ".cache" / "kusto"
PACKAGE = HOME / "node_modules" / "@kusto" / "language-service-next"
_PROGRAM = Path(__file__).with_name("kusto_check.js")


def install_kusto() -> None:
    """Have the language service in `.cache/`, or skip the test with the reason."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not PACKAGE.exists():
            command = ["npm", "install", "--no-audit", "--no-fund", f"@kusto/language-service-next@{VERSION}"]
            done = subprocess.run(command, cwd=HOME, capture_output=True, text=True)
            if done.returncode != 0:
                pytest.skip(f"KQL's language service cannot be installed: {done.stderr.strip()[-200:]}")


def analyse(queries: dict[str, str], tables: dict[str, str]) -> dict[str, Any]:
    """Return for each query its `problems`, its `columns` as `name: type`, and its `tokens` with their values.

    `tables` are schemas as `(name: type, ...)`.
    """
    done = subprocess.run(
        ["node", str(_PROGRAM)],
        input=json.dumps({"queries": queries, "tables": tables, "package": str(PACKAGE)}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)
