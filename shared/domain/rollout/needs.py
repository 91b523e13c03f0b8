"""What the core must see before it decides a command."""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.rollout.commands import Command, Tick
from shared.domain.rollout.readings import Need, ReadHealth, ReadShare, ReadSwap, ReadVersion, ReadWindows
from shared.domain.rollout.spec import Place, Spec
from shared.domain.rollout.state import Aftercare, Application, Doing, Rollout, Side, TargetState
from shared.domain.rollout.timing import WINDOWS_A_LOOK, visible_until, window_ceiling


def needs(state: Application, command: Command, now: datetime) -> tuple[Need, ...]:
    """Return what to read for this command; most commands are decided on the state alone."""
    if not isinstance(command, Tick):
        return ()
    if state.live is None or state.live.spec is None:
        return tuple(_to_count(state.aftercare, now)) if state.aftercare else ()
    if state.live.look_at is None or state.live.look_at > now:
        return ()
    return tuple(_to_see(state.live, state.live.spec, state.production_since, now))


def _to_count(aftercare: Aftercare, now: datetime) -> Iterator[Need]:
    spec = aftercare.rollout.spec
    if spec is None or aftercare.look_at > now:
        return
    length = spec.measuring.window
    for target in aftercare.rollout.targets:
        yield ReadWindows(target.name, aftercare.since, aftercare.since + length, length, Place.CANDIDATE)
        yield ReadShare(target.name)


def _to_see(rollout: Rollout, spec: Spec, production_since: datetime | None, now: datetime) -> Iterator[Need]:
    for target in rollout.targets:
        match rollout.doing:
            case Doing.PREFLIGHT:
                yield ReadVersion(target.name, Place.PRODUCTION)
                yield ReadVersion(target.name, Place.CANDIDATE)
                yield ReadHealth(target.name, Place.CANDIDATE)
                yield ReadShare(target.name)
                yield ReadSwap(target.name, None)
                yield from _to_compare_with(target, spec, production_since, now)
            case Doing.BAKING | Doing.AWAITING_APPROVAL | Doing.SHIFTING:
                yield from _to_watch(target, spec, now)
            case Doing.SWAPPING | Doing.SWAPPING_BACK if target.swap_token is not None:
                yield ReadSwap(target.name, target.swap_token)
                yield ReadVersion(target.name, Place.PRODUCTION)
            case Doing.SWAPPING if target.side is Side.STABLE:
                yield from _to_watch(target, spec, now)
            case Doing.SETTLING:
                yield ReadSwap(target.name, None)
                yield ReadShare(target.name)
                yield ReadVersion(target.name, Place.PRODUCTION)


def _to_compare_with(
    target: TargetState, spec: Spec, production_since: datetime | None, now: datetime
) -> Iterator[Need]:
    """What the stable version's users met lately: to compare with once that has no traffic any more."""
    length = spec.measuring.window
    until = visible_until(spec.measuring, now)
    since = until - max((*(guard.over for guard in spec.guards), length))
    if production_since is not None:
        since = max(since, window_ceiling(production_since, length))
    if since < until:
        yield ReadWindows(target.name, since, until, length, Place.CANDIDATE)


def _to_watch(target: TargetState, spec: Spec, now: datetime) -> Iterator[Need]:
    yield ReadVersion(target.name, place_of_candidate(target))
    if not target.is_exposed:
        return
    yield ReadShare(target.name)
    span = windows_to_read(target, spec, now)
    if span is not None:
        yield ReadWindows(target.name, span[0], span[1], spec.measuring.window, place_of_candidate(target))


def windows_to_read(target: TargetState, spec: Spec, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the span of windows not seen yet that the source can have, or None."""
    if target.candidate_since is None:
        return None
    length = spec.measuring.window
    since = window_ceiling(target.candidate_since, length)
    if target.analysis.seen_until is not None:
        since = max(since, target.analysis.seen_until)
    until = min(visible_until(spec.measuring, now), since + WINDOWS_A_LOOK * length)
    return (since, until) if until > since else None


def place_of_candidate(target: TargetState) -> Place:
    """Return where the candidate sits now."""
    return Place.PRODUCTION if target.side is Side.CANDIDATE else Place.CANDIDATE
