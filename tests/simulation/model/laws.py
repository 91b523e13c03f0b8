"""What must hold: in every state, in every commit, and where nothing is left to do.

A law returns what is wrong, in a sentence, or None.
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from shared.application.door import MARKER_GRACE
from shared.domain.rollout.on_tick import next_wake
from shared.domain.rollout.phases import Phase
from shared.domain.rollout.state import Application
from shared.ports.rollout_store import HistoryEntry
from tests.simulation.model.documents import envelope_in
from tests.simulation.model.kept import Kept
from tests.simulation.model.wiring import Alarmed, Asked, Deployed, Request, Told
from tests.simulation.model.workers import Performed
from tests.simulation.model.world import World

ENDS = tuple(phase for phase in Phase if phase.is_terminal)
WAITS_FOR_A_PERSON = (Phase.WAITING, Phase.PAUSED)


@cache
def _line(entry: HistoryEntry) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(entry.document)["value"]
    return line


def application_in(kept: Kept) -> Application | None:
    """Return the application as it is stored."""
    return envelope_in(kept.document).application if kept.document is not None else None


def phases_of(kept: Kept) -> dict[str, str]:
    """Return the phase in which each rollout that was recorded ended."""
    return {record.id: json.loads(record.document)["value"]["phase"] for record in kept.records}


class Laws:
    """The laws for one scenario, whose requests they know."""

    def __init__(self, requests: dict[str, Request]) -> None:
        self._by_id = {request.id: request for request in requests.values()}
        self._checked: set[Kept] = set()

    def broken_in(self, world: World) -> str | None:
        """Return which law a state breaks."""
        kept = world.shop
        if world.laid_aside:
            return "a wake-up was laid aside"
        if kept not in self._checked:
            self._checked.add(kept)
            broken = _first(self._acceptance(kept), _rows(kept), _gaps(kept), _turns(kept))
            if broken:
                return broken
        return _first(_has_marker(world), _within_proof(world))

    def broken_at_rest(self, world: World) -> str | None:
        """Return which law a state breaks in which nobody does anything, and nothing will come."""
        kept, state = world.shop, application_in(world.shop)
        assert state is not None
        if kept.inbox:
            return f"{kept.inbox[0].command_id} was accepted and is never decided"
        if state.effects:
            return f"outbox row {state.effects[0].id} is never closed: {state.effects[0].effect}"
        if state.live is not None and state.live.phase not in WAITS_FOR_A_PERSON:
            return f"{state.live.id} stays {state.live.phase}, {state.live.doing}, for ever"
        if next_wake(state) is not None and not world.queue and world.marker is None:
            return "it would have something to do later, and nothing wakes it: no message, no marker"
        if next_wake(state) is None and world.marker is not None:
            return "its open marker stands though nothing is left to do"
        return _at_the_site(world, state)

    def broken_while_idle(self, world: World, *, held_locks: bool) -> str | None:
        """Return which law a state breaks in which no worker is busy.

        A message that others had while its worker went on is gone when that one dies: then the sweep is in time.
        """
        state = application_in(world.shop)
        at = next_wake(state) if state is not None else None
        if at is None or any(message.due <= max(at, world.now) for message in world.queue):
            return None
        if not held_locks and world.marker is not None and world.marker[0] <= max(at, world.now) + MARKER_GRACE:
            return None
        return f"it has something to do at {at:%H:%M:%S}, and nothing wakes it in time"

    def _acceptance(self, kept: Kept) -> str | None:
        """What was accepted waits in the inbox, or history says once what came of it."""
        waiting = {entry.command_id for entry in kept.inbox}
        for command_id in sorted(kept.taken):
            request = self._by_id.get(command_id)
            if request is None or isinstance(request, Told):
                continue  # what a release says leaves no line of its own
            said = sum(_tells_of(_line(line), request, kept) for line in kept.history)
            if said != (0 if command_id in waiting else 1):
                where = "still waits" if command_id in waiting else "was taken from the inbox"
                return f"{command_id} {where}, and history tells of it {said} times"
        return None


def broken_by_commit(before: Kept, after: Kept, performed: Performed) -> str | None:
    """Return which law a commit breaks whose delivery has performed these outbox rows."""
    old, new = application_in(before), application_in(after)
    if old is None or new is None:
        return None
    if envelope_in(after.document or "").version != envelope_in(before.document or "").version + 1:
        return "the state's version does not grow by one"
    if len(after.history) < len(before.history) or after.history[: len(before.history)] != before.history:
        return "history was written anew"
    return _first(_rows_closed(old, new, performed), _after_the_end(before, after, new))


def _rows_closed(old: Application, new: Application, performed: Performed) -> str | None:
    still = {row.id for row in new.effects}
    for row in old.effects:
        is_replaced = row.begun is None and any(each.effect == row.effect for each in new.effects)
        if row.id not in still and (row.id, row.begun) not in performed and not is_replaced:
            return f"outbox row {row.id} is closed by a worker that does not hold it: {row.effect}"
    return None


def _after_the_end(before: Kept, after: Kept, new: Application) -> str | None:
    ended = phases_of(before)
    phases = phases_of(after)
    for rollout, phase in ended.items():
        if phases.get(rollout) != phase:
            return f"{rollout} ended {phase} and is {phases.get(rollout)} now"
    for rollout in (new.live, new.pending):
        if rollout is not None and (rollout.id in phases or rollout.phase.is_terminal):
            return f"{rollout.id} is over, and live"
    return None


def _tells_of(line: dict[str, Any], request: Request, kept: Kept) -> bool:
    """Whether a line of history says what came of a request."""
    match request:
        case Alarmed():
            return line["type"] == "AlertReceived" and line["rule"] == request.id
        case Deployed():
            asked = dict(kept.answers)[request.id]
            kinds = ("DeploymentAccepted", "DeploymentRefused")
            return line["type"] in kinds and line["rollout"] == json.loads(asked)["value"]["rollout"]
        case Asked():
            if line["type"] == "CommandRefused":
                return bool(line["command"] == request.id)
            if line["type"] == "DeploymentAccepted":
                return bool(line["source"].endswith(f" by {request.id}"))
            return line.get("by") == request.id
        case Told():
            return False


def _rows(kept: Kept) -> str | None:
    """What the rules know of the outbox is what stands there."""
    state = application_in(kept)
    known = tuple(row.id for row in state.effects) if state else ()
    stand = tuple(row.id for row in kept.outbox)
    return None if set(known) == set(stand) else f"the outbox holds {stand}, the state speaks of {known}"


def _gaps(kept: Kept) -> str | None:
    state = application_in(kept)
    numbers = [line.sequence for line in kept.history]
    last = state.sequence if state else 0
    return None if numbers == list(range(1, last + 1)) else f"history has {numbers}, the state speaks of {last}"


def _turns(kept: Kept) -> str | None:
    """One rollout after the other: each starts once and ends once, and none starts while another is live."""
    live, over = None, set()
    for line in map(_line, kept.history):
        if line["type"] == "RolloutStarted":
            if live is not None or line["rollout"] in over:
                return f"{line['rollout']} starts while {live} is live, or again"
            live = line["rollout"]
        elif line["type"] == "RolloutEnded":
            if line["rollout"] in over:
                return f"{line['rollout']} ends twice"
            over.add(line["rollout"])
            live = None if line["rollout"] == live else live
    return None


def _has_marker(world: World) -> str | None:
    """Whatever is left to do can be found by the sweep."""
    state = application_in(world.shop)
    is_open = bool(world.shop.inbox) or (state is not None and next_wake(state) is not None)
    return "work is open and no marker says so" if is_open and world.marker is None else None


def _within_proof(world: World) -> str | None:
    """Nobody is sent to a version that no live rollout brings, nor more than was proven."""
    state = application_in(world.shop)
    live = state.live if state else None
    share = world.site.share
    proven = max((target.proven for target in live.targets), default=0) if live else 0
    if share and live is None:
        return f"{share / 1000:g} % of the users are sent to the candidate's place and no rollout is live"
    if share > proven and live is not None and not _was_let_on(world.shop, live.id):
        return f"{share / 1000:g} % of the users are sent to the candidate's place; {proven / 1000:g} % were proven"
    return None


def _was_let_on(kept: Kept, rollout: str) -> bool:
    """Whether a person has sent a rollout on without proof."""
    steps = (line for line in map(_line, kept.history) if line["type"] == "StepEntered")
    return any(line["rollout"] == rollout and line["by"] for line in steps)


def _at_the_site(world: World, state: Application) -> str | None:
    """At rest, what users meet is what was decided."""
    phases = [phase for phase in phases_of(world.shop).values() if phase != Phase.SUCCEEDED]
    if state.live is None and world.site.share:
        return f"{world.site.share / 1000:g} % of the users are sent to the candidate's place after the end"
    serving = state.serving.version if state.serving else "1"
    if state.live is None and phases and world.site.production != serving:
        return f"production serves {world.site.production} after the way back, not {serving}"
    return None


def _first(*broken: str | None) -> str | None:
    return next((each for each in broken if each), None)


def all_phases(worlds: Iterable[World]) -> set[str]:
    """Return every end that some rollout came to in these worlds."""
    return {phase for world in worlds for phase in phases_of(world.shop).values()}
