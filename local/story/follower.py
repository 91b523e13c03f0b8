"""Following one rollout: looked at a few times a second, shown, and measured at each look."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from local.interruption import Interruption
from local.story.differs import StoryDiffersError
from local.story.screen import Screen
from local.story.seen import Happened, LoadSeen, RolloutSeen, Served
from local.story.shares import STANDARD_ERRORS, StepMeter
from local.story.slipway_api import SlipwayApi

LOOK_SECONDS = 0.25


class Users(Protocol):
    """Whoever comes, and what they met."""

    def load(self, load_id: str) -> LoadSeen:
        """Return how far a load is."""

    def served(self) -> dict[str, Served]:
        """Return what users met so far, by version."""


@dataclass(slots=True)
class FirstFailure:
    """When users met the first failure of a version: after the last look that saw none."""

    version: str
    after: datetime | None = None
    seen: bool = False

    def look(self, at: datetime, served: dict[str, Served]) -> None:
        """Take into account what users had met by then."""
        if self.seen:
            return
        if served.get(self.version, Served()).failures:
            self.seen = True
        else:
            self.after = at


@dataclass(slots=True)
class Follower:
    """Follows the rollout of one version, while a load of fresh clients runs."""

    slipway: SlipwayApi
    crowd: Users
    screen: Screen
    stop: Interruption
    load_id: str
    version: str
    rollout_id: str
    subject: str = ""
    """What it is called; the version where nothing is said."""
    standard_errors: int = STANDARD_ERRORS
    meter: StepMeter = field(init=False)
    first_failure: FirstFailure = field(init=False)
    _shown: str = ""

    def __post_init__(self) -> None:
        self.meter = StepMeter(self.version, shown=self.subject or self.version, standard_errors=self.standard_errors)
        self.subject = self.subject or f"version {self.version}"
        self.first_failure = FirstFailure(self.version)

    def look(self) -> RolloutSeen:
        """Look once, measure and show. Raises `InterruptedBySignal` when told to end."""
        self.stop.check()
        now = datetime.now(UTC)
        before = self.crowd.load(self.load_id)
        rollout = self.slipway.rollout(self.rollout_id)
        self.meter.look(before, rollout, self.crowd.load(self.load_id))
        served = self.crowd.served()
        self.first_failure.look(now, served)
        self.screen.show(rollout, served)
        self._say_news(rollout)
        return rollout

    def until(self, reached: Callable[[RolloutSeen], bool], what: str, *, within: float) -> RolloutSeen:
        """Follow until it is as wanted; `what` names that.

        Raises `StoryDiffersError` when it ends otherwise, or is not there within so many seconds.
        """
        deadline = time.monotonic() + within
        while not reached(rollout := self.look()):
            if rollout.has_ended:
                raise StoryDiffersError(f"{self.subject} should be {what}, but ended {rollout.phase}: {rollout.reason}")
            if time.monotonic() > deadline:
                raise StoryDiffersError(
                    f"{self.subject} should be {what} within {within:g} s, but is {rollout.standing}"
                )
            self.stop.sleep(LOOK_SECONDS)
        return rollout

    def during(self, seconds: float, *, holds: Callable[[RolloutSeen], bool], what: str) -> None:
        """Follow for so long. Raises `StoryDiffersError` when it is not as wanted all the time; `what` names that."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            rollout = self.look()
            if not holds(rollout):
                raise StoryDiffersError(
                    f"{self.subject} should stay {what}, but is {rollout.standing}: {rollout.reason}"
                )
            self.stop.sleep(LOOK_SECONDS)

    def history(self) -> tuple[Happened, ...]:
        """Return the rollout's history."""
        return self.slipway.history(self.rollout_id)

    def _say_news(self, rollout: RolloutSeen) -> None:
        """Say where it stands when that is not where it stood, and each verdict as it comes."""
        verdicts = ", ".join(f"{guard.name} {guard.verdict}" for guard in rollout.guards)
        observed = "-" if rollout.observed is None else f"{rollout.observed:g} %"
        news = f"{rollout.phase}, {rollout.doing}: {rollout.wanted:g} % wanted, {observed} observed"
        if verdicts:
            news = f"{news}; {verdicts}"
        if news != self._shown:
            self._shown = news
            self.screen.say(f"{self.subject}  {news}")
            for guard in rollout.guards:
                if guard.verdict == "degraded":
                    self.screen.say(f"           {guard.says}")
