"""`make bench`: print the measurements as a table, or with `--json` for machines. Fails where a budget is passed."""

import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from local.interruption import InterruptedBySignal, Interruption
from tests import command_line
from tests.bench import cold_start, core, flags, judgement, load, ofrep, storage, whole_stack
from tests.bench.measurement import Measurement
from tests.command_line import asked_of


def main() -> int:
    """Measure everything in a folder of its own, which is gone afterwards."""
    parser = asked_of(
        "bench",
        __doc__,
        "make bench              # everything but the long ones",
        "make bench LOAD=only    # 100, 1,000 and 10,000 live rollouts, and nothing else",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--load", choices=("short", "full", "only"), default="short", help=load.__doc__)
    asked = parser.parse_args()
    stop = Interruption().listen()
    progress = Console(stderr=True, highlight=False)
    found = []
    try:
        for measurement in _measure(stop, asked.load):
            found.append(measurement)
            progress.print(f"measured: {measurement.name}")
        stop.check()
        judged = judgement.rows() if asked.load != "only" else []
    except InterruptedBySignal as interrupted:
        return interrupted.exit_code
    if asked.json:
        measurements, releases = [asdict(each) for each in found], [each.plain() for each in judged]
        json.dump({"machine": _machine(), "measurements": measurements, "judgement": releases}, sys.stdout, indent=2)
    else:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else 230)
        console.print(_table(found))
        if judged:
            console.print(judgement.table(judged))
    late = [f"{each.name}: {', '.join(each.over)}" for each in found if each.over]
    for line in late:
        progress.print(f"OVER ITS BUDGET: {line}", style="red")
    return 1 if late else 0


def _measure(stop: Interruption, extent: str) -> Iterator[Measurement]:
    with TemporaryDirectory(prefix="slipway-bench-") as name:
        folder = Path(name)
        loaded = load.measure(folder / "load", full=extent != "short")
        for part in (loaded,) if extent == "only" else (*_parts(folder, stop), loaded):
            stop.check()
            yield from part


def _parts(folder: Path, stop: Interruption) -> Iterator[Iterator[Measurement]]:
    yield core.measure(folder / "core")
    yield judgement.measure()
    yield flags.measure()
    yield ofrep.measure(folder / "flags")
    yield storage.measure(folder / "storage")
    yield cold_start.measure(folder / "cold")
    yield whole_stack.measure(folder / "stack", stop)


def _machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def _table(found: list[Measurement]) -> Table:
    table = Table(title=_machine(), title_justify="left")
    table.add_column("what")
    for name in ("n", "median ms", "p95 ms", "a second"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in found:
        rate = "" if each.per_second is None else f"{each.per_second:,.0f}"
        table.add_row(each.name, f"{each.n:,}", f"{each.median_ms:.3g}", f"{each.p95_ms:.3g}", rate, each.note)
    return table


if __name__ == "__main__":
    command_line.run(main)
