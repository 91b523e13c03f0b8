"""What the core must see before it decides a command."""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.rollout.calls import to_look_at
from shared.domain.rollout.commands import Command, Tick
from shared.domain.rollout.readings import (
    Need,
    ReadAudience,
    ReadClaim,
    ReadFaults,
    ReadHealth,
    ReadPlaces,
    ReadPreview,
    ReadShare,
    ReadStaying,
    ReadSwap,
    ReadVersion,
    ReadWindows,
)
from shared.domain.rollout.settle import quiet_at
from shared.domain.rollout.spec import Place, Spec
from shared.domain.rollout.state import Aftercare, Application, Doing, Rollout, Side, TargetState
from shared.domain.rollout.timing import (
    CHECK_AT_MOST_EVERY,
    HISTORY,
    HISTORY_WINDOWS,
    WINDOWS_A_LOOK,
    visible_until,
    window_ceiling,
)

MEASURED = frozenset(
    {
        Doing.PREPARING,
        Doing.BAKING,
        Doing.AWAITING_APPROVAL,
        Doing.DECIDING,
        Doing.RUNNING_HOOK,
        Doing.AWAITING_RELEASE,
        Doing.SHIFTING,
        Doing.CLEARING,
        Doing.RELEASING,
    }
)
"""Busy with these, a rollout takes in what its users meet."""


def needs(state: Application, command: Command, now: datetime) -> tuple[Need, ...]:
    """Return what to read for this command; most commands are decided on the state alone."""
    if not isinstance(command, Tick):
        return ()
    return (*to_look_at(state, now), *_to_decide(state, command, now))


def _to_decide(state: Application, command: Tick, now: datetime) -> tuple[Need, ...]:
    if state.live is None or state.live.spec is None:
        return tuple(_to_count(state.aftercare, now)) if state.aftercare else ()
    if not is_due(state.live, command, now):
        return ()
    if state.live.doing is Doing.PREFLIGHT:
        return tuple(_to_start(state, state.live, state.live.spec, now))
    if not is_check_due(state.live, state.live.spec, now):
        return tuple(_to_judge(state.live, state.live.spec, now))
    if state.live.doing is Doing.SETTLING and (quiet_at(state, state.live) or now) > now:
        # Between a look that is taken too early and its decision a late call may land: a level is read once none can.
        return ()
    return tuple(_to_see(state.live, state.live.spec, now))


def is_due(live: Rollout, tick: Tick, now: datetime) -> bool:
    """Whether the rollout is looked at now: its time has come, or there is news where it is being measured."""
    if live.look_at is not None and live.look_at <= now:
        return True
    is_pushed = live.spec is not None and live.spec.measuring.is_pushed
    return tick.news and is_pushed and live.doing in MEASURED


def is_check_due(live: Rollout, spec: Spec, now: datetime) -> bool:
    """Whether versions and shares are read too, and not only the windows that came: each target tells of each."""
    if (live.look_at is not None and live.look_at <= now) or live.checked_at is None:
        return True
    return now - live.checked_at >= max(spec.measuring.window, CHECK_AT_MOST_EVERY)


def kept_after_the_end(over: Rollout) -> tuple[TargetState, ...]:
    """Return the targets that are still looked after when a rollout is over: what it has let go of is others'."""
    spec = over.spec
    return tuple(each for each in over.targets if spec is not None and not spec.target(each.name).kind.is_held)


def _to_count(aftercare: Aftercare, now: datetime) -> Iterator[Need]:
    over = aftercare.rollout
    if over.spec is None or aftercare.look_at > now:
        return
    for target in kept_after_the_end(over):
        pinned, other = over.version, target.stable_version
        if target.side is Side.CANDIDATE and other is not None:
            pinned, other = other, over.version
        yield ReadWindows(
            target=target.name,
            since=aftercare.since,
            until=aftercare.since + over.spec.measuring.window,
            length=over.spec.measuring.window,
            measured_at=place_of_stable(target) if target.side is Side.CANDIDATE else Place.CANDIDATE,
            candidate=pinned,
            stable=other,
        )
        yield ReadShare(target.name)


