"""Before any user meets the candidate: is it where it should be, healthy, and alone?"""

from collections.abc import Iterator
from functools import reduce

from shared.domain.analysis.measurement import Sample
from shared.domain.names import TargetName, Version
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.spec import Place
from shared.domain.rollout.state import Ending, Phase, Rollout
from shared.domain.rollout.steps import enter_step
from shared.domain.rollout.timing import PREFLIGHT_LOOK
from shared.domain.rollout.weight import NONE


def decide_preflight(draft: Draft, live: Rollout, readings: Readings) -> None:
    """Start the plan when every target is ready; until the deadline, wait for those that are not."""
    if all(readings.version(target.name, Place.PRODUCTION) == live.version for target in live.targets):
        ending = Ending(phase=Phase.SUCCEEDED, reason=f"production serves {live.version} already")
        draft.record(e.RolloutEnded(at=draft.now, rollout=live.id, ending=ending))
        return
    obstacles = tuple(obstacle for target in live.targets for obstacle in _obstacles(live, target.name, readings))
    if _take_back_foreign_weight(draft, live, readings):
        obstacles = (*obstacles, "traffic was already sent to the candidate's place: taken back first")
    if live.held_since is not None:
        obstacles = (*obstacles, "it is held")
    if obstacles:
        why = "preflight: " + "; ".join(obstacles)
        draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=draft.now + PREFLIGHT_LOOK, why=why))
        return
    stable = tuple((target.name, _read(readings.version(target.name, Place.PRODUCTION))) for target in live.targets)
    baselines = tuple(
        (target.name, baseline) for target in live.targets if (baseline := _baseline(readings, target.name)) is not None
    )
    draft.record(e.PreflightPassed(at=draft.now, rollout=live.id, stable=stable, baselines=baselines))
    enter_step(draft, live, 0, "preflight passed")


def _obstacles(live: Rollout, target: TargetName, readings: Readings) -> Iterator[str]:
    """Yield what keeps this target from starting."""
    stable = readings.version(target, Place.PRODUCTION)
    if isinstance(stable, Trouble):
        yield f"{target}: production cannot be read: {stable.why}"
    candidate = readings.version(target, Place.CANDIDATE)
    if isinstance(candidate, Trouble):
        yield f"{target}: the candidate's place cannot be read: {candidate.why}"
    elif candidate != live.version:
        yield f"{target}: the candidate's place serves {candidate}, not {live.version}"
    health = readings.health(target, Place.CANDIDATE)
    if isinstance(health, Trouble):
        yield f"{target}: the health check failed: {health.why}"
    elif not health.healthy:
        yield f"{target}: not healthy: {health.detail}"
    swap = readings.swap(target, None)
    if isinstance(swap, Trouble):
        yield f"{target}: swaps cannot be read: {swap.why}"
    elif swap.running:
        yield f"{target}: somebody's swap is running"
    share = readings.share(target)
    if isinstance(share, Trouble):
        yield f"{target}: the traffic rules cannot be read: {share.why}"


def _take_back_foreign_weight(draft: Draft, live: Rollout, readings: Readings) -> bool:
    found = False
    for target in live.targets:
        share = readings.share(target.name)
        if isinstance(share, Trouble) or share == NONE:
            continue
        found = True
        if not draft.state.is_being_set(live.id, target.name):
            draft.record(
                e.DriftFound(at=draft.now, rollout=live.id, target=target.name, found=share, wanted=target.wanted)
            )
    return found


def _baseline(readings: Readings, target: TargetName) -> Sample | None:
    """Pool what the stable version's users met before the rollout; None where nothing was measured."""
    windows = readings.windows(target)
    if isinstance(windows, Trouble):
        return None
    samples = [w.stable for w in windows if isinstance(w.stable, Sample) and w.stable.is_plausible]
    return reduce(Sample.plus, samples) if samples else None


def _read(version: str | Trouble) -> Version:
    assert not isinstance(version, Trouble)
    return Version(version)
