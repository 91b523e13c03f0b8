"""Which share of the users each step really sent to the candidate, beside the share that was wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

from local.story.seen import LoadSeen, RolloutSeen

STANDARD_ERRORS = 4
"""How far chance may take a share from its weight: beyond that once in 16,000 steps."""


def chance_of(wanted: float, requests: int, standard_errors: int) -> float:
    """Return how far chance may take a share of so many requests from its weight, all in percent."""
    weight = wanted / 100
    return 100 * standard_errors * sqrt(weight * (1 - weight) / requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShare:
    """Fresh clients' requests in one step. Shares are percentages."""

    version: str
    label: str
    wanted: float
    requests: int
    """Answered while the step was in force, by any version."""
    to_candidate: int
    in_flight: int
    """Under way when the step was first seen in force: they may have been divided by the weight before it."""
    standard_errors: int = STANDARD_ERRORS
    """How far chance may take it."""

    @property
    def share(self) -> float | None:
        """The candidate's share; None without requests."""
        return 100 * self.to_candidate / self.requests if self.requests else None

    @property
    def tolerance(self) -> float:
        """How far the share may lie from the weight: standard errors of a binomial share, and what was in flight."""
        if not self.requests:
            return 0.0
        chance = chance_of(self.wanted, self.requests, self.standard_errors)
        return chance + 100 * self.in_flight / self.requests

    @property
    def fits(self) -> bool:
        """Whether the share is as wanted, as far as so many requests can tell."""
        return self.share is not None and abs(self.share - self.wanted) <= self.tolerance


@dataclass(slots=True)
class StepMeter:
    """Counts the requests of each step of one rollout from looks at it, and none of another step.

    A look reads the load, then the rollout, then the load again. What is counted before a rollout is read at a
    weight was divided by that weight or an earlier one; what is counted after it by that weight or a later one. So
    a step's requests lie between the second reading of its first look and the first reading of its last.
    """

    version: str
    shares: list[StepShare] = field(default_factory=list)
    shown: str = ""
    """What the version is called in shares; itself where nothing is said."""
    standard_errors: int = STANDARD_ERRORS
    _began: LoadSeen | None = None
    _label: str = ""

    def look(self, before: LoadSeen, rollout: RolloutSeen, after: LoadSeen) -> None:
        """Take a look into account."""
        if not rollout.is_settled:
            self._label = ""
        elif self._began is None or rollout.label != self._label:
            self._begin(rollout, after)
        else:
            self.shares[-1] = self._share(rollout, self._began, before)

    def _begin(self, rollout: RolloutSeen, after: LoadSeen) -> None:
        self._began, self._label = after, rollout.label
        self.shares.append(self._share(rollout, after, after))

    def _share(self, rollout: RolloutSeen, began: LoadSeen, ended: LoadSeen) -> StepShare:
        return StepShare(
            version=self.shown or self.version,
            label=rollout.label,
            wanted=rollout.wanted,
            requests=_total(ended.requests) - _total(began.requests),
            to_candidate=ended.requests.get(self.version, 0) - began.requests.get(self.version, 0),
            in_flight=began.in_flight,
            standard_errors=self.standard_errors,
        )


def _total(split: Mapping[str, int]) -> int:
    return sum(split.values())
