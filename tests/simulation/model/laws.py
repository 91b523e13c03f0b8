"""What must hold: in every state, in every commit, and where nothing is left to do.

A law returns what is wrong, in a sentence, or None.
"""

import json

from shared.application.door import MARKER_GRACE
from shared.domain.rollout.commands import Deploy, Steer
from shared.domain.rollout.on_tick import next_wake
from shared.domain.rollout.phases import Phase
from shared.domain.rollout.state import Application
from tests.simulation.model.deeds import left_undone, member_in
from tests.simulation.model.documents import envelope_in
from tests.simulation.model.kept import Kept
from tests.simulation.model.lines import Line, application_in, first, line_of, phases_of
from tests.simulation.model.proof import Book, book_of, broken_at_sites, broken_in_state
from tests.simulation.model.wiring import Alarmed, Asked, Deployed, Request, Told
from tests.simulation.model.workers import Performed
from tests.simulation.model.world import World

WAITS_FOR_A_PERSON = (Phase.WAITING, Phase.PAUSED)


class Laws:
    """The laws for one scenario, whose requests they know."""

    def __init__(self, requests: dict[str, Request]) -> None:
        self._by_id = {request.id: request for request in requests.values()}
        self._checked: set[World] = set()
        self._books: dict[Kept, Book] = {}

    def broken_in(self, world: World) -> str | None:
        """Return which law a state breaks."""
        if world in self._checked:
            return None
        self._checked.add(world)
        if world.laid_aside:
            return "a wake-up was laid aside"
        return first(
            self._broken_in_rows(world), _has_marker(world), broken_at_sites(world.sites, self._books[world.shop])
        )

    def _broken_in_rows(self, world: World) -> str | None:
        kept = world.shop
        if kept in self._books:
            return None
        book = self._books[kept] = book_of(kept)
        said = broken_in_state(kept, book, world.sites)
        return first(self._acceptance(kept), _rows(kept), _gaps(kept), _turns(kept), said)

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
        return None

    def broken_while_idle(self, world: World, *, lost: bool) -> str | None:
        """Return which law a state breaks in which no worker is busy.

        A message that others had while its worker went on is gone when that one dies: where somebody was `lost` so,
        the sweep is in time.
        """
        state = application_in(world.shop)
        at = next_wake(state) if state is not None else None
        if at is None or any(message.due <= max(at, world.now) for message in world.queue):
            return None
        if lost and world.marker is not None and world.marker[0] <= max(at, world.now) + MARKER_GRACE:
            return None
        return f"it has something to do at {at:%H:%M:%S}, and nothing wakes it in time"

    def broken_by_commit(self, before: Kept, after: Kept, performed: Performed) -> str | None:
        """Return which law a commit breaks whose delivery has performed these outbox rows."""
        return first(_broken_by_commit(before, after, performed), left_undone(before, after, self._by_id))

    def _acceptance(self, kept: Kept) -> str | None:
        """What was accepted waits in the inbox, or history says once what came of it."""
        waiting = {entry.command_id for entry in kept.inbox}
        for command_id in sorted(kept.taken):
            request = self._by_id.get(command_id)
            if request is None:
                continue
            said = sum(_tells_of(line_of(line), request, kept) for line in kept.history)
            if _leaves_no_line(request):
                if command_id not in waiting and _is_forgotten(request, application_in(kept)):
                    return f"{command_id} was taken from the inbox, and what it opened is not open"
            elif said != (0 if command_id in waiting else 1):
                where = "still waits" if command_id in waiting else "was taken from the inbox"
                return f"{command_id} {where}, and history tells of it {said} times"
        return None


def _broken_by_commit(before: Kept, after: Kept, performed: Performed) -> str | None:
    """Return which law a commit breaks whose delivery has performed these outbox rows."""
    old, new = application_in(before), application_in(after)
    if old is None or new is None:
        return None
    if envelope_in(after.document or "").version != envelope_in(before.document or "").version + 1:
        return "the state's version does not grow by one"
    if len(after.history) < len(before.history) or after.history[: len(before.history)] != before.history:
        return "history was written anew"
    return first(_rows_closed(old, new, performed), _after_the_end(before, after, new))


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


def _tells_of(line: Line, request: Request, kept: Kept) -> bool:
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
        case Told(command=Deploy(rollout=rollout)):
            return line["type"] in ("DeploymentAccepted", "DeploymentRefused") and line["rollout"] == rollout
        case Told(command=Steer(membership=membership)):
            by_release = line.get("by") == f"release {membership.release}" and line["type"] == "RollbackBegun"
            return by_release or (
                line["type"] == "NotTakenBack" and line["membership"]["rollout"] == membership.rollout
            )


def _leaves_no_line(request: Request) -> bool:
    """Whether it is a release that only opens the way: that shows in how far it is open, and not in history."""
    return isinstance(request, Told) and isinstance(request.command, Steer) and not request.command.back


def _is_forgotten(request: Request, state: Application | None) -> bool:
    """Whether the way of its member is not open so far; who goes back, or is over, has none any more."""
    assert isinstance(request, Told)
    assert isinstance(request.command, Steer)
    member = member_in(state, request.command)
    if member is None or member.member is None or member.phase is Phase.ROLLING_BACK:
        return False
    return member.member.opened < request.command.opened


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
    for line in map(line_of, kept.history):
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
