"""The cold start: what our own code adds to the import of azure.functions, in a fresh process each time."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.measurement import Measurement, summarize

ROOT = Path(__file__).resolve().parents[2]
STARTS = 15
_CODE = """
import sys, time
began = time.perf_counter()
import azure.functions
between, modules = time.perf_counter(), len(sys.modules)
import function_app
function_app.app.get_functions()
ended = time.perf_counter()
print(between - began, ended - between, len(sys.modules) - modules)
"""


def measure() -> Iterator[Measurement]:
    """Import `function_app` and index its functions in fresh processes; a first one warms the disk's cache."""
    _start()
    runs = [_start() for _ in range(STARTS)]
    base, own, modules = zip(*runs, strict=True)
    note = f"{median(modules):.0f} modules more; azure.functions itself takes {1000 * median(base):.0f} ms"
    yield summarize("import function_app, above azure.functions", own, rate=False, note=note)


def _start() -> tuple[float, float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _CODE], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    base, own, modules = map(float, done.stdout.split())
    return base, own, modules
