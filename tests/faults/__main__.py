"""`make faults`: the real host is killed 200 times over 20 rollouts, and nothing may be lost or doubled.

Prints a line for each rollout and a closing table, or with `--json` a document for machines. Exits with 1 when a
promise was broken; the folder of the run is kept then, and named.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from rich.console import Console, Group, RenderableType
from rich.table import Table

from tests import command_line
from tests.command_line import asked_of, whole
from tests.faults.campaign import Result, run_campaign


def main() -> int:
    """Run one campaign in a folder of its own."""
    options = _parse()
    progress = Console(stderr=True, highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="slipway-faults-"))
    progress.print(f"{options.kills} kills over {options.rollouts} rollouts, seed {options.seed}")
    try:
        result = run_campaign(
            folder,
            kills=options.kills,
            rollouts=options.rollouts,
            seed=options.seed,
            until_swept=True,
            say=progress.print,
        )
    except BaseException:
        progress.print(f"broken off: what the run left is kept in {folder}")
        raise
    if options.json:
        json.dump({"seed": options.seed, **asdict(result), "wrong": result.wrong}, sys.stdout, indent=2)
    else:
        Console(highlight=False, width=None if sys.stdout.isatty() else 130).print(_closing(result))
    if result.wrong:
        progress.print(f"what the run left is kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _closing(result: Result) -> RenderableType:
    promises = Table(title="looked at from the outside", title_justify="left")
    promises.add_column("promise")
    promises.add_column("looked at", justify="right")
    promises.add_column("wrong", justify="right")
    for check in result.checks:
        promises.add_row(check.promise, f"{check.looked:,}", f"{len(check.wrong)}")
    return Group(_table_of(_totals(result)), promises, *result.wrong)


def _totals(result: Result) -> dict[str, str]:
    """Return what was done, in words and figures."""
    ends = Counter(told.phase for told in result.told)
    lives = [kill.life for kill in result.kills]
    return {
        "kills by SIGKILL": f"{len(result.kills)}",
        "of them while the host started": f"{sum(not kill.was_ready for kill in result.kills)}",
        "a life of the host, from start to kill": f"{mean(lives):.1f} s, {min(lives):.2f} to {max(lives):.2f} s",
        "rollouts": ", ".join(f"{count} {phase}" for phase, count in ends.most_common()),
        "a rollout took": f"{mean(told.seconds for told in result.told):.0f} s",
        "commands accepted, each sent twice": f"{sum(len(told.commands) for told in result.told)}",
        "calls of hooks": f"{result.hook_calls}",
        "the whole run": f"{result.seconds / 60:.1f} minutes",
    }


def _table_of(rows: dict[str, str]) -> Table:
    table = Table(show_header=False)
    for what, figure in rows.items():
        table.add_row(what, figure)
    return table


def _parse() -> argparse.Namespace:
    parser = asked_of(
        "faults",
        __doc__,
        "make faults                       # 200 kills over 20 rollouts, about 20 minutes; then the other faults",
        "make faults KILLS=20 ROLLOUTS=2   # a few minutes",
    )
    parser.add_argument("--kills", type=whole("KILLS", 1), default=200, help="how often the host is killed (KILLS=)")
    parser.add_argument("--rollouts", type=whole("ROLLOUTS", 1), default=20, help="over so many rollouts (ROLLOUTS=)")
    parser.add_argument("--seed", type=whole("SEED", 0), default=1, help="decides when it is killed (SEED=)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
