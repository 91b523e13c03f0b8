"""Many schedules on every core, kept shard by shard so that a run that was broken off goes on where it was."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.simulation.protocol.coverage import Cell
from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import run
from tests.simulation.protocol.quick import quickly

ROOT = Path(__file__).parents[3]
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
    def from_json(found: dict[str, Any]) -> "Tally":
        """Return what `to_json` was given."""
        return Tally(
            schedules=found["schedules"],
            calls=found["calls"],
            deliveries=found["deliveries"],
            cpu_seconds=found["cpu_seconds"],
            failures=[Failure(*each) for each in found["failures"]],
            ended=Counter(found["ended"]),
            coverage=Counter({(phase, command, fault): count for phase, command, fault, count in found["coverage"]}),
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
    total, kept = Tally(), KEPT / code_in_force()
    kept.mkdir(parents=True, exist_ok=True)
    left: list[range] = []
    for seeds in shards(first, count):
        path = kept / f"{seeds.start}-{len(seeds)}.json"
        if path.exists() and not fresh:
            total.add(Tally.from_json(json.loads(path.read_text())))
        else:
            left.append(seeds)
    said(total)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(run_seeds, seeds): seeds for seeds in left}
        for done in as_completed(running):
            tally, seeds = done.result(), running[done]
            path = kept / f"{seeds.start}-{len(seeds)}.json"
            path.with_suffix(".part").write_text(json.dumps(tally.to_json()))
            path.with_suffix(".part").replace(path)
            total.add(tally)
            said(total)
    total.failures.sort(key=lambda failure: failure.seed)
    return total


def shards(first: int, count: int) -> Iterator[range]:
    """Yield ranges of seeds that begin at multiples of a shard, so that runs of other sizes share them."""
    at, end = first, first + count
    while at < end:
        following = min(end, (at // SHARD + 1) * SHARD)
        yield range(at, following)
        at = following


def code_in_force() -> str:
    """Return a name for all the code that an outcome depends on: what was kept for other code is not read."""
    digest = hashlib.sha256()
    for folder in (ROOT / "shared", Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
