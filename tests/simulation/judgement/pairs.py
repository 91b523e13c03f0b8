"""Short windows against long ones: no regression may harm more users when it is looked at more often."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tests.simulation.judgement.campaign import Row
from tests.simulation.judgement.cells import SHORT_WINDOW, Cell

NOISE = 1.1
"""What two means of the same size may differ by, together with one user."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same regression with short and with long windows."""

    short: Row
    long: Row

    @property
    def is_worse(self) -> bool:
        """Whether the short windows harm more, beyond noise."""
        return self.short.figures.harmed > NOISE * self.long.figures.harmed + 1


def pairs(rows: Iterable[Row]) -> Sequence[Pair]:
    """Return each regression that has both rows."""
    found: dict[Cell, Row] = {row.cell: row for row in rows}
    partners = ((row, found.get(replace(cell, window_seconds=60))) for cell, row in found.items() if _is_short(cell))
    return tuple(Pair(row, long) for row, long in partners if long is not None)


def _is_short(cell: Cell) -> bool:
    return cell.window_seconds == SHORT_WINDOW and not cell.what.healthy


def in_words(pair: Pair) -> str:
    """Return one line on the pair."""
    cell, short, long = pair.short.cell, pair.short.figures, pair.long.figures
    worse = "  WORSE" if pair.is_worse else ""
    return (
        f"{cell.scenario} at {100 * cell.base:g} %, {cell.rps:g} req/s, {cell.ramp} % first: "
        f"{short.harmed:,.1f} harmed with {cell.window_seconds}-s windows, {long.harmed:,.1f} with 60-s ones{worse}"
    )
