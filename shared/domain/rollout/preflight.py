"""Before any user meets the candidate: is it where it should be, healthy, and alone?"""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.analysis.history import learn
from shared.domain.analysis.parts import Baseline
from shared.domain.names import ApplicationName, TargetName, Version
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.fitting import fitted
from shared.domain.rollout.judging import config_for
from shared.domain.rollout.plan import prepared, with_hooks, without_hooks
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.readings import ClaimSeen, Readings, Trouble
from shared.domain.rollout.settle import NO_SWAP
from shared.domain.rollout.spec import Located, Place
from shared.domain.rollout.state import Ending, Phase, Rollout, TargetState
from shared.domain.rollout.steps import enter_step, fail
from shared.domain.rollout.timing import HELD_LOOK, PREFLIGHT_LOOK, rarer
from shared.domain.rollout.weight import NONE
from shared.domain.rollout.windows import held_before, next_look_while_held, note_held


def decide_preflight(draft: Draft, live: Rollout, readings: Readings) -> None:
    """Start the plan when every target is ready; until the deadline, wait for those that are not.

    What was measured before is read only after a look that found nothing in the way, and then at once: it is much.
    """
    clashes = tuple(each for target in live.targets for each in _clash(target.name, readings))
    if clashes:
        # It sent nobody anywhere, and what stands at the router is the other application's: nothing is set back.
        ending = Ending(phase=Phase.FAILED, reason=f"preflight: {'; '.join(clashes)}")
        draft.record(e.RolloutEnded(at=draft.now, rollout=live.id, ending=ending))
        return
    if _found_places(draft, live, readings):
        return
    if all(_serves_everyone(live, target, readings) for target in live.targets):
        ending = Ending(phase=Phase.SUCCEEDED, reason=_served_already(draft, live))
        draft.record(e.RolloutEnded(at=draft.now, rollout=live.id, ending=ending))
        return
    if _is_overwritten(draft, live, readings):
        return
    obstacles = tuple(obstacle for target in live.targets for obstacle in _obstacles(live, target, readings))
    if _take_back_foreign_weight(draft, live, readings):
        obstacles = (*obstacles, "traffic was already sent to the candidate's place: taken back first")
    if live.held_since is not None:
        obstacles = (*obstacles, "it is held")
    blind = tuple(obstacle for target in live.targets for obstacle in _blind(target.name, readings))
    if obstacles or blind:
        why = "preflight: " + "; ".join((*obstacles, *blind))
        waited = draft.now - (live.started or draft.now)
        wait = rarer(PREFLIGHT_LOOK, waited) if live.held_since is None else HELD_LOOK
        _look_again(draft, live, readings, draft.now + wait, ready=not obstacles, why=why)
        return
    holder = held_before(draft, live, 0)
    if holder is not None:
        # What begins with the promotion waits here, and is seen well again when its window opens.
        note_held(draft, live, holder)
        soon = next_look_while_held(holder, draft.now)
        _look_again(draft, live, readings, soon, ready=False, why=holder.why)
        return
    if _warms_up(draft, live, readings):
        return
    if not live.returns and not _is_history_of_production(live, readings):
        _look_again(draft, live, readings, draft.now, ready=True)
        return
    draft.record(_passed(draft, live, readings))
    because = (
        f"preflight passed; {live.version} was proven before: it goes at once"
        if live.returns
        else f"preflight passed{_noted(live, readings)}"
    )
    enter_step(draft, live, 0, because)


def _serves_everyone(live: Rollout, target: TargetState, readings: Readings) -> bool:
    return readings.version(target.name, Place.PRODUCTION) == live.version and readings.share(target.name) == NONE