def _to_start(state: Application, live: Rollout, spec: Spec, now: datetime) -> Iterator[Need]:
    """Look first at what is quick to see, and at what was measured before once nothing else is in the way.

    The stable version is the one that production was seen to serve: who brought it there does not matter.
    """
    for target in live.targets:
        if not live.returns:  # taking users back waits for nobody
            yield ReadClaim(target.name)
        if not target.swaps:
            yield ReadPlaces(target.name, live.version)
            if target.located is None:
                continue
        yield ReadVersion(target.name, Place.PRODUCTION)
        yield ReadVersion(target.name, Place.CANDIDATE)
        yield ReadHealth(target.name, Place.CANDIDATE)
        yield ReadShare(target.name)
        if target.swaps:
            yield ReadSwap(target.name, None)
            yield ReadPreview(target.name)
        if target.swaps and live.is_ready and not live.returns:
            yield ReadStaying(target.name)
    if not live.is_ready or live.returns or live.held_since is not None:
        return
    since, until = _history(spec, state.production_since, now)
    if since >= until:
        return
    length, candidate = spec.measuring.window, live.version
    for target in live.targets:
        stable = target.in_production
        yield ReadFaults(target.name, since, until, length, candidate=candidate, stable=stable)
        yield ReadWindows(target.name, since, until, length, Place.CANDIDATE, candidate=candidate, stable=stable)


def _history(spec: Spec, production_since: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return the time before that says what the stable version is like: an hour, if it was in production so long."""
    length = spec.measuring.window
    until = visible_until(spec.measuring, now)
    longest = max((HISTORY, length, *(guard.over for guard in spec.guards)))
    since = window_ceiling(until - min(longest, HISTORY_WINDOWS * length), length)
    return (since if production_since is None else max(since, window_ceiling(production_since, length))), until


def _to_see(rollout: Rollout, spec: Spec, now: datetime) -> Iterator[Need]:
    for target in rollout.targets:
        match rollout.doing:
            case doing if doing in MEASURED:
                yield from _to_watch(rollout, target, spec, now)
            case Doing.SWAPPING | Doing.SWAPPING_BACK if target.swap_token is not None:
                yield ReadSwap(target.name, target.swap_token)
                yield ReadVersion(target.name, Place.PRODUCTION)
            case Doing.SWAPPING if target.side is Side.STABLE or not target.swaps:
                yield from _to_watch(rollout, target, spec, now)
            case Doing.SETTLING:
                if target.swaps:
                    yield ReadSwap(target.name, None)
                if target.was_prepared:
                    yield ReadPreview(target.name)
                yield ReadShare(target.name)
                yield from _audience(target)
                yield ReadVersion(target.name, Place.PRODUCTION)


def _to_watch(rollout: Rollout, target: TargetState, spec: Spec, now: datetime) -> Iterator[Need]:
    yield ReadVersion(target.name, place_of_candidate(target))
    if target.holds_back:
        yield ReadVersion(target.name, place_of_stable(target))
    if target.prepares and rollout.doing in MEASURED:
        yield ReadPreview(target.name)
    if target.prepares and rollout.doing is Doing.PREPARING:
        yield ReadHealth(target.name, Place.CANDIDATE)
    if not target.is_exposed:
        return
    yield ReadShare(target.name)
    yield from _audience(target)
    yield from _windows(rollout, target, spec, now)


def _audience(target: TargetState) -> Iterator[Need]:
    if target.had_audience:
        yield ReadAudience(target.name)


def _to_judge(rollout: Rollout, spec: Spec, now: datetime) -> Iterator[Need]:
    for target in rollout.targets:
        if target.is_exposed:
            yield from _windows(rollout, target, spec, now)


def _windows(rollout: Rollout, target: TargetState, spec: Spec, now: datetime) -> Iterator[Need]:
    span = windows_to_read(target, spec, now)
    if span is not None:
        yield ReadWindows(
            target=target.name,
            since=span[0],
            until=span[1],
            length=spec.measuring.window,
            measured_at=place_of_candidate(target),
            candidate=rollout.version,
            stable=target.stable_version,
        )


def windows_to_read(target: TargetState, spec: Spec, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the span of windows that may still count and that the source can have, or None.

    Some of them have counted already: what lies between them may come late.
    """
    if target.candidate_since is None:
        return None
    length, until = spec.measuring.window, visible_until(spec.measuring, now)
    since = max(window_ceiling(target.candidate_since, length), until - WINDOWS_A_LOOK * length)
    if target.analysis.seen_until is not None:
        since = max(since, window_ceiling(target.analysis.seen_until, length))
    return (since, until) if until > since else None


def place_of_candidate(target: TargetState) -> Place:
    """Return where the candidate sits now."""
    return Place.PRODUCTION if target.swaps and target.side is Side.CANDIDATE else Place.CANDIDATE


def place_of_stable(target: TargetState) -> Place:
    """Return where the stable version sits now."""
    return Place.CANDIDATE if place_of_candidate(target) is Place.PRODUCTION else Place.PRODUCTION
