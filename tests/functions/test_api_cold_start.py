"""What a cold start pays for: the modules that `import function_app` and the first requests bring in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functions.flags_in_use import EVALUATION_KEY, SETTINGS, flags_in_use

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
ROLLOUTS = {
    "shared.application.accept",
    "shared.domain.analysis",
    "shared.domain.rollout.state",
    "shared.wire.documents",
}
"""What only who releases something needs."""
MANAGEMENT = {"shared.domain.flags.managing.commands", "shared.wire.flag_requests", "shared.domain.flags.explain"}
"""What only who changes flags needs."""
EVALUATION = f"""
import azure.functions as func
import function_app
from functions.ofrep import evaluate_flag
function = evaluate_flag._function.get_user_function()
headers = {{"Authorization": "Bearer {EVALUATION_KEY}", "Content-Type": "application/json"}}
body = b'{{"context": {{"targetingKey": "ann"}}}}'
address, route = "http://x/ofrep/v1/evaluate/flags/plain", {{"key": "plain"}}
answer = function(func.HttpRequest("POST", address, headers=headers, route_params=route, body=body))
assert (answer.status_code, b"STATIC" in answer.get_body()) == (200, True), answer.get_body()
"""
HEALTH = """
import azure.functions as func
from functions.views import health
function = health._function.get_user_function()
assert function(func.HttpRequest("GET", "http://x/api/health", body=b"")).status_code == 200
"""


def loaded(code: str, **settings: str) -> set[str]:
    """Names of the modules in a fresh process after the code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")} | settings
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


@pytest.fixture
def flagged(tmp_path):
    """Settings of an app whose flags were saved by a worker before."""
    with flags_in_use(tmp_path):
        return {**SETTINGS, "SLIPWAY_DATA": os.environ["SLIPWAY_DATA"], "SLIPWAY_KEYS": os.environ["SLIPWAY_KEYS"]}


@pytest.mark.parametrize("code", ["import function_app", f"import function_app\n{HEALTH}"], ids=["import", "health"])
def test_no_sdk_and_no_parser_is_loaded_before_it_is_needed(code):
    assert loaded(code) & (HEAVY | ROLLOUTS | MANAGEMENT) == set()


def test_a_worker_that_evaluates_a_flag_loads_nothing_that_releases_or_changes_anything(flagged):
    needed = {"sqlite3", "attr", "cattrs"}
    """The store of this test, and what reads the stored form of a flag."""

    assert loaded(EVALUATION, **flagged) & (HEAVY - needed | ROLLOUTS | MANAGEMENT) == set()


def test_the_app_can_be_imported_without_any_setting():
    assert "functions.answers" in loaded("import function_app")
