"""What schedules have reached: which fault met which command in which phase."""

from collections import Counter
from collections.abc import Iterable, Mapping

Cell = tuple[str, str, str]
"""A phase, a command, a fault."""
NONE = "none"


def add_up(parts: Iterable[Mapping[Cell, int]]) -> Counter[Cell]:
    """Return the sum of what several have reached."""
    total: Counter[Cell] = Counter()
    for part in parts:
        total.update(part)
    return total


def table(total: Mapping[Cell, int]) -> list[str]:
    """Return the lines of two tables: decisions and faults by phase and command, and faults by their kind and phase."""
    return [*_by_command(total), "", *_by_fault(total)]


def _by_command(total: Mapping[Cell, int]) -> list[str]:
    phases = sorted({phase for phase, _, _ in total})
    commands = sorted({command for _, command, _ in total})
    rows = [["command", *phases]]
    for command in commands:
        cells = []
        for phase in phases:
            decided = total.get((phase, command, NONE), 0)
            met = {fault for p, c, fault in total if (p, c) == (phase, command) and fault != NONE}
            hits = sum(total[phase, command, fault] for fault in met)
            cells.append(f"{decided} / {hits} ({len(met)})" if decided or hits else "-")
        rows.append([command, *cells])
    return ["decided / hit by faults (kinds of them), by command and phase", *_aligned(rows)]


def _by_fault(total: Mapping[Cell, int]) -> list[str]:
    phases = sorted({phase for phase, _, _ in total})
    faults = sorted({fault for _, _, fault in total if fault != NONE})
    rows = [["fault", *phases]]
    for fault in faults:
        hits = [sum(count for (p, _, f), count in total.items() if (p, f) == (phase, fault)) for phase in phases]
        rows.append([fault, *(str(count) if count else "-" for count in hits)])
    return ["hits, by fault and phase", *_aligned(rows)]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
