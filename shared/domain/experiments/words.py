"""The report of an experiment in a sentence for people."""

from math import floor, isfinite, log10

from shared.domain.experiments.confidence import Interval
from shared.domain.experiments.experiment import Arm
from shared.domain.experiments.report import Effect, ExperimentReport


def in_words(report: ExperimentReport) -> str:
    """Return how the experiment stands, with its numbers: who wins and by how much, or what could be seen by now."""
    return "; ".join([_verdict(report), *(_beside(effect) for effect in report.others if _moved(effect))])


def _verdict(report: ExperimentReport) -> str:
    goal = report.goal
    split = report.split
    if split is not None and split.is_mismatch and split.observed is not None:
        return (
            f"no verdict: {_percent(split.observed)} of {report.requests:,.0f} requests went to the candidate "
            f"where {_percent(split.planned)} were planned, so the arms cannot be compared"
        )
    if goal.lack:
        return f"no evidence yet: {goal.lack}"
    if report.winner is None:
        return f"no evidence yet: {_opportunities(goal)}; effect {_effect(goal)}; {_visible(goal)}"
    return f"{report.winner} wins by {goal.goal.name}: {_effect(goal)}; {_opportunities(goal)}"


def _moved(effect: Effect) -> bool:
    return effect.favours is not None


def _beside(effect: Effect) -> str:
    how = "better" if effect.favours is Arm.CANDIDATE else "worse"
    return f"the candidate is {how} by {effect.goal.name}: {_effect(effect)}"


def _opportunities(effect: Effect) -> str:
    assert effect.candidate is not None
    assert effect.stable is not None
    return f"{effect.candidate.of:,.0f} and {effect.stable.of:,.0f} {effect.goal.of}"


def _effect(effect: Effect) -> str:
    assert effect.difference is not None
    decimals = _decimals(effect.difference)
    points = _range(effect.difference, decimals, " points")
    if effect.favours is None or effect.relative is None:
        return points
    return f"{points}, relatively {_range(effect.relative, _decimals(effect.relative), ' %')}"


def _visible(effect: Effect) -> str:
    if effect.visible is None or effect.difference is None:
        return "no effect would be seen by now"
    return f"an effect of {100 * effect.visible:.{_decimals(effect.difference)}f} points would be seen by now"


def _range(interval: Interval, decimals: int, unit: str) -> str:
    estimate, low, high = (_signed(each, decimals) for each in (interval.estimate, interval.low, interval.high))
    return f"{estimate}{unit} ({low} to {high})"


def _signed(share: float, decimals: int) -> str:
    return f"{100 * share:+.{decimals}f}" if isfinite(share) else "any"


def _decimals(interval: Interval) -> int:
    """Return as many decimals of a percentage as show two digits of the interval's half."""
    half = 50 * (interval.high - interval.low)
    if not isfinite(half) or half <= 0:
        return 1
    return max(0, min(9, 1 - floor(log10(half))))


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
