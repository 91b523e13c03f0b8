"""What a cold start pays for: the modules that `import function_app` and the first requests bring in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "azure.core",
    "azure.data.tables",
    "azure.identity",
    "azure.mgmt",
    "azure.monitor",
    "azure.servicebus",
    "aiohttp",
    "attr",
    "cattrs",
    "difflib",
    "jsonschema",
    "local",
    "requests",
    "sqlite3",
    "yaml",
}
HEALTH = """
import azure.functions as func
from functions.views import health
function = health._function.get_user_function()
assert function(func.HttpRequest("GET", "http://x/api/health", body=b"")).status_code == 200
"""


def loaded(code: str) -> set[str]:
    """Names of the modules in a fresh process after the code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(run.stdout.split())


@pytest.mark.parametrize("code", ["import function_app", f"import function_app\n{HEALTH}"], ids=["import", "health"])
def test_no_sdk_and_no_parser_is_loaded_before_it_is_needed(code):
    assert loaded(code) & HEAVY == set()


def test_the_app_can_be_imported_without_any_setting():
    assert "functions.answers" in loaded("import function_app")
