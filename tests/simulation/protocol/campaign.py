"""Many schedules on every core, kept shard by shard so that a run that was broken off goes on where it was."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.simulation.protocol.code_in_force import ROOT, code_in_force
from tests.simulation.protocol.coverage import Cell
from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import run
from tests.simulation.protocol.processes import processes
from tests.simulation.protocol.quick import quickly

KEPT = ROOT / ".cache" / "simulation" / "protocol"
SHARD = 250
"""Schedules a shard: some five to ten seconds of work, which is what a run that is broken off loses a core."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A seed whose schedule broke a law."""

    seed: int
    law: str
    told: str


@dataclass(slots=True)
class Tally:
    """What came of some schedules."""

    schedules: int = 0
    calls: int = 0
    deliveries: int = 0
    cpu_seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    coverage: Counter[Cell] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Take in another one."""
        self.schedules += other.schedules
        self.calls += other.calls
        self.deliveries += other.deliveries
        self.cpu_seconds += other.cpu_seconds
        self.failures += other.failures
        self.ended.update(other.ended)
        self.coverage.update(other.coverage)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "schedules": self.schedules,
            "calls": self.calls,
            "deliveries": self.deliveries,
            "cpu_seconds": round(self.cpu_seconds, 3),
            "failures": [[each.seed, each.law, each.told] for each in self.failures],
            "ended": dict(sorted(self.ended.items())),
            "coverage": sorted([*cell, count] for cell, count in self.coverage.items()),
        }

    @staticmethod
    def from_json(found: Any) -> "Tally":
        """Return what `to_json` was given. Raises ValueError, KeyError or TypeError for what is none."""
        return Tally(
            schedules=int(found["schedules"]),
            calls=int(found["calls"]),
            deliveries=int(found["deliveries"]),
            cpu_seconds=float(found["cpu_seconds"]),
            failures=[Failure(int(seed), str(law), str(told)) for seed, law, told in found["failures"]],
            ended=Counter({str(phase): int(count) for phase, count in dict(found["ended"]).items()}),
            coverage=Counter({(p, command, fault): int(count) for p, command, fault, count in found["coverage"]}),
        )


@quickly()
def run_seeds(seeds: range) -> Tally:
    """Draw and run the schedules of these seeds."""
    tally, began = Tally(), os.times()
    for seed in seeds:
        outcome = run(draw(seed))
        tally.schedules += 1
        tally.calls += outcome.calls
        tally.deliveries += outcome.deliveries
        tally.ended.update(outcome.ended)
        tally.coverage.update(outcome.coverage)
        if outcome.law:
            tally.failures.append(Failure(seed, outcome.law, outcome.told))
    tally.cpu_seconds = os.times().user + os.times().system - began.user - began.system
    return tally


def campaign(first: int, count: int, *, workers: int, said: Callable[[Tally], None], fresh: bool = False) -> Tally:
    """Run so many schedules from this seed on; `said` hears what was kept, and after each shard how far it is."""
    total, folder = Tally(), KEPT / code_in_force()
    folder.mkdir(parents=True, exist_ok=True)
    left: list[range] = []
    for seeds in shards(first, count):
        known = None if fresh else kept(folder, seeds)
        if known is None:
            left.append(seeds)
        else:
            total.add(known)
    said(total)
    with processes(workers) as pool:
        running = {pool.submit(run_seeds, seeds): seeds for seeds in left}
        for done in as_completed(running):
            tally = done.result()
            keep(folder, running[done], tally)
            total.add(tally)
            said(total)
    total.failures.sort(key=lambda failure: failure.seed)
    return total


def kept(folder: Path, seeds: range) -> Tally | None:
    """Return what was kept of these seeds; None where nothing was, or nothing that can be read."""
    try:
        tally = Tally.from_json(json.loads(_file(folder, seeds).read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return tally if tally.schedules == len(seeds) else None


def keep(folder: Path, seeds: range, tally: Tally) -> None:
    """Keep it whole or not at all, whoever else keeps the same one just now."""
    path = _file(folder, seeds)
    part = path.with_suffix(f".{uuid4().hex}.part")
    try:
        part.write_text(json.dumps(tally.to_json()))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _file(folder: Path, seeds: range) -> Path:
    return folder / f"{seeds.start}-{len(seeds)}.json"


def shards(first: int, count: int) -> Iterator[range]:
    """Yield ranges of seeds that begin at multiples of a shard, so that runs of other sizes share them."""
    at, end = first, first + count
    while at < end:
        following = min(end, (at // SHARD + 1) * SHARD)
        yield range(at, following)
        at = following
