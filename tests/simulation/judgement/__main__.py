"""Simulate releases and print what came of them, cell by cell. Progress goes to stderr."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from rich.console import Console

from tests.simulation.judgement.campaign import estimate, fingerprint, run_cells
from tests.simulation.judgement.cells import CELLS, Cell, beside_peers
from tests.simulation.judgement.pairs import in_words, pairs
from tests.simulation.judgement.peers import PEERS
from tests.simulation.judgement.ramps import RAMPS
from tests.simulation.judgement.report import write_report
from tests.simulation.judgement.scenarios import SCENARIOS
from tests.simulation.judgement.table import terminal


def main() -> int:
    """Run what is asked for."""
    asked = _arguments()
    cells = _cells(asked)
    progress = Console(stderr=True, highlight=False)
    if asked.cells == "full":
        seconds = estimate(cells, seed=asked.seed, runs=asked.runs, jobs=asked.jobs)
        progress.print(f"{len(cells)} cells of {asked.runs} runs: about {seconds / 60:.0f} minutes to go")
    began, rows = perf_counter(), []
    resume = asked.resume or asked.cells == "full"
    often = {"runs": asked.runs, "fewer": asked.fewer}
    for row in run_cells(cells, seed=asked.seed, jobs=asked.jobs, resume=resume, **often):
        rows.append(row)
        if asked.write:
            write_report(Path(asked.write), rows, runs=asked.runs, seed=asked.seed)
        each = 1000 * row.seconds / row.figures.runs
        progress.print(
            f"[{perf_counter() - began:6.0f} s] {len(rows)}/{len(cells)} {row.cell.key}: {each:.1f} ms a run"
        )
    if asked.json:
        json.dump([row.plain() for row in rows], sys.stdout, indent=1)
        return 0
    title = f"{asked.runs} runs a cell, seed {asked.seed}, analysis {fingerprint()}, {datetime.now(UTC):%Y-%m-%d}"
    Console(highlight=False, width=None if sys.stdout.isatty() else 230).print(terminal(rows, title))
    for pair in pairs(rows):
        print(in_words(pair))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.judgement", description=__doc__)
    parser.add_argument("--cells", choices=CELLS, default="quick")
    parser.add_argument("--resume", action="store_true", help="keep each cell, and take those that are kept; full does")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--fewer", type=int, default=0, help="with --resume: so many runs for cells that are not kept")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="scenarios, by comma: the cells of these, or one of the plainest")
    parser.add_argument("--base", help="replace the base error rates, by comma: 0.001,0.01")
    parser.add_argument("--rps", help="replace the requests a second, by comma")
    parser.add_argument("--window", help="replace the window length in seconds, by comma")
    parser.add_argument("--lag", help="replace the lag in windows, by comma")
    parser.add_argument("--ramp", help=f"replace the ramp, by comma: {','.join(RAMPS)}")
    parser.add_argument("--peers", nargs="?", const="all", help="the peers beside ours: all, or names by comma")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--write", metavar="FILE", help="write the table in Markdown, after each cell")
    return parser.parse_args()


def _cells(asked: argparse.Namespace) -> tuple[Cell, ...]:
    cells: Sequence[Cell] = CELLS[asked.cells]()
    if asked.only:
        names = asked.only.split(",")
        unknown = [name for name in names if name not in SCENARIOS]
        if unknown:
            raise SystemExit(f"no scenario {', '.join(unknown)}; there are: {', '.join(SCENARIOS)}")
        found = {name: [cell for cell in cells if cell.scenario == name] or [Cell(name)] for name in names}
        cells = [cell for name in names for cell in found[name]]
    for option, field, kind in (
        ("base", "base", float),
        ("rps", "rps", float),
        ("window", "window_seconds", int),
        ("lag", "lag", int),
        ("ramp", "ramp", str),
    ):
        given = getattr(asked, option)
        if given:
            cells = [replace(cell, **{field: kind(value)}) for cell in cells for value in given.split(",")]
    cells = tuple(dict.fromkeys(cells))
    if not asked.peers:
        return cells
    return beside_peers(cells, PEERS if asked.peers == "all" else asked.peers.split(","))


if __name__ == "__main__":
    sys.exit(main())
