"""The cold start in fresh processes, each with a budget: what the app adds to the worker, and its first answers.

The worker has imported `azure.functions` before it looks at any app, so that is not counted.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.measurement import Measurement, summarize
from tests.bench.ofrep import KEY, SETTINGS, flags_saved

ROOT = Path(__file__).resolve().parents[2]
STARTS = 15
IMPORT_BUDGET_MS, IMPORT_BUDGET_MIB = 150.0, 25.0
EVALUATION_BUDGET_MS = 40.0
_BEGIN = """
import os, sys, time
import azure.functions
def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
before, modules, began = resident(), len(sys.modules), time.perf_counter()
"""
_END = """
print(time.perf_counter() - began, resident() - before, len(sys.modules) - modules)
"""
_APP = """
import function_app
function_app.app.get_functions()
"""
_FLAGS = """
import function_app
before, modules, began = resident(), len(sys.modules), time.perf_counter()
import shared.application.evaluations, shared.application.flag_usage, shared.wire.ofrep, shared.wire.published_flags
shared.wire.published_flags.read_published_flag('''{line}''')
"""
_FIRST = f"""
import function_app
from functions.ofrep import evaluate_flag
before, modules, began = resident(), len(sys.modules), time.perf_counter()
answer = evaluate_flag._function.get_user_function()(azure.functions.HttpRequest(
    "POST", "http://localhost/ofrep/v1/evaluate/flags/flag-7", route_params={{"key": "flag-7"}},
    headers={{"Authorization": "Bearer {KEY}"}}, body=b'{{"context": {{"targetingKey": "ann"}}}}'))
assert answer.status_code == 200, answer.get_body()
"""


def measure(folder: Path) -> Iterator[Measurement]:
    """Import the app, then what else evaluates a flag; give the first answer. A first process warms the disk."""
    took, mebibytes, modules = _starts(_APP)
    budget = f"budget {IMPORT_BUDGET_MS:.0f} ms, {IMPORT_BUDGET_MIB:.0f} MiB"
    note = f"{modules:.0f} modules and {mebibytes:.1f} MiB more; {budget}"
    over = [] if mebibytes <= IMPORT_BUDGET_MIB else [f"{mebibytes:.1f} MiB"]
    yield summarize("import function_app", took, rate=False, note=note, budget_ms=IMPORT_BUDGET_MS, over=over)
    with flags_saved(folder) as line:
        took, mebibytes, modules = _starts(_FLAGS.format(line=line))
        note = f"{modules:.0f} modules and {mebibytes:.1f} MiB, no store; budget {EVALUATION_BUDGET_MS:.0f} ms"
        name = "import what evaluates flags, after the app"
        yield summarize(name, took, rate=False, note=note, budget_ms=EVALUATION_BUDGET_MS)
        took, mebibytes, modules = _starts(_FIRST, folder)
        note = f"the store's parts included: {modules:.0f} modules and {mebibytes:.1f} MiB after the app's import"
        yield summarize("first flag evaluated in a new process, SQLite", took, rate=False, note=note)
    took, mebibytes, modules = _starts("import azure.data.tables, azure.identity")
    note = f"{modules:.0f} modules and {mebibytes:.1f} MiB: what Table Storage adds to any first request"
    yield summarize("import the SDK of Table Storage", took, rate=False, note=note)


def _starts(code: str, folder: Path | None = None) -> tuple[tuple[float, ...], float, float]:
    """Return the seconds of each start, and the medians of the MiB and the modules that it took."""
    _start(code, folder)
    seconds, mebibytes, modules = zip(*(_start(code, folder) for _ in range(STARTS)), strict=True)
    return seconds, median(mebibytes), median(modules)


def _start(code: str, folder: Path | None) -> tuple[float, float, float]:
    settings = {} if folder is None else {**SETTINGS, "SLIPWAY_DATA": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + code + _END],
        cwd=ROOT,
        env={**os.environ, **settings, "PYTHONDONTWRITEBYTECODE": ""},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    seconds, mebibytes, modules = map(float, done.stdout.split())
    return seconds, mebibytes, modules
