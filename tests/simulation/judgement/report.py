"""The table as a page of the documentation."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.simulation.judgement.campaign import Row, fingerprint
from tests.simulation.judgement.figures import goals, missed
from tests.simulation.judgement.pairs import in_words, pairs
from tests.simulation.judgement.table import markdown

TERMS = """\
Simulated releases in closed loop: each decision moves the traffic that the next windows are measured on. An hour of
stable history comes before, and users are counted to the end of the hour after the begin. Unless a row says otherwise,
50 requests a second come in one-minute windows, each seen one window after it ended, and the weights are 5, 10, 25 and
50 % (or 1, 5, 20 and 50 %), then 95 % for a bake of 20 minutes, then everything.

- **taken back**: share of the releases that were rolled back, with its exact 95 % interval. Wrong for a healthy
  candidate, wanted for a bad one.
- **harmed**: expected requests of the candidate that stable would have served well (no error, within 250 ms) until the
  rollback or the end of the hour; the mean of all releases.
- **requests**, **found min**: requests of the candidate and minutes until the rollback, in the median.
- **promoted**, **median**, **p90**: releases that passed their last step below 95 %, and when.
- **concern**: releases that were paused for a person, who never comes here.

What the scenarios are is said beside their numbers in `tests/simulation/judgement/scenarios.py`, and the rules of the
peers in `tests/simulation/judgement/peers.py`.
"""


def write_report(path: Path, rows: Sequence[Row], *, runs: int, seed: int) -> None:
    """Write the page: how it was made, what was missed, every row."""
    path.write_text(page(rows, runs=runs, seed=seed))


def page(rows: Sequence[Row], *, runs: int, seed: int) -> str:
    """Return the page in Markdown."""
    ours = [row for row in rows if row.cell.driver == "slipway"]
    asked, short = [row for row in ours if goals(row.cell)], [row for row in ours if missed(row.cell, row.figures)]
    fewer = sum(row.figures.runs < runs for row in rows)
    often = f"{runs:,} runs a cell" + (f", fewer where a row says so ({fewer} of {len(rows)})" if fewer else "")
    made = f"{often}, seed {seed}, analysis {fingerprint()}, {datetime.now(UTC):%Y-%m-%d}"
    beside = {row.cell.world + row.cell.ramp for row in rows if row.cell.driver != "slipway"}
    parts = [
        "# What the judgement does, in figures\n",
        f"Made by `{_command()}`: {made}. `make bench JUDGEMENT=full` makes the whole table with 2,500 runs a cell.\n",
        TERMS,
        f"Goals are set for {len(asked)} rows; {len(short)} miss one.\n",
        _part("Goals that were missed", short, lambda row: True),
        _part("Healthy candidates", ours, lambda row: row.cell.what.healthy),
        _part("Bad candidates", ours, lambda row: not row.cell.what.healthy),
        _windows(rows),
        _part("Beside the peers", rows, lambda row: row.cell.world + row.cell.ramp in beside),
    ]
    return "\n".join(part for part in parts if part)


def _command() -> str:
    """Return the call that made the page, without where it was written to."""
    return " ".join(("python -m tests.simulation.judgement", *sys.argv[1:])).partition(" --write")[0]


def _part(title: str, rows: Sequence[Row], belongs: Callable[[Row], bool]) -> str:
    chosen = [row for row in rows if belongs(row)]
    return f"## {title}\n\n{markdown(chosen)}" if chosen else ""


def _windows(rows: Sequence[Row]) -> str:
    found = pairs(rows)
    if not found:
        return ""
    lines = "".join(f"- {in_words(pair)}\n" for pair in found)
    return f"## Short windows against long ones\n\nNo regression may harm more with the short ones.\n\n{lines}"