def _is_overwritten(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Take in what is seen where the version before was kept; return whether that ends a rollout on its way back to it.

    Whoever deploys that version by name puts it there, which may take a moment: only who was to find it there ends.
    """
    back = draft.state.way_back
    if back is None or live.spec is None or (live.returns and not live.despite_freeze):
        return False
    for target in live.targets:
        found = readings.version(target.name, Place.CANDIDATE)
        is_its_place = live.version == back.version or not live.spec.target(target.name).kind.keeps_versions_apart
        gone = is_its_place and found != back.version and not _serves_everyone(live, target, readings)
        if isinstance(found, Trouble) or not gone:
            continue
        seen = e.WarmOverwritten(
            at=draft.now, rollout=live.id, target=target.name, version=back.version, found=Version(found)
        )
        draft.record(seen)
        if live.returns:
            by_name = f"deploy {live.version} by name, and it goes the way of every version"
            fail(draft, live, f"{target.name} serves {found} where {live.version} was kept: {by_name}")
        return live.returns
    return False


def _warms_up(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Look again while a place has not been seen well often enough in a row; return whether that is so."""
    assert live.spec is not None
    checks = {target.name: target.health for target in live.spec.targets}
    lacking = [t for t in live.targets if t.passes + 1 < checks[t.name].passes]
    if not lacking:
        return False
    why = "preflight: " + "; ".join(f"{t.name}: {t.passes + 1} of {checks[t.name].passes} looks well" for t in lacking)
    at = draft.now + max(checks[target.name].every for target in lacking)
    _look_again(draft, live, readings, at, ready=False, why=why, well=True)
    return True


def _look_again(
    draft: Draft,
    live: Rollout,
    readings: Readings,
    at: datetime,
    *,
    ready: bool,
    why: str | None = None,
    well: bool = False,
) -> None:
    """Say when to look next. A look that is `well` counts as one in a row; a `ready` one keeps them, others do not."""
    seen = ((target.name, readings.version(target.name, Place.PRODUCTION)) for target in live.targets)
    production = tuple((name, Version(found)) for name, found in seen if not isinstance(found, Trouble))
    passes = tuple((t.name, t.passes + 1 if well else t.passes if ready else 0) for t in live.targets)
    draft.record(
        e.Looked(
            at=draft.now,
            rollout=live.id,
            look_at=at,
            why=why,
            production=production,
            ready=ready,
            passes=passes,
        )
    )


def _is_history_of_production(live: Rollout, readings: Readings) -> bool:
    """Whether what was measured before was asked for, and of the version that production serves now."""
    serving = all(readings.version(t.name, Place.PRODUCTION) == t.in_production for t in live.targets)
    return live.is_ready and serving


def _passed(draft: Draft, live: Rollout, readings: Readings) -> e.PreflightPassed:
    """Say what the candidate will be compared with, and by which plan. A return compares nothing and is no attempt."""
    stable = tuple((target.name, _read(readings.version(target.name, Place.PRODUCTION))) for target in live.targets)
    if live.returns or live.spec is None:
        return e.PreflightPassed(at=draft.now, rollout=live.id, stable=stable)
    attempt = draft.state.attempts(live.version) + 1
    config = config_for(live.spec, attempt)
    learned: tuple[tuple[TargetName, Baseline], ...] = tuple(
        (target.name, learn(windows, config))
        for target in live.targets
        if not isinstance(windows := readings.windows(target.name), Trouble)
    )
    bare = without_hooks(live.plan)
    fitting = fitted(bare, live.spec.judging, config, tuple(baseline for _, baseline in learned))
    plan = (
        live.plan
        if fitting == bare
        else with_hooks(prepared(fitting, live.spec), live.spec.hooks, staged=live.member is not None)
    )
    return e.PreflightPassed(
        at=draft.now,
        rollout=live.id,
        stable=stable,
        learned=learned,
        plan=() if plan == live.plan else plan,
        attempt=attempt,
    )


def _served_already(draft: Draft, live: Rollout) -> str:
    """Say that there is nothing to release, and where nothing here brought it, that nobody judged it."""
    serving = draft.state.serving
    says = f"production serves {live.version} already"
    if serving is not None and serving.version == live.version:
        return says
    return f"{says}: it served everyone before it was announced, was not released from here, and was not judged"


def _found_places(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Take in where the versions are, if that is news, and look again at once: what was read was read elsewhere."""
    read = {target: readings.places(target.name) for target in live.targets}
    found = tuple((target.name, at) for target, at in read.items() if isinstance(at, Located) and at != target.located)
    if found:
        says = "; ".join(f"{name}: {at.says}" for name, at in found if at.says)
        draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=draft.now, why=says or None, located=found))
    return bool(found)


def _obstacles(live: Rollout, state: TargetState, readings: Readings) -> Iterator[str]:
    """Yield what keeps this target from starting."""
    target = state.name
    claim = readings.claim(target)
    if isinstance(claim, Trouble):
        yield f"{target}: whether another application has it cannot be read: {claim.why}"
    places = readings.places(target)
    if isinstance(places, Trouble):
        yield f"{target}: {places.why}"
        if state.located is None:
            return
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
    swap = readings.swap(target, None) if state.swaps else NO_SWAP
    if isinstance(swap, Trouble):
        yield f"{target}: swaps cannot be read: {swap.why}"
    elif swap.running:
        yield f"{target}: somebody's swap is running"
    yield from _pending(target, readings)
    share = readings.share(target)
    if isinstance(share, Trouble):
        yield f"{target}: the traffic rules cannot be read: {share.why}"


def _clash(target: TargetName, readings: Readings) -> Iterator[str]:
    """Yield that another application divides the same traffic: both would set each other's weights back for ever."""
    claim = readings.claim(target)
    if isinstance(claim, ClaimSeen) and claim.other is not None:
        yield clash_in_words(target, claim.other)


def clash_in_words(target: TargetName, other: ApplicationName) -> str:
    """Say for people that a target is another application's too."""
    return f"{target}: the application {other} has the same resource: take it out of one of the two specs"


def _pending(target: TargetName, readings: Readings) -> Iterator[str]:
    """Yield a swap with preview that somebody else began: nothing else can be swapped until it is over."""
    preview = readings.preview(target)
    if isinstance(preview, Trouble):
        yield f"{target}: swaps with preview cannot be read: {preview.why}"
    elif preview not in (None, Preview.NONE):
        fix = "finish it, or cancel it: `az webapp deployment slot swap --action reset`"
        yield f"{target}: somebody's swap with preview is pending; {fix}"


def _noted(live: Rollout, readings: Readings) -> str:
    """Say which settings a swap will leave where they are: the names, never the values. They hold nothing up."""
    said = []
    for target in live.targets:
        seen = readings.staying(target.name)
        if isinstance(seen, Trouble):
            said.append(f"{target.name}: which settings stay with their slot is not known: {seen.why}")
        elif seen is not None and seen.names:
            said.append(f"{target.name}: settings that differ and stay with their slot: {', '.join(seen.names)}")
    return "".join(f"; {each}" for each in said)


def _blind(target: TargetName, readings: Readings) -> Iterator[str]:
    """Yield why nobody could judge the candidate here. Windows without data are no reason: there is less to learn."""
    unable = f"{target}: guards cannot be judged"
    faults = readings.faults(target)
    if isinstance(faults, Trouble):
        yield f"{unable}: {faults.why}"
    elif faults is not None:
        yield from (f"{unable}: {fault}" for fault in faults.faults)
    windows = readings.windows(target)
    if isinstance(windows, Trouble) and windows != faults:
        yield f"{unable}: {windows.why}"


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


def _read(version: str | Trouble) -> Version:
    assert not isinstance(version, Trouble)
    return Version(version)
