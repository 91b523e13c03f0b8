"""Runs the cells over processes; a cell once finished is kept, so that a long table can be resumed."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from tests.simulation.judgement.cells import Cell
from tests.simulation.judgement.drivers import make_driver
from tests.simulation.judgement.figures import Figures, summarize
from tests.simulation.judgement.loop import Outcome, release
from tests.simulation.judgement.traffic import Traffic

ROOT = Path(__file__).resolve().parents[3]
STORE = ROOT / ".cache" / "simulation" / "cells.jsonl"
CHUNK = 25


@dataclass(frozen=True, slots=True)
class Row:
    """One cell with its figures."""

    cell: Cell
    figures: Figures
    seconds: float
    """Processor time of all its runs."""

    def plain(self) -> dict[str, object]:
        """Return it for JSON, with null for a figure that no run has."""
        figures = {name: None if value != value else value for name, value in asdict(self.figures).items()}
        return {"cell": asdict(self.cell), "figures": figures, "seconds": self.seconds}


def run_once(cell: Cell, seed: int, run: int) -> Outcome:
    """Return one release. The numbers depend on the seed, the cell's world and the run, on nothing else."""
    rng = np.random.default_rng((seed, zlib.crc32(cell.world.encode()), run))
    seconds, horizon = cell.window_seconds, 60 * cell.hours
    traffic = Traffic(cell.what, base=cell.base, rps=cell.rps, window_seconds=seconds, rng=rng, horizon=horizon)
    driver = make_driver(cell)
    return release(driver, traffic, lag=cell.lag)


def run_cells(
    cells: Iterable[Cell], *, seed: int, runs: int, jobs: int, resume: bool = False, fewer: int = 0
) -> Iterator[Row]:
    """Yield each cell's row in turn, from the store where it has it and `resume` allows.

    Cells that the store has not are run `fewer` times, if that is given: for a table when time is short.
    """
    kept = _kept() if resume else {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        for cell in cells:
            often = runs if not fewer or _store_key(cell, seed, runs) in kept else fewer
            name = _store_key(cell, seed, often)
            if name in kept:
                yield Row(cell, Figures(**kept[name]["figures"]), kept[name]["seconds"])
                continue
            parts = [(cell, seed, first, min(first + CHUNK, often)) for first in range(0, often, CHUNK)]
            done = list(pool.map(_run_part, parts))
            row = Row(cell, summarize([each for part, _ in done for each in part]), sum(took for _, took in done))
            if resume:
                _keep(name, row)
            yield row


def _run_part(part: tuple[Cell, int, int, int]) -> tuple[list[Outcome], float]:
    cell, seed, first, last = part
    began = process_time()
    outcomes = [run_once(cell, seed, run) for run in range(first, last)]
    return outcomes, process_time() - began


def _store_key(cell: Cell, seed: int, runs: int) -> str:
    code = fingerprint() if cell.driver == "slipway" else peers_fingerprint()
    return f"{cell.key} seed {seed} runs {runs} code {code}"


@cache
def fingerprint() -> str:
    """Return a short name of the source that our figures depend on."""
    analysis = sorted((ROOT / "shared" / "domain" / "analysis").glob("*.py"))
    return _digest([*analysis, Path(__file__).with_name("slipway.py"), *_world()])


@cache
def peers_fingerprint() -> str:
    """Return a short name of the source that the peers' figures depend on."""
    return _digest([*Path(__file__).parent.glob("peer*.py"), *_world()])


def _world() -> list[Path]:
    return [Path(__file__).with_name(f"{name}.py") for name in ("latency", "loop", "ramps", "scenarios", "traffic")]


def _digest(files: list[Path]) -> str:
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def _kept() -> dict[str, dict[str, Any]]:
    if not STORE.exists():
        return {}
    rows = [_parsed(line) for line in STORE.read_text().splitlines()]
    return {row["name"]: row for row in rows if row}


def _parsed(line: str) -> dict[str, Any] | None:
    """Return a kept row, or None for a line that an interruption cut short."""
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


def _keep(name: str, row: Row) -> None:
    STORE.parent.mkdir(parents=True, exist_ok=True)
    with STORE.open("a") as store:
        store.write("\n" + json.dumps({"name": name, "figures": asdict(row.figures), "seconds": row.seconds}))


def estimate(cells: Iterable[Cell], *, seed: int, runs: int, jobs: int) -> float:
    """Return about how many seconds the cells that are not kept yet will take, from three runs of some of them."""
    kept = _kept()
    left = [cell for cell in cells if _store_key(cell, seed, runs) not in kept]
    if not left:
        return 0.0
    some = left[:: max(1, len(left) // 8)]
    began = perf_counter()
    for cell in some:
        for run in range(3):
            run_once(cell, seed, run)
    return (perf_counter() - began) / (3 * len(some)) * runs * len(left) / jobs
