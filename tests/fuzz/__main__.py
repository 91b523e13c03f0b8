"""`make fuzz`: every parser under hypothesis and atheris, the routes, and 100,000 damaged specs.

Each parser has `--minutes` (10): half of them random, half guided by coverage. Findings are in .cache/fuzz/findings:
the smallest input of each belongs into tests/fuzz/found/<parser>/, together with what mends it.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from textwrap import fill

from rich.console import Console
from rich.table import Table

from local.interruption import InterruptedBySignal, Interruption
from tests import command_line
from tests.command_line import asked_of, more_than_none, whole
from tests.fuzz import runs
from tests.fuzz.findings import Keeper
from tests.fuzz.guided_run import is_there
from tests.fuzz.runs import Run, Task
from tests.fuzz.task_process import TaskProcess


def main() -> int:
    """Return 1 where anything was found."""
    parser = _arguments()
    asked = parser.parse_args()
    try:
        waiting = runs.tasks(asked.parser, minutes=asked.minutes, seed=asked.seed, mutations=asked.mutations)
    except ValueError as error:
        parser.error(f"PARSER={asked.parser}: {error} (python -m tests.fuzz --help lists them all)")
    progress = Console(stderr=True, highlight=False)
    if not is_there():
        progress.print("atheris is not installed here: the part that is guided by coverage is left out")
    found, keeper = [], Keeper()
    try:
        for run in _runs(waiting, asked.jobs):
            found.append(run)
            progress.print(run.in_words())
            for finding in run.findings:
                progress.print(f"  {finding.kind}: {keeper.keep(finding)}", style="red")
    except InterruptedBySignal as interrupted:
        return interrupted.exit_code
    finally:
        _print(found, as_json=asked.json)
    return int(any(run.findings or run.trouble for run in found))


def _arguments() -> argparse.ArgumentParser:
    parser = asked_of(
        "fuzz",
        f"{__doc__}\nWhat can be fuzzed by itself:\n{fill(', '.join(runs.NAMES), 100, break_on_hyphens=False)}",
        "make fuzz MINUTES=0.3                      # half an hour on two cores",
        "make fuzz PARSER=spec,routes MUTATIONS=0   # only these",
    )
    parser.add_argument("--minutes", type=more_than_none("MINUTES"), default=10.0, help="a parser, and for all routes")
    parser.add_argument("--parser", default="", help="only these, with commas between: parsers, routes, spec-mutations")
    parser.add_argument("--seed", type=whole("SEED", 0), default=1, help="of everything that is chance")
    parser.add_argument("--mutations", type=whole("MUTATIONS", 0), default=100_000, help="of release specs")
    parser.add_argument("--jobs", type=whole("JOBS", 1), default=os.cpu_count() or 1, help="parsers at once")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    return parser


def _runs(waiting: list[Task], jobs: int) -> Iterator[Run]:
    """Yield each run as it ends. Each task has a process of its own; this one only tells of them."""
    stop = Interruption().listen()
    working: list[TaskProcess] = []
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                working.append(TaskProcess(waiting.pop(0)))
            stop.sleep(0.2)
            for ended in [each for each in working if each.has_ended()]:
                working.remove(ended)
                yield from ended.runs()
    finally:
        for each in working:
            each.end()


def _print(found: list[Run], *, as_json: bool) -> None:
    if as_json:
        json.dump([run.plain() for run in found], sys.stdout, indent=2)
        print()
    else:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
        console.print(_table(found))


def _table(found: list[Run]) -> Table:
    table = Table(box=None, header_style="bold")
    for column in ("parser", "how"):
        table.add_column(column, no_wrap=True)
    for column in ("examples", "taken", "seconds", "a second", "edges", "findings"):
        table.add_column(column, justify="right")
    for run in sorted(found, key=lambda each: (each.parser, each.how)):
        table.add_row(
            run.parser,
            run.how,
            f"{run.examples:,}",
            f"{run.taken:,}" if run.taken is not None else "",
            f"{run.seconds:.0f}",
            f"{run.a_second:,.0f}",
            f"{run.edges:,}" if run.edges is not None else "",
            str(len(run.findings)) if not run.trouble else run.trouble,
        )
    total = sum(run.examples for run in found)
    table.add_row(
        "all",
        "",
        f"{total:,}",
        "",
        f"{sum(run.seconds for run in found):.0f}",
        "",
        "",
        str(sum(len(run.findings) for run in found)),
    )
    return table


if __name__ == "__main__":
    command_line.run(main)
