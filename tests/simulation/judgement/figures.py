"""What the runs of a cell say together, and whether that is what was asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
from scipy.stats import beta

from tests.simulation.judgement.cells import Cell
from tests.simulation.judgement.loop import Outcome

ALPHA = 0.01
UPPER = 0.015
"""The upper end of the 95 % interval of the false rollbacks, where there are runs enough for it."""
RUNS_FOR_UPPER = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One cell's row; shares are fractions, times minutes, NaN what no run has."""

    runs: int
    rolled_back: float
    rolled_back_low: float
    rolled_back_high: float
    harmed: float
    requests_to_rollback: float
    minutes_to_rollback: float
    promoted: float
    minutes_to_promotion: float
    minutes_to_promotion_p90: float
    concerned: float
    minutes_to_concern: float


def summarize(outcomes: Sequence[Outcome]) -> Figures:
    """Sum up; `promoted` counts what got to its promotion, taken back later or not."""
    runs = len(outcomes)
    back = [each for each in outcomes if each.rolled_back is not None]
    low, high = interval(len(back), runs)
    return Figures(
        runs=runs,
        rolled_back=len(back) / runs,
        rolled_back_low=low,
        rolled_back_high=high,
        harmed=float(np.mean([each.harmed for each in outcomes])),
        requests_to_rollback=_quantile([each.requests for each in back], 0.5),
        minutes_to_rollback=_quantile([each.rolled_back for each in back], 0.5),
        promoted=sum(each.promoted is not None for each in outcomes) / runs,
        minutes_to_promotion=_quantile([each.promoted for each in outcomes], 0.5),
        minutes_to_promotion_p90=_quantile([each.promoted for each in outcomes], 0.9),
        concerned=sum(each.concerned is not None for each in outcomes) / runs,
        minutes_to_concern=_quantile([each.concerned for each in outcomes], 0.5),
    )


def interval(hits: int, runs: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a share (Clopper and Pearson 1934)."""
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, hits, runs - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, runs - hits)) if hits < runs else 1.0
    return low, high


def _quantile(values: Sequence[float | None], share: float) -> float:
    found = [value for value in values if value is not None]
    return float(np.quantile(found, share)) if found else nan


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise on a figure."""

    says: str
    is_kept: Callable[[Figures], bool]


def _at_most(name: str, limit: float, what: str) -> Goal:
    return Goal(f"{what} ≤ {limit:g}", lambda figures: getattr(figures, name) <= limit)


def _share_at_least(name: str, limit: float, what: str) -> Goal:
    return Goal(f"{what} ≥ {100 * limit:g} %", lambda figures: getattr(figures, name) >= limit)


def _share_at_most(name: str, limit: float, what: str) -> Goal:
    return Goal(f"{what} ≤ {100 * limit:g} %", lambda figures: getattr(figures, name) <= limit)


def _few_false_rollbacks(figures: Figures) -> bool:
    sure = figures.runs < RUNS_FOR_UPPER or figures.rolled_back_high <= UPPER
    return figures.rolled_back <= ALPHA and sure


FEW_FALSE = Goal("false rollbacks ≤ 1 %", _few_false_rollbacks)
NEVER_PROMOTED = _share_at_most("promoted", 0.0, "promoted")

_LONG, _SHORT = ("50/60/1", "50/15/0")
_OWN: dict[str, tuple[Goal, ...]] = {
    f"total/*/{_LONG}/5": (_at_most("harmed", 305, "harmed"),),
    f"total/*/{_LONG}/1": (_at_most("harmed", 61, "harmed"),),
    f"total/*/{_SHORT}/1": (_at_most("harmed", 20, "harmed"),),
    f"p5/*/{_LONG}/5": (_at_most("harmed", 30.5, "harmed"),),
    f"p1/0.001/{_LONG}/5": (_share_at_least("rolled_back", 0.99, "found"), _at_most("harmed", 16, "harmed")),
    f"x5/0.01/{_LONG}/5": (
        _at_most("requests_to_rollback", 750, "requests"),
        _at_most("harmed", 30, "harmed"),
    ),
    f"x5/0.001/{_LONG}/5": (_share_at_least("rolled_back", 0.95, "found"), _at_most("harmed", 60, "harmed")),
    f"lat12/*/{_LONG}/5": (
        _share_at_least("rolled_back", 0.97, "found"),
        _at_most("harmed", 289, "harmed, a third below 433:"),
    ),
    f"lat20x/*/{_LONG}/5": (_share_at_least("rolled_back", 1.0, "found"), _at_most("harmed", 126, "harmed")),
    f"slow_burn/*/{_LONG}/5": (_share_at_least("rolled_back", 1.0, "found"),),
    f"slow_burn/0.001/{_LONG}/5": (_at_most("harmed", 27, "harmed"),),
    f"x2/0.01/{_LONG}/5": (_at_most("harmed", 95, "harmed, a third below 143:"),),
    f"x5_burst/0.01/{_LONG}/5": (_share_at_least("rolled_back", 0.80, "found, a third fewer missed than 70 %:"),),
    f"x5_clusters/0.001/{_LONG}/5": (_at_most("harmed", 121, "harmed, a third below 181:"),),
    f"aa/*/{_LONG}/5": (_at_most("minutes_to_promotion", 9, "minutes"),),
    "aa/*/50/60/0/5": (_at_most("minutes_to_promotion", 5, "minutes"),),
    "aa/*/50/15/0/5": (_at_most("minutes_to_promotion", 5, "minutes"),),
    "aa/*/5/60/1/5": (_at_most("minutes_to_promotion", 33, "minutes, a third below 50:"),),
}
_BY_SCENARIO: dict[str, tuple[Goal, ...]] = {
    "silent": (NEVER_PROMOTED,),
    "crashed": (NEVER_PROMOTED, _share_at_least("concerned", 1.0, "concerned")),
    "lost50": (_share_at_least("concerned", 1.0, "concerned"),),
    "sticky": (_share_at_most("concerned", 0.01, "concerned"),),
}


def goals(cell: Cell) -> tuple[Goal, ...]:
    """Return what is asked of ours in this cell; nothing is asked of a peer."""
    if cell.driver != "slipway":
        return ()
    if cell.smallest:
        return (FEW_FALSE,) if cell.what.healthy else (_share_at_least("rolled_back", 0.95, "found"),)
    terms = f"{cell.rps:g}/{cell.window_seconds}/{cell.lag}/{cell.ramp}"
    own = [_OWN.get(f"{cell.scenario}/{base}/{terms}", ()) for base in ("*", f"{cell.base:g}")]
    named = _BY_SCENARIO.get(cell.scenario, ()) if cell.rps >= 50 else _BY_SCENARIO.get(cell.scenario, ())[:1]
    return (*((FEW_FALSE,) if cell.what.healthy else ()), *own[0], *own[1], *named)


def missed(cell: Cell, figures: Figures) -> tuple[Goal, ...]:
    """Return the goals that the figures do not keep. A figure that no run has keeps no goal."""
    return tuple(goal for goal in goals(cell) if not goal.is_kept(figures))


def show(value: float, digits: int = 1) -> str:
    """Return a figure for the table: a dash where there is none."""
    return "-" if isnan(value) else f"{value:,.{digits}f}"
