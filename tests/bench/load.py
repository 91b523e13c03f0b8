"""Many live rollouts on one machine: what a command costs beside a hundred of them and beside ten thousand.

`make bench` measures up to a thousand; `make bench LOAD=full` measures ten thousand too, and a storm of alerts.
"""

import os
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

from shared.domain.rollout.commands import Action
from tests.bench import storm
from tests.bench.fleet import Fleet
from tests.bench.measurement import Measurement, summarize

SHORT = (100, 1_000)
FULL = (100, 1_000, 10_000)
COMMANDS = 600
FLAT_WITHIN = 0.10


def measure(folder: Path, *, full: bool = False) -> Iterator[Measurement]:
    """Measure one size of fleet after the other, and the storm on the last of them."""
    middles = {}
    for count in FULL if full else SHORT:
        before = _resident()
        fleet = Fleet(folder / str(count), count)
        took = fleet.release()
        note = f"{_resident() - before:.0f} MiB more in memory for all, their simulated sites included"
        yield summarize(f"begin a rollout, and drive it to its first weight, {count:,} applications", took, note=note)
        accepted, decided = _commands(fleet)
        middles[count] = median(decided)
        yield summarize(f"accept a command, {count:,} live rollouts", accepted)
        over = _not_flat(middles)
        note = f"p99 {_p99(decided):.2f} ms; drift of the median since {min(middles):,}: {_drift(middles):+.0%}"
        yield summarize(f"from accepted to decided and done, {count:,} live rollouts", decided, note=note, over=over)
        yield _everybody_wakes(fleet)
    yield from storm.measure(fleet)


def _commands(fleet: Fleet) -> tuple[list[float], list[float]]:
    """Pause rollouts here and there, one after the other; return the seconds to accept, and then to be done."""
    accepted, decided = [], []
    chosen = random.Random(7).sample(fleet.names, min(len(fleet.names), COMMANDS))
    for action in (Action.PAUSE, Action.RESUME) * (1 if len(chosen) == COMMANDS else COMMANDS // len(chosen) // 2):
        for name in chosen:
            began = time.perf_counter()
            fleet.order(name, action)
            between = time.perf_counter()
            fleet.settle()
            accepted.append(between - began)
            decided.append(time.perf_counter() - began)
    assert fleet.failures == [], fleet.failures[:3]
    return accepted, decided


def _everybody_wakes(fleet: Fleet) -> Measurement:
    """Let every rollout's next window close at once, and look at all of them."""
    fleet.clock.jump(timedelta(minutes=4))
    took = []
    while True:
        began = time.perf_counter()
        if not fleet.deliver_one():
            break
        took.append(time.perf_counter() - began)
    assert fleet.failures == [], fleet.failures[:3]
    note = f"all at once: {sum(took):.1f} s; p99 {_p99(took):.1f} ms; windows read from sites in memory"
    return summarize(f"look at one of {len(fleet.names):,} that are due", took, note=note)


def _not_flat(middles: dict[int, float]) -> list[str]:
    drift = _drift(middles)
    return [f"{drift:+.0%} of the cost of a command beside {min(middles)}"] if drift > FLAT_WITHIN else []


def _drift(middles: dict[int, float]) -> float:
    return middles[max(middles)] / middles[min(middles)] - 1


def _p99(seconds: list[float]) -> float:
    return 1000 * sorted(seconds)[int(0.99 * len(seconds))]


def _resident() -> float:
    """Return the MiB that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
