"""The analysis as a fold over windows: `step(state, window, config) -> (state, judgement, evidence)`.

Each guard that compares bets against its promise (`bets`, `comparison`, `levels`); the average of the bets, with fixed
weights, is again a fair bet under any dependence, and the candidate is taken back when that reaches 1 / alpha. So the
chance of taking back a candidate that keeps every promise is at most alpha, however often and however long one looks.
It moves on when every guard has evidence that it is within the risk budget of the next weight, nothing is suspicious,
and the weight was watched for its least time. Nothing passes for lack of data.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.analysis import comparison, levels
from shared.domain.analysis.counting import count
from shared.domain.analysis.guards import GuardConfig, Threshold, needs_stable
from shared.domain.analysis.judgement import Evidence, Judgement, Verdict
from shared.domain.analysis.limits import trouble_with
from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.analysis.state import WEIGHTS_KEPT, AnalysisState, WeightSince
from shared.domain.analysis.verdicts import judge, until_whole

__all__ = ["AnalysisState", "begin_step", "step"]

_NOT_KEPT = Missing(Lack.NO_DATA, "not kept")


def begin_step(
    state: AnalysisState,
    at: datetime,
    *,
    weight: int = 0,
    next_weight: int = 100_000,
    stable_retired: bool = False,
) -> AnalysisState:
    """Start a weight at `at`, in thousandths of a percent: advancing asks for fresh windows, what speaks against stays.

    `next_weight` is what would come after it, for the risk budget. `stable_retired` says that stable has no traffic
    from now on: what was learnt of it before stands in, and plain limits forget what was met at the other place.
    """
    recent = () if stable_retired and not state.stable_retired else state.recent
    return replace(
        state,
        good_since=at,
        since=state.since or at,
        weights=(*state.weights, WeightSince(at, weight))[-WEIGHTS_KEPT:],
        next_weight=next_weight,
        steps=state.steps + 1,
        watched=timedelta(0),
        fit=False,
        shape=(0.0, 0.0, 0.0),
        comparisons=tuple(comparison.begin(each) for each in state.comparisons),
        levels=tuple(levels.begin(each) for each in state.levels),
        stable_retired=stable_retired,
        recent=recent,
    )


def step(
    state: AnalysisState, window: Window, config: GuardConfig
) -> tuple[AnalysisState, Judgement | None, tuple[Evidence, ...]]:
    """Take one closed window into the evidence and judge.

    Returns the judgement None, and the state unchanged, for a window that counted already or comes too late. A window
    that is not complete in both arms is judged and does not count: a whole delivery of it may still come.
    """
    if state.counted(window):
        return state, None, ()
    lack = _lack(state, window, config)
    if lack is not None:
        after = _silence(_remember(state, window, config), window)
    else:
        after = count(_remember(state, window, config), window, config)
    judgement = judge(after, window, config, lack)
    if lack is None and after.watched // config.dwell > state.watched // config.dwell:
        after = replace(after, fit=judgement.verdict is Verdict.HEALTHY)
    if judgement.verdict is Verdict.HEALTHY and not after.fit:
        judgement = until_whole(judgement, config)
    return after, judgement, judgement.evidence


def _lack(state: AnalysisState, window: Window, config: GuardConfig) -> Missing | None:
    sides = (window.candidate, window.stable) if needs_stable(config) and not state.stable_retired else ()
    return next((lack for side in sides or (window.candidate,) if (lack := trouble_with(side)) is not None), None)


def _remember(state: AnalysisState, window: Window, config: GuardConfig) -> AnalysisState:
    """Keep the window for plain limits, without what they do not read."""
    longest = max((g.over for g in config.guards if isinstance(g.test, Threshold)), default=None)
    if longest is None or not isinstance(window.candidate, Sample):
        return state
    kept = replace(window, candidate=replace(window.candidate, histogram=None), stable=_NOT_KEPT)
    newest = max(window.end, state.recent[-1].end if state.recent else window.end)
    others = (old for old in state.recent if old.start != window.start)
    recent = tuple(sorted((old for old in (*others, kept) if old.start >= newest - longest), key=lambda old: old.start))
    return replace(state, recent=recent)


def _silence(state: AnalysisState, window: Window) -> AnalysisState:
    """Remember since when the candidate has reported nothing while stable goes on."""
    stable = window.stable
    heard = not isinstance(window.candidate, Missing) or not isinstance(stable, Sample) or state.since is None
    if heard or window.start < (state.since or window.start):
        return state
    return replace(state, silent_since=min(state.silent_since or window.start, window.start))
