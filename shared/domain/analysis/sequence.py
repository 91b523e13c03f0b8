"""The analysis as a fold over windows: `step(state, window, config) -> (state, judgement, evidence)`.

State is small and bounded by the longest guard. A window counts once: one that starts before the
low-water mark changes nothing, whatever it says now.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.analysis.guard_tests import Pool, judge_guard
from shared.domain.analysis.guards import GuardConfig
from shared.domain.analysis.judgement import Evidence, Judgement, worst
from shared.domain.analysis.measurement import Sample, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisState:
    """What is remembered of the windows of one target."""

    seen_until: datetime | None = None
    """The low-water mark: the end of the newest window that entered the evidence."""
    good_since: datetime | None = None
    """Windows that start before this may condemn but not acquit: the weight was another one."""
    recent: tuple[Window, ...] = ()
    baseline: Sample | None = None
    """The stable version pooled over the whole rollout, for the time when it has no traffic any more."""
    stable_retired: bool = False


def begin_step(state: AnalysisState, at: datetime, *, stable_retired: bool = False) -> AnalysisState:
    """Start a new weight at `at`: from here on windows can acquit again.

    `stable_retired` says that the stable version has no traffic from now on; comparisons then use the baseline,
    and what was measured before no longer belongs to the arms, so it is forgotten.
    """
    recent = () if stable_retired and not state.stable_retired else state.recent
    return replace(state, good_since=at, stable_retired=stable_retired, recent=recent)


def step(
    state: AnalysisState, window: Window, config: GuardConfig
) -> tuple[AnalysisState, Judgement | None, tuple[Evidence, ...]]:
    """Take one closed window into the evidence and judge.

    Returns the judgement None, and the state unchanged, for a window that was seen already.
    """
    if state.seen_until is not None and window.start < state.seen_until:
        return state, None, ()
    longest = max((guard.over for guard in config.guards), default=config.window)
    recent = tuple(old for old in (*state.recent, window) if old.start >= window.end - longest)
    after = replace(state, seen_until=window.end, recent=recent, baseline=_pooled(state, window))
    evidence = tuple(judge_guard(guard, _pool(after, window, guard.over)) for guard in config.guards)
    return after, Judgement(verdict=worst(e.verdict for e in evidence), evidence=evidence), evidence


def _pooled(state: AnalysisState, window: Window) -> Sample | None:
    if state.stable_retired or not isinstance(window.stable, Sample) or not window.stable.is_plausible:
        return state.baseline
    return state.baseline.plus(window.stable) if state.baseline else window.stable


def _pool(state: AnalysisState, newest: Window, over: timedelta) -> Pool:
    windows = tuple(old for old in state.recent if old.start >= newest.end - over)
    good_since = state.good_since or newest.start
    return Pool(
        condemning=windows,
        acquitting=tuple(old for old in windows if old.start >= good_since),
        newest=newest,
        baseline=state.baseline if state.stable_retired else None,
    )
