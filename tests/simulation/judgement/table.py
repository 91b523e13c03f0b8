"""The rows as a table for people: in a terminal, or in Markdown."""

from collections.abc import Sequence

from rich.table import Table

from tests.simulation.judgement.campaign import Row
from tests.simulation.judgement.figures import Figures, goals, missed, show

HEAD = (
    "scenario",
    "base",
    "req/s",
    "window",
    "lag",
    "ramp",
    "who",
    "runs",
    "taken back % (95 %)",
    "harmed",
    "requests",
    "found min",
    "promoted %",
    "median min",
    "p90",
    "concern %",
    "goal",
)


def texts(row: Row) -> tuple[str, ...]:
    """Return the row's fields; what healthy releases lose and what regressions cost stand in the same columns."""
    cell, found = row.cell, row.figures
    low, high = 100 * found.rolled_back_low, 100 * found.rolled_back_high
    return (
        cell.scenario,
        f"{100 * cell.base:g} %",
        f"{cell.rps:g}",
        f"{cell.window_seconds} s",
        str(cell.lag),
        cell.ramp_name if cell.smallest else f"{cell.ramp} %",
        cell.driver,
        f"{found.runs:,}",
        f"{100 * found.rolled_back:.2f} ({low:.2f}-{high:.2f})",
        show(found.harmed, 0 if found.harmed >= 100 else 1),
        show(found.requests_to_rollback, 0),
        show(found.minutes_to_rollback),
        show(100 * found.promoted),
        show(found.minutes_to_promotion),
        show(found.minutes_to_promotion_p90),
        _concern(found),
        verdict(row),
    )


def _concern(found: Figures) -> str:
    """Return the share of releases that a person was called for, and when in the median."""
    share = show(100 * found.concerned)
    return f"{share} at {show(found.minutes_to_concern, 0)}" if found.concerned else share


def verdict(row: Row) -> str:
    """Return the goals of the row and whether they were reached."""
    asked = goals(row.cell)
    if not asked:
        return ""
    failed = missed(row.cell, row.figures)
    if not failed:
        return "ok: " + ", ".join(goal.says for goal in asked)
    return "MISSED: " + ", ".join(goal.says for goal in failed)


def terminal(rows: Sequence[Row], title: str) -> Table:
    """Return the table for a terminal."""
    table = Table(title=title, title_justify="left", show_lines=False)
    for name in HEAD:
        left = name in ("scenario", "who", "goal")
        table.add_column(name, justify="left" if left else "right", no_wrap=name != "goal")
    for row in rows:
        style = "red" if missed(row.cell, row.figures) else None
        table.add_row(*texts(row), style=style)
    return table


def markdown(rows: Sequence[Row]) -> str:
    """Return the table in Markdown."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(texts(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"
