"""After the storm: the world outside is well again, everything comes to rest, and nothing is left over."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.application.publish import APPLICATIONS
from shared.domain.names import application_key
from shared.domain.releases.state import Release, ReleasePhase
from shared.domain.rollout.commands import Action
from shared.domain.rollout.effects import LevelEffect
from shared.domain.rollout.events import DeploymentAccepted
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.on_tick import next_wake
from shared.domain.rollout.permissions import refusal
from shared.domain.rollout.spec import Place
from shared.domain.rollout.state import Application, Doing, Phase, Rollout
from shared.wire.views import application_summary, shard_of
from tests.simulation.protocol.laws import an_end_stays_true
from tests.simulation.protocol.schedule import Move
from tests.simulation.protocol.world import CALLS_AT_MOST

if TYPE_CHECKING:
    from tests.simulation.protocol.simulation import Simulation

LONGEST = timedelta(hours=8)
"""No rollout takes longer where nothing goes wrong: bakes of minutes, deadlines of two hours."""
IDLE = timedelta(minutes=40)
"""So long after the last end the sweep has closed every marker, and what was kept warm is let go."""
TRIED_AGAIN = timedelta(minutes=2)
"""So long after a person has mended something, it has been tried again."""
ROUNDS = 14


def clear_up(world: "Simulation") -> None:
    """Users come back, and hooks are done."""
    world.note("calm", "no more faults")
    world.watch.calm_since = world.time
    for spec in world.specs:
        for target in spec.targets:
            world.site.send(target, 20.0)
    world.senders.be_well()
    done = HookStatus(HookState.SUCCEEDED)
    world.hooks.answer_at_once(done)
    for called in world.hooks.called:
        world.hooks.finish(called.call_id, done)


def come_to_rest(world: "Simulation") -> None:
    """See that everything ends or waits for a person; people decide, and so on; then look at what is left."""
    for attempt in range(ROUNDS):
        world.calls_end = world.calls + CALLS_AT_MOST
        if not world.until(LONGEST, lambda: is_at_rest(world)):
            world.watch.fail("it comes to rest", f"{LONGEST} after the last fault: {_told(world)}")
        if not world.schedule.people_finish or not _people_decide(world, attempt):
            break
        if any(state.live is not None and state.live.stuck is not None for state in _applications(world)):
            world.until(TRIED_AGAIN)
    world.until(IDLE)
    for spec in world.specs:
        _everything_ended(world, application_key(spec.application))
        _nothing_is_left_over(world, application_key(spec.application))
    for command, asked in world.watch.asked.items():
        if asked.accepted and not asked.consumed:
            world.watch.fail("every fact is decided", f"{command} was accepted and never decided")
    for key, kept in world.watch.release_states.items():
        loaded = world.store.rollouts.load(key)
        over = kept.release.phase.is_terminal
        if loaded.inbox or loaded.outbox:
            world.watch.fail("every fact is decided", f"{key}: {len(loaded.inbox)} facts, {len(loaded.outbox)} rows")
        if over and world.store.markers.find(key) is not None:
            world.watch.fail("every marker is closed", f"{key} is over and marked open")
        if world.schedule.people_finish and not over:
            world.watch.fail("it comes to rest", f"{key} is {kept.release.phase}: {kept.release.reason}")
    world.books.at_rest()
    for letter in world.watch.letters.page(after=None, limit=1):
        world.watch.fail("nothing is laid aside", str(letter)[:300])


def _applications(world: "Simulation") -> list[Application]:
    states = (world.watch.state(application_key(spec.application)) for spec in world.specs)
    return [state for state in states if state is not None]


def is_at_rest(world: "Simulation") -> bool:
    """Whether nothing more happens by itself that ends a rollout."""
    if world.tasks.alive or world.moves.waiting or world.later:
        return False
    keys = [application_key(spec.application) for spec in world.specs]
    if any(world.store.rollouts.load(key).inbox for key in keys):
        return False
    states = _applications(world)
    waits = any(state.live is not None and waits_for_person(state, state.live) for state in states)
    waits = waits or any(state.pending is not None and _is_kept_waiting(state, state.pending) for state in states)
    waits = waits or any(_is_paused(envelope.release) for envelope in world.watch.release_states.values())
    return all(_rests(state) or (waits and _is_member(state)) for state in states)


def _rests(state: Application) -> bool:
    if state.live is not None:
        return waits_for_person(state, state.live)
    return state.pending is None or _is_kept_waiting(state, state.pending)


def _is_kept_waiting(state: Application, pending: Rollout) -> bool:
    """Whether it does not begin by itself: what waits for a window that opens does."""
    return state.frozen is not None or pending.is_shut


def _is_member(state: Application) -> bool:
    """Whether it waits for others of a release."""
    return state.live is not None and state.live.member is not None


def _is_paused(release: Release) -> bool:
    return release.phase is ReleasePhase.PAUSED


def waits_for_person(state: Application, live: Rollout) -> bool:
    """Whether only a person brings this rollout on."""
    if live.phase is Phase.PAUSED or live.stuck is not None or state.freezes(live):
        return True
    if live.is_shut and live.phase is not Phase.ROLLING_BACK:
        return True
    return live.doing is Doing.DECIDING or (live.doing is Doing.AWAITING_APPROVAL and not live.approved)


def _people_decide(world: "Simulation", attempt: int) -> bool:
    """Let people say what waits for them; return whether anything did."""
    decided = False
    for key in [key for key, kept in world.watch.release_states.items() if _is_paused(kept.release)]:
        world.moves.make(Move(kind="steer", args=("resume" if attempt < 3 else "rollback",)))
        decided = bool(key)
    for number, spec in enumerate(world.specs):
        state = world.watch.state(application_key(spec.application))
        if state is None or (state.live is None and state.pending is None):
            continue
        if state.live is not None and state.live.stuck is not None:
            _mend(world, state.live)
        action = _decision(state, attempt)
        if action is not None:
            world.moves.make(Move(kind="override", app=number, args=(action.value,)))
        decided = True
    return decided


def _decision(state: Application, attempt: int) -> Action | None:
    patience = attempt < ROUNDS // 2
    wishes = [Action.UNFREEZE, Action.APPROVE, Action.RESUME] if patience else [Action.UNFREEZE, Action.ROLLBACK]
    if state.live is not None and state.live.doing is Doing.DECIDING:
        wishes = [Action.PROMOTE, *wishes]
    waiting = state.live or state.pending
    if waiting is not None and waiting.is_shut and (patience or state.live is None):
        wishes = [*wishes, Action.SKIP]
    return next((wish for wish in wishes if refusal(state, wish) is None), None)


def _mend(world: "Simulation", live: Rollout) -> None:
    """Put the versions where a stuck rollout needs them, and well."""
    assert live.spec is not None
    for name in (target.name for target in live.targets):
        target, state = live.at(name), live.target(name)
        assert state is not None
        serves = world.site.peek(target, Place.PRODUCTION)
        is_there = serves == state.stable_version and world.site.is_well(target, Place.PRODUCTION)
        if state.stable_version is None or is_there:
            continue
        place = Place.CANDIDATE if target.kind.swaps else Place.PRODUCTION
        world.site.deploy_at(target, place, state.stable_version)
        world.watch.put(target, state.stable_version)


def _everything_ended(world: "Simulation", key: str) -> None:
    """Each version that was taken in has ended, where people did what it waited for; and each end is still true."""
    watch, state = world.watch, world.watch.state(key)
    if state is None:
        return
    unfinished = [each for each in (state.live, state.pending) if each is not None]
    if unfinished and world.schedule.people_finish:
        watch.fail("it comes to rest", f"after all that people did: {_told(world)}")
    known = {*watch.over, *(each.id for each in unfinished)}
    for event in watch.history.get(key, ()):
        if isinstance(event, DeploymentAccepted) and event.rollout not in known:
            watch.fail("it comes to rest", f"{event.rollout} was accepted, and has neither ended nor does it go on")
    if not unfinished:
        an_end_stays_true(watch, key)


def _nothing_is_left_over(world: "Simulation", key: str) -> None:
    watch, store = world.watch, world.store
    state, loaded = watch.state(key), store.rollouts.load(key)
    if loaded.inbox:
        watch.fail("every fact is decided", f"{key}: {[entry.command_id for entry in loaded.inbox]}")
    if state is None:
        return
    if (loaded.outbox or state.effects) and not _tries_on(state):
        watch.fail("every effect is done", f"{key}: {[str(row.effect) for row in state.effects]}"[:300])
    wake, marker = next_wake(state), store.markers.find(key)
    if wake is None and marker is not None and marker.due <= world.time:  # one of a reminder is closed at its time
        watch.fail("every marker is closed", f"{key} is due {marker.due:%H:%M:%S} and has no work")
    if wake is not None and marker is None:
        watch.fail("open work is marked", f"{key} is to be looked at {wake:%H:%M:%S}")
    page = store.index.page(APPLICATIONS, shard_of(state.name), after=None, limit=10)
    lines = [json.loads(row.document) for row in page.rows if row.key == state.name]
    if lines != [json.loads(json.dumps(application_summary(state)))]:
        watch.fail("lists show how it stands", f"{key}: {lines}"[:300])


def _tries_on(state: Application) -> bool:
    """Whether a person was called because something cannot be done now: it is tried on until that person decides."""
    live = state.live
    if live is None or live.stuck is not None:
        return live is not None
    is_refused = all(isinstance(row.effect, LevelEffect) and row.attempt > 0 for row in state.effects)
    return live.phase is Phase.PAUSED and bool(state.effects) and is_refused


def _told(world: "Simulation") -> str:
    told = [f"{len(world.tasks.alive)} tasks, {world.moves.waiting} requests"] if world.tasks.alive else []
    for key, envelope in world.watch.envelopes.items():
        state = envelope.application
        for rollout in (state.live, state.pending):
            if rollout is not None:
                told.append(
                    f"{key} {rollout.id} {rollout.phase} {rollout.doing} {rollout.reason} since {rollout.started}"
                )
        inbox = len(world.store.rollouts.load(key).inbox)
        told += [f"{key}: {inbox} facts in the inbox"] if inbox else []
    return "; ".join(told)
