"""An answer cut into windows: how much each part of it adds up to, for one side of the comparison."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.adapters.prometheus.answer import Row, read_number
from shared.adapters.prometheus.counting import PART
from shared.domain.names import Version


@dataclass(frozen=True, slots=True)
class Side:
    """Whose series count."""

    version: Version | None
    """None: every version but the other one, also series without the label."""
    other: Version | None

    def covers(self, version: str) -> bool:
        """Whether a series with this value of the version label counts."""
        return version == self.version if self.version is not None else version != self.other


@dataclass(frozen=True, slots=True)
class Grid:
    """The moments that were asked for: each step's end, a whole number of steps in each window."""

    since: datetime
    window: timedelta
    windows: int
    steps: int
    """In each window."""

    @property
    def step(self) -> timedelta:
        """How long a step is."""
        return self.window // self.steps

    @property
    def first(self) -> datetime:
        """The end of the first step."""
        return self.since + self.step

    @property
    def until(self) -> datetime:
        """The end of the last step."""
        return self.since + self.windows * self.window

    def place(self, moment: int) -> tuple[int, bool] | None:
        """Return which window a step's end (milliseconds) belongs to and whether it ends it; None for other moments."""
        past, step = moment - round(self.since.timestamp() * 1000), self.step // timedelta(milliseconds=1)
        number, rest = divmod(past, step)
        if rest or not 1 <= number <= self.windows * self.steps:
            return None
        return (number - 1) // self.steps, number % self.steps == 0


@dataclass(slots=True)
class _Added:
    """One series' figures by window."""

    row: Row
    total: dict[int, float] = field(default_factory=dict)
    at_end: dict[int, float] = field(default_factory=dict)


class Parts:
    """The series of an answer by the part they belong to."""

    def __init__(self, rows: Iterable[Row], grid: Grid, version_label: str) -> None:
        self._label = version_label
        self._by_part: dict[str, list[_Added]] = {}
        self.misplaced = 0
        """How many figures were of moments that nobody asked for, and were dropped."""
        for row in rows:
            self._by_part.setdefault(row.label(PART), []).append(self._added(row, grid))

    def total(self, part: str, index: int, side: Side | None = None) -> float | None:
        """Return the sum over all series and steps of a window; None where there are none. No side: all versions."""
        return _sum(added.total.get(index) for added in self._of(part, side))

    def at_end(self, part: str, index: int, side: Side | None = None) -> float | None:
        """Return the sum over all series at the window's end."""
        return _sum(added.at_end.get(index) for added in self._of(part, side))

    def by_edge(self, part: str, index: int, side: Side) -> dict[float, float]:
        """Return the totals by the label `le`, however it is written. Raises `UnreadableError`."""
        found: dict[float, float] = {}
        for added in self._of(part, side):
            total = added.total.get(index)
            if total is not None:
                edge = read_number(added.row.label("le"))
                found[edge] = found.get(edge, 0.0) + total
        return found

    def _of(self, part: str, side: Side | None) -> Iterator[_Added]:
        for added in self._by_part.get(part, ()):
            if side is None or side.covers(added.row.label(self._label)):
                yield added

    def _added(self, row: Row, grid: Grid) -> _Added:
        added = _Added(row)
        for moment, value in row.values.items():
            if (place := self._place(grid, moment)) is not None:
                index, ends = place
                added.total[index] = added.total.get(index, 0.0) + value
                if ends:
                    added.at_end[index] = value
        return added

    def _place(self, grid: Grid, moment: int) -> tuple[int, bool] | None:
        place = grid.place(moment)
        self.misplaced += place is None
        return place


def _sum(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None
