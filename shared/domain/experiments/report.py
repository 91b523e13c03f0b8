"""The report of an experiment, reckoned from the counts of both arms so far. It may be asked for at any time."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.analysis.measurement import Sample
from shared.domain.experiments.confidence import (
    Interval,
    Rate,
    boundary,
    difference,
    ratio,
    visible_difference,
)
from shared.domain.experiments.experiment import (
    Arm,
    ArmCounts,
    Arms,
    Better,
    Counter,
    Ended,
    Ends,
    Experiment,
    Failures,
    Goal,
    SlowerThan,
    two_arms,
)
from shared.domain.experiments.split import Split, split


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What the candidate changed in one figure."""

    goal: Goal
    candidate: Rate | None = None
    """Events of opportunities; None where the counts do not say."""
    stable: Rate | None = None
    difference: Interval | None = None
    """The candidate's share less stable's."""
    relative: Interval | None = None
    """The same as a part of stable's share: 0.1 is a tenth more. None as well where neither arm had an event."""
    visible: float | None = None
    """The difference that would be told from none by now, nine times in ten; None: none would."""
    lack: str = ""
    """Why there is no interval; empty where there is one."""

    @property
    def favours(self) -> Arm | None:
        """The arm that is better, where no difference is ruled out at every look together."""
        if self.difference is None or self.difference.low <= 0.0 <= self.difference.high:
            return None
        is_higher = self.difference.low > 0.0
        return Arm.CANDIDATE if is_higher is (self.goal.better is Better.HIGHER) else Arm.STABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReport:
    """How an experiment stands."""

    at: datetime
    """Up to when the counts reach."""
    requests: float
    """Of both arms together."""
    goal: Effect
    others: tuple[Effect, ...]
    split: Split | None
    """None where nobody knows how the requests were to be divided."""

    @property
    def winner(self) -> Arm | None:
        """The arm that is better by the goal; nobody where the requests were not divided as planned."""
        return None if self.split is not None and self.split.is_mismatch else self.goal.favours


def report(experiment: Experiment, arms: tuple[ArmCounts, ...], at: datetime) -> ExperimentReport:
    """Return the report. Raises `InvalidError` for other than two arms, and for counts that cannot be."""
    both = two_arms(arms)
    n_c, n_s = both.candidate.requests, both.stable.requests
    return ExperimentReport(
        at=at,
        requests=n_c + n_s,
        goal=_effect(experiment.goal, both, experiment),
        others=tuple(_effect(goal, both, experiment) for goal in experiment.others),
        split=_split(n_c, n_s, experiment),
    )


def _split(n_c: float, n_s: float, experiment: Experiment) -> Split | None:
    if experiment.share is None:
        return None
    return split(
        n_c,
        n_s,
        experiment.share,
        tolerance=experiment.split_tolerance,
        dispersion=experiment.split_dispersion,
    )


def ended(standing: ExperimentReport, ends: Ends) -> Ended | None:
    """Return why the experiment is over, or None while it goes on."""
    if ends.when_decided and standing.winner is not None:
        return Ended.DECIDED
    if ends.requests is not None and standing.requests >= ends.requests:
        return Ended.REQUESTS
    if ends.at is not None and standing.at >= ends.at:
        return Ended.TIME
    return None


def _effect(goal: Goal, arms: Arms, experiment: Experiment) -> Effect:
    candidate, stable = _rate(goal, arms.candidate), _rate(goal, arms.stable)
    lack = _lack(goal, candidate, stable)
    if lack or candidate is None or stable is None:
        return Effect(goal=goal, candidate=candidate, stable=stable, lack=lack)
    # Chosen by the plan, not by the counts: which arm turned out scarcer is chance.
    scarcer = candidate.of if experiment.share is None or experiment.share <= 0.5 else stable.of
    allowed = goal.dispersion * boundary(scarcer, experiment.alpha)
    times = ratio(candidate, stable, allowed)
    return Effect(
        goal=goal,
        candidate=candidate,
        stable=stable,
        difference=difference(candidate, stable, allowed),
        relative=times and Interval(times.estimate - 1.0, times.low - 1.0, times.high - 1.0),
        visible=visible_difference(candidate, stable, allowed, goal.dispersion),
    )


def _rate(goal: Goal, sample: Sample) -> Rate | None:
    """Return how many of how many; None where the sample does not say."""
    match goal.measure:
        case Failures():
            return Rate(sample.failures, sample.requests)
        case Counter(name):
            value = sample.named(name)
            if value is None:
                return Rate(0.0, 0.0) if sample.requests == 0 else None
            return Rate(value.value, sample.requests if value.of is None else value.of)
        case SlowerThan(milliseconds):
            histogram = sample.histogram
            slower = None if histogram is None else histogram.above(milliseconds)
            return None if histogram is None or slower is None else Rate(slower, histogram.total)


def _lack(goal: Goal, candidate: Rate | None, stable: Rate | None) -> str:
    for arm, rate in ((Arm.CANDIDATE, candidate), (Arm.STABLE, stable)):
        if rate is None:
            return f"the {arm}'s counts do not tell {_asked(goal)}"
        if rate.of <= 0:
            return f"the {arm} had no requests yet"
        if not 0.0 <= rate.events <= rate.of:
            return f"the {arm} counts {rate.events:,.0f} of {rate.of:,.0f}: no share, so there is no interval of shares"
    return ""


def _asked(goal: Goal) -> str:
    match goal.measure:
        case Failures():
            return "failures"
        case Counter(name):
            return f"a counter {name}"
        case SlowerThan(milliseconds):
            return f"how many were slower than {milliseconds:g} ms: no edge of the histogram is there"
