"""Our analysis as a driver: only `healthy` advances, `degraded` takes back, a concern pauses, all else holds."""

from datetime import timedelta

from shared.domain.analysis.defaults import default_guards
from shared.domain.analysis.guards import GuardConfig
from shared.domain.analysis.history import learn
from shared.domain.analysis.judgement import Judgement, Verdict
from shared.domain.analysis.measurement import Window
from shared.domain.analysis.sequence import AnalysisState, begin_step, step
from shared.domain.rollout.weight import from_percent, to_percent
from tests.simulation.judgement.loop import Answer
from tests.simulation.judgement.ramps import BAKE_MINUTES, BAKE_WEIGHT
from tests.simulation.judgement.traffic import EPOCH


class Slipway:
    """The ramp, then a bake with a hold-back, then everything."""

    def __init__(self, ramp: tuple[float, ...], *, length: timedelta, smallest: float | None = None) -> None:
        self.weights = (*ramp, BAKE_WEIGHT, 1.0)
        self.dwell_minutes = 0.0
        self.config = GuardConfig(window=length, guards=default_guards(length), smallest=smallest)
        self.state = AnalysisState()
        self.position = 0
        self.began_step = 0.0
        self.paused = False

    def begin(self, history: list[Window]) -> Answer:
        """Learn from the history, fit the ramp where the smallest regression is given, and open the first step."""
        baseline = learn(history, self.config)
        self.state = AnalysisState(baseline=baseline)
        if self.config.smallest is not None:
            from shared.domain.analysis.ramp import ramp_for

            usual = sum(w.stable.failures for w in history) / sum(w.stable.requests for w in history)
            ramp = ramp_for(self.config.smallest, usual, baseline.requests_per_second, self.config)
            self.weights = (*(to_percent(weight) / 100 for weight in ramp.weights), BAKE_WEIGHT, 1.0)
            self.dwell_minutes = ramp.dwell / timedelta(minutes=1)
        self._open(0, 0.0)
        return Answer(weight=self.weights[0])

    def look(self, minute: float, windows: list[Window]) -> Answer:
        """Judge each window; take at most one step. Nobody comes to resume a pause, but looking goes on."""
        newest: Judgement | None = None
        for window in windows:
            self.state, judgement, _ = step(self.state, window, self.config)
            if judgement is None:
                continue
            self.paused = self.paused or judgement.concern is not None
            if judgement.verdict is Verdict.DEGRADED:
                return Answer(weight=0.0, rolled_back=True, concern=self.paused)
            newest = judgement
        healthy = newest is not None and newest.verdict is Verdict.HEALTHY
        if healthy and not self.paused and self._has_baked(minute):
            self._open(self.position + 1, minute)
        weight = self.weights[self.position]
        return Answer(weight=weight, passed=weight >= BAKE_WEIGHT, finished=weight == 1.0, concern=self.paused)

    def _has_baked(self, minute: float) -> bool:
        least = self.dwell_minutes if self.weights[self.position] < BAKE_WEIGHT else BAKE_MINUTES
        return minute - self.began_step >= least

    def _open(self, position: int, minute: float) -> None:
        self.position, self.began_step = position, minute
        if self.weights[position] == 1.0:
            return
        weight, following = (from_percent(100 * share) for share in self.weights[position : position + 2])
        at = EPOCH + timedelta(minutes=minute)
        self.state = begin_step(self.state, at, weight=weight, next_weight=following)
