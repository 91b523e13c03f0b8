"""What an experiment asks: which of two versions is better, by which figure, and when it is over."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.analysis.measurement import Sample
from shared.domain.analysis.sample_ratio import SPLIT_PHI
from shared.domain.errors import InvalidError, Problem
from shared.domain.experiments.split import TOLERANCE


class Arm(StrEnum):
    """One of the two versions that are compared."""

    CANDIDATE = "candidate"
    STABLE = "stable"


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed requests of all requests."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A count of the team's own, of its opportunities: conversions, of the requests or of the orders begun."""

    name: str


@dataclass(frozen=True, slots=True)
class SlowerThan:
    """Requests slower than this, of all in the histogram; it must be one of the histogram's edges."""

    milliseconds: float


Measure = Failures | Counter | SlowerThan


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A share that is to rise, or to fall."""

    name: str
    measure: Measure
    better: Better
    of: str = "requests"
    """What people call the opportunities."""
    dispersion: float = 1.0
    """The variance of its counts as a multiple of chance's, at least 1: events that come in clusters of one user each
    are fewer than they look. What the analysis learns of a rate before a rollout, `Dispersion.phi`, is this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A candidate beside the stable version, at a share of the requests that stays as it is."""

    goal: Goal
    """What decides."""
    others: tuple[Goal, ...] = ()
    """What is shown beside it, each with an interval of its own; they decide nothing."""
    share: float | None
    """The share of the requests that the candidate is to get, above 0 and below 1; None where nobody knows: then the
    split is not checked."""
    alpha: float = 0.05
    """The chance that an experiment without any effect ever names a winner, however often it is looked at."""
    split_tolerance: float = TOLERANCE
    """The relative deviation of the odds of the split that is nothing."""
    split_dispersion: float = SPLIT_PHI
    """The variance of the split as a multiple of chance's: about the requests that one user sends."""

    def __post_init__(self) -> None:
        """Refuse what cannot be reckoned with."""
        share = 0.5 if self.share is None else self.share
        problems = [
            Problem(name, f"found {value:g}; allowed is {allowed}")
            for name, value, is_sound, allowed in (
                ("share", share, 0.0 < share < 1.0, "a share above 0 and below 1: each arm needs requests"),
                ("alpha", self.alpha, 0.0 < self.alpha <= 0.5, "a chance above 0, at most 0.5, such as 0.05"),
                ("split_tolerance", self.split_tolerance, 0.0 <= self.split_tolerance < 1.0, "from 0 to below 1"),
                ("split_dispersion", self.split_dispersion, self.split_dispersion >= 1.0, "at least 1"),
                *(
                    (f"{goal.name}.dispersion", goal.dispersion, goal.dispersion >= 1.0, "at least 1")
                    for goal in (self.goal, *self.others)
                ),
            )
            if not is_sound
        ]
        if problems:
            raise InvalidError(*problems)


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Everything that an arm's users met since the experiment began."""

    name: str
    """`candidate` or `stable`."""
    counts: Sample


@dataclass(frozen=True, slots=True)
class Arms:
    """The counts of the two arms."""

    candidate: Sample
    stable: Sample


def two_arms(given: tuple[ArmCounts, ...]) -> Arms:
    """Return the two arms. Raises `InvalidError` for any others, and for counts that cannot be."""
    names = [arm.name for arm in given]
    if len(given) > len(Arm):
        raise InvalidError(
            Problem(
                "arms",
                f"found {len(given)} ({', '.join(names):.200}); allowed are two, candidate and stable: with every "
                "further arm a chance winner is more likely, so run one experiment after the other, the winner of one "
                "as the stable version of the next",
            )
        )
    if sorted(names) != sorted(Arm):
        raise InvalidError(
            Problem("arms", f"found {', '.join(names) or 'none'}; allowed are one candidate, one stable")
        )
    counts = {arm.name: arm.counts for arm in given}
    wrong = [name for name in names if not counts[name].is_plausible]
    if wrong:
        problems = (
            Problem(f"arms.{name}", "allowed are finite counts, none negative, no more failures than requests")
            for name in wrong
        )
        raise InvalidError(*problems)
    return Arms(candidate=counts[Arm.CANDIDATE], stable=counts[Arm.STABLE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """When an experiment is over; whichever comes first. Looking at it before costs nothing."""

    at: datetime | None = None
    requests: float | None = None
    """So many requests of both arms together."""
    when_decided: bool = False
    """As soon as there is a winner."""


class Ended(StrEnum):
    """Why an experiment is over."""

    DECIDED = "decided"
    REQUESTS = "requests"
    TIME = "time"
