"""What people and their tools are told of an experiment: a report as a plain JSON object."""

from math import isfinite

from shared.domain.experiments.confidence import Interval, Rate
from shared.domain.experiments.report import Effect, ExperimentReport
from shared.domain.experiments.split import Split
from shared.domain.experiments.words import in_words
from shared.domain.rollout.experimenting import assumed, standing
from shared.domain.rollout.plan import Compare
from shared.domain.rollout.state import Rollout


def rollout_experiment_view(rollout: Rollout) -> dict[str, object] | None:
    """Return how a rollout's experiment stands, or ended; None where it is none."""
    report = standing(rollout)
    if report is None:
        return None
    notes = assumed(rollout.plan, rollout.spec) if rollout.spec else ()
    return {**experiment_view(report), "over": rollout.experiment_over, "notes": list(notes)}


def experiment_step_view(step: Compare) -> dict[str, object]:
    """Return what an experiment asks and when it is over."""
    ends, audience = step.ends, step.audience
    return {
        "goal": step.goal.name,
        "better": step.goal.better,
        "after_seconds": ends.after.total_seconds(),
        "requests": ends.requests,
        "when_decided": ends.when_decided,
        "promotes": step.promotes,
        "audience": None if audience is None else {audience.mark.carried_in: audience.mark.name},
    }


def experiment_view(report: ExperimentReport) -> dict[str, object]:
    """Return the report. Shares are fractions; what has no bound or was not measured is null."""
    return {
        "at": report.at.isoformat(),
        "winner": report.winner,
        "words": in_words(report),
        "requests": report.requests,
        "goal": _effect(report.goal),
        "others": [_effect(effect) for effect in report.others],
        "split": _split(report.split),
    }


def _split(split: Split | None) -> dict[str, object] | None:
    if split is None:
        return None
    return {
        "planned": split.planned,
        "observed": split.observed,
        "evidence": split.evidence,
        "mismatch": split.is_mismatch,
    }


def _effect(effect: Effect) -> dict[str, object]:
    return {
        "name": effect.goal.name,
        "better": effect.goal.better,
        "favours": effect.favours,
        "candidate": _rate(effect.candidate),
        "stable": _rate(effect.stable),
        "difference": _interval(effect.difference),
        "relative": _interval(effect.relative),
        "visible": effect.visible,
        "lack": effect.lack or None,
    }


def _rate(rate: Rate | None) -> dict[str, object] | None:
    if rate is None:
        return None
    return {"events": rate.events, "of": rate.of, "share": rate.share if rate.of > 0 else None}


def _interval(interval: Interval | None) -> dict[str, object] | None:
    if interval is None:
        return None
    figures = {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
    return {name: figure if isfinite(figure) else None for name, figure in figures.items()}
