"""Finding each seeded defect: schedules by seed until one breaks a law, made small, and checked without the defect."""

import json
import sys
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

from tests.simulation.protocol.defects.defect import DEFECTS, Defect, every_defect
from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import run
from tests.simulation.protocol.processes import processes
from tests.simulation.protocol.quick import quickly
from tests.simulation.protocol.schedule import Schedule
from tests.simulation.protocol.shrinking import shrink

SEEDS = Path(__file__).parent / "seeds"
AT_MOST = 6_000
"""Schedules that are tried for one defect."""


@dataclass(frozen=True, slots=True)
class Found:
    """How a defect was found. `law` is empty where it was not."""

    name: str
    law: str
    told: str
    seed: int
    schedules: int
    size: int = 0
    """How many things happen or go wrong in the schedule, made small."""


def law_with(defect: Defect, schedule: Schedule) -> tuple[str, str]:
    """Return the law that the schedule breaks with the defect in force, and what was told of it."""
    with defect.patch():
        outcome = run(schedule)
    return outcome.law, outcome.told


@quickly()
def find(name: str, keep: bool = False) -> Found:
    """Try schedules until one finds the defect."""
    every_defect()
    defect = DEFECTS[name]
    for tried, seed in enumerate(range(1, AT_MOST + 1), start=1):
        schedule = draw(seed)
        law, told = law_with(defect, schedule)
        if not law or run(schedule).law:
            continue
        size = 0
        if keep:
            schedule = shrink(schedule, law, breaks=lambda smaller: law_with(defect, smaller)[0])
            size = schedule.size
            store(defect, law, schedule)
        return Found(name, law, told, seed, tried, size)
    return Found(name, "", "", 0, AT_MOST)


def store(defect: Defect, law: str, schedule: Schedule) -> None:
    """Keep the schedule that finds a defect."""
    SEEDS.mkdir(exist_ok=True)
    told = f'{{"defect": {json.dumps(defect.name)}, "law": {json.dumps(law)}, "schedule":\n'
    path_of(defect).write_text(f"{told}{schedule.to_json()}}}\n")


def path_of(defect: Defect) -> Path:
    """Return where the schedule of a defect is kept."""
    return SEEDS / f"{defect.name.replace(' ', '-').replace(chr(39), '')}.json"


def kept(defect: Defect) -> tuple[str, Schedule]:
    """Return the law that a kept schedule breaks with the defect, and the schedule. Raises OSError for none."""
    document = json.loads(path_of(defect).read_text())
    return document["law"], Schedule.from_json(json.dumps(document["schedule"]))


def search(*, workers: int, as_json: bool, keep: bool, names: tuple[str, ...] = ()) -> int:
    """Find every defect and print how; return 1 where one was not found."""
    wanted = [each for each in every_defect() if not names or each.name in names]
    results: dict[str, Found] = {}
    began = monotonic()
    print(
        f"{_counted(wanted)}: schedules are tried until one finds it, {AT_MOST:,} at most", file=sys.stderr, flush=True
    )
    with processes(workers) as pool:
        running = [pool.submit(find, each.name, keep) for each in wanted]
        for done in as_completed(running):
            found = done.result()
            results[found.name] = found
            how = f"{found.law} (seed {found.seed})" if found.law else "NOT FOUND"
            still = left(monotonic() - began, len(results), len(wanted))
            print(f"{len(results)} of {len(wanted)}{still}: {found.name}: {how}", file=sys.stderr)
    rows = [results[each.name] for each in wanted]
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        print("\n".join(_table(rows)))
    return 0 if all(row.law for row in rows) else 1


def _counted(wanted: list[Defect]) -> str:
    if len(wanted) == 1:
        return "1 defect"
    return f"{len(wanted)} defects, of which some take a second and a few take minutes"


def left(seconds: float, done: int, wanted: int) -> str:
    """Say how long it may yet take, as if the others were like those that are done."""
    minutes = seconds / done * (wanted - done) / 60
    return f", about {max(1, round(minutes))} min left" if done < wanted else ""


def _table(rows: list[Found]) -> list[str]:
    lines = [("defect", "room", "seed", "schedules", "the law that it breaks")]
    lines += [
        (row.name, DEFECTS[row.name].room, str(row.seed or "-"), str(row.schedules), row.law or "NOT FOUND")
        for row in rows
    ]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
