"""The table as a page of the documentation."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.simulation.campaign import Row, fingerprint
from tests.simulation.figures import missed
from tests.simulation.table import markdown


def write_report(path: Path, rows: Sequence[Row], *, runs: int, seed: int) -> None:
    """Write the page: how it was made, what was missed, every row."""
    short = [row for row in rows if missed(row.cell, row.figures)]
    path.write_text(
        f"# What the judgement does, in figures\n\n"
        f"Made by `make bench JUDGEMENT=full`: {runs} runs a cell, seed {seed}, analysis {fingerprint()}, "
        f"{datetime.now(UTC):%Y-%m-%d}. {len(rows)} rows; {len(short)} miss a goal.\n\n{markdown(rows)}"
    )
