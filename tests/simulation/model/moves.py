"""What can happen next: a worker's next call, its death, a message taken, a late call that lands, time that passes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from shared.domain.errors import RejectedError
from tests.simulation.model.laws import Laws
from tests.simulation.model.wiring import Handled, Job, Request, Swept
from tests.simulation.model.words import in_words, wake_up_in_words
from tests.simulation.model.workers import Finished, Place, Workers
from tests.simulation.model.world import Ask, Landing, Message, Raised, World, Worlds, carry_out, is_shared, is_write

CALL_TAKES = timedelta(seconds=20)
"""No call to a site takes longer; one whose worker died lands within this."""
IDLE = (None, None)
STALL = timedelta(seconds=61)
"""A worker that stood still for so long has lost its lock, and what it began may be begun by others."""

SWEEP = "sweep"
LOOKS = ("load", "answer", "overdue")


class Faults(NamedTuple):
    """How many of each may still come."""

    crashes: int = 0
    locks: int = 0
    """Locks that are lost while their worker goes on: at once, another one can have the message."""
    stalls: int = 0
    """Workers that stand still for a minute, and then go on."""
    lost: bool = False
    """Whether a worker has died whose message others had by then: nobody gets it again."""


class Busy(NamedTuple):
    """A worker at a shared call; `holds` is the message or request that comes again should it die."""

    place: int
    holds: Message | str | None
    wrote: bool = True
    """Whether its last call changed something: dying before a look is the same as dying after it."""


class State(NamedTuple):
    """The whole: what is shared, what each worker is at, and the faults to come."""

    world: World
    workers: tuple[Busy | None, ...]
    faults: Faults


class Step(NamedTuple):
    """What led from one state to the next."""

    worker: str
    did: str
    ask: Ask | None = None
    """The call that this is about; it is put into words only for who reads a trace."""

    def __str__(self) -> str:
        return f"{self.worker}  {self.did}{in_words(self.ask) if self.ask else ''}"


class _Going(NamedTuple):
    """What a call of a worker comes to."""

    world: World
    place: int
    wrote: bool
    broken: str | None = None


class BrokenError(Exception):
    """A law was broken on the way into a state."""


class Moves:
    """What can happen next in one scenario, in each of its states."""

    def __init__(self, workers: Workers, requests: dict[str, Request], laws: Laws, *, horizon: datetime) -> None:
        """Nothing that is due after the `horizon` comes to pass."""
        self._workers = workers
        self._laws = laws
        self._requests = requests
        self._horizon = horizon
        self._has_duplicates = len({request.id for request in requests.values()}) < len(requests)
        self._worlds = Worlds()
        self._calls: dict[tuple[World, int], _Going] = {}

    @property
    def places(self) -> int:
        """How many places of workers were found so far."""
        return len(self._workers)

    def alone(self, world: World, job: Any) -> World:
        """Return the world after one worker has done a job without any fault."""
        world, number = self._settled(world, self._workers.begin(job, world.now))
        while isinstance(at := self._workers[number].at, Ask):
            world, answer = carry_out(world, at)
            world, number = self._settled(world, self._workers.go_on(number, answer, world.now))
        assert not isinstance(at.value, Raised), at.value
        return self._worlds.one(world)

    def steps(self, state: State) -> Iterator[tuple[Step, State]]:
        """Yield each thing that can happen next.

        Where a worker's next call commutes with all that others can do, only its own steps are searched: those of the
        others come after it just the same.
        """
        world, workers = state.world, state.workers
        for index, busy in enumerate(workers):
            if busy is not None and self._commutes(state, self._workers[busy.place]):
                yield from self._by_worker(state, index, busy)
                return
        for index, busy in enumerate(workers):
            if busy is not None:
                yield from self._by_worker(state, index, busy)
        if None in workers:
            yield from self._taken(state, workers.index(None))
        for landing in dict.fromkeys(world.landings):
            left = list(world.landings)
            left.remove(landing)
            landed, _ = carry_out(replace(world, landings=tuple(left)), landing.ask)
            yield (
                Step("-", f"the call of a dead worker lands: {in_words(landing.ask)}"),
                state._replace(world=self._worlds.one(landed)),
            )
        if not any(workers):
            yield from self._later(state)

    def _commutes(self, state: State, place: Place) -> bool:
        """Whether nothing that others do can make a difference to a call, nor it to them.

        Who is busy does not look at the queue, so a message may as well be there at once. A decision that is late by
        now is refused whatever it was made on. Markers are between who opens them and the sweep.
        """
        at, world = place.at, state.world
        assert isinstance(at, Ask)
        match at.method:
            case "send":
                return True
            case "commit":
                return bool(at.args[0].etag != world.shop.load().etag) and at.args[0].key == world.shop.key
            case "read_share" | "read_swap":
                return place.decides_on is not None and place.decides_on != world.shop.load().etag
            case "answer":
                return not self._has_duplicates
            case "open":
                return not state.faults.stalls and not self._sweeps(state)
        return False

    def _sweeps(self, state: State) -> bool:
        """Whether a sweep, or what it woke, may be under way before time passes."""
        world = state.world
        if world.marker is not None and world.marker[0] <= world.now:
            return True
        return any(message.wake_up.marker for message in world.queue) or any(
            busy is not None
            and (busy.holds in (SWEEP, None) or (isinstance(busy.holds, Message) and busy.holds.wake_up.marker))
            for busy in state.workers
        )

    def _by_worker(self, state: State, index: int, busy: Busy) -> Iterator[tuple[Step, State]]:
        name, ask = "AB"[index], self._workers[busy.place].at
        assert isinstance(ask, Ask)
        yield Step(name, "", ask), self._called(state, index, busy)
        faults, world = state.faults, state.world
        if faults.crashes and busy.wrote:
            fewer = faults._replace(crashes=faults.crashes - 1, lost=faults.lost or busy.holds is None)
            again = self._given_back(world, busy.holds)
            yield Step(name, "dies before ", ask), self._with(state, index, None, again, fewer)
            if ask.port == "site" and is_write(ask):
                flying = replace(again, landings=(*again.landings, Landing(ask, world.now + CALL_TAKES)))
                yield Step(name, "dies while it calls ", ask), self._with(state, index, None, flying, fewer)
        if isinstance(busy.holds, Message):
            freed = busy._replace(holds=None)
            again = self._given_back(world, busy.holds)
            if faults.locks and busy.wrote:
                fewer = faults._replace(locks=faults.locks - 1)
                yield Step(name, "loses its lock and goes on"), self._with(state, index, freed, again, fewer)
            if faults.stalls and not self._calls_a_site(state):
                fewer = faults._replace(stalls=faults.stalls - 1)
                later = again.at(world.now + STALL)
                yield Step(name, "stands still for a minute"), self._with(state, index, freed, later, fewer)

    def _calls_a_site(self, state: State) -> bool:
        """Whether a worker is in a call to a site, which takes no minute."""
        asks = (self._workers[busy.place].at for busy in state.workers if busy is not None)
        return any(isinstance(ask, Ask) and ask.port == "site" and is_write(ask) for ask in asks)

    def _called(self, state: State, index: int, busy: Busy) -> State:
        """Return the state after a worker's next call, and those after it that nobody else can tell."""
        return self._going(state, index, self._call_of(state.world, busy.place), busy.holds)

    def _call_of(self, world: World, place: int) -> "_Going":
        """Return what the call at a place comes to in a world. Raises `BrokenError`."""
        key = (world, place)
        if key not in self._calls:
            self._calls[key] = self._call(*key)
        going = self._calls[key]
        if going.broken:
            raise BrokenError(going.broken)
        return going

    def _call(self, world: World, number: int) -> "_Going":
        place = self._workers[number]
        assert isinstance(place.at, Ask)
        after, answer = carry_out(world, place.at)
        broken = None
        if place.at.method == "commit" and not isinstance(answer, Raised):
            broken = self._laws.broken_by_commit(world.shop, after.shop, place.performed)
        settled, last = self._settled(after, self._workers.go_on(number, answer, after.now))
        return _Going(self._worlds.one(settled), last, is_write(place.at), broken)

    def _begun(
        self, state: State, index: int, job: Job, world: World, holds: Message | str
    ) -> Iterator[tuple[str, State]]:
        """Yield what can come of a worker that begins a job.

        It begins with a look: to take a message and look later is the same as to take it later.
        """
        settled, number = self._settled(world, self._workers.begin(job, world.now))
        going, faults = _Going(self._worlds.one(settled), number, isinstance(holds, Message)), state.faults
        at = self._workers[number].at
        if not isinstance(at, Ask) or at.method not in LOOKS:
            yield "", self._going(state, index, going, holds)
            return
        yield "", self._going(state, index, self._call_of(going.world, number)._replace(wrote=going.wrote), holds)
        if isinstance(holds, Message) and faults.crashes:
            fewer = faults._replace(crashes=faults.crashes - 1)
            yield ", and dies", self._with(state, index, None, self._given_back(world, holds), fewer)
        if isinstance(holds, Message) and (faults.locks or faults.stalls):
            yield ", and has not looked yet", self._going(state, index, going, holds)

    def _going(self, state: State, index: int, going: "_Going", holds: Message | str | None) -> State:
        """Let a worker stand where it came to, or be done with what it held."""
        at = self._workers[going.place].at
        if isinstance(at, Finished):
            return self._with(state, index, None, self._done(going.world, holds, at))
        return self._with(state, index, Busy(going.place, holds, going.wrote), going.world)

    def _settled(self, world: World, number: int) -> tuple[World, int]:
        """Answer calls that nobody else can tell, until there is another one or the end."""
        while True:
            at = self._workers[number].at
            if isinstance(at, Finished) or is_shared(at):
                return world, number
            world, answer = carry_out(world, at)
            number = self._workers.go_on(number, answer, world.now)

    def _done(self, world: World, holds: Message | str | None, end: Finished) -> World:
        """What a worker held is done with, or comes again."""
        failed = isinstance(end.value, Raised)
        if isinstance(holds, str):
            if failed and not issubclass(end.value.kind, RejectedError):
                return world
            return replace(world, requests=tuple(each for each in world.requests if each != holds))
        if failed:
            raise BrokenError(f"a worker ends with {end.value.kind.__name__}: {end.value.says}")
        return world

    def _with(self, state: State, index: int, busy: Busy | None, world: World, faults: Faults | None = None) -> State:
        workers = (*state.workers[:index], busy, *state.workers[index + 1 :])
        ordered = workers if busy is None or None in workers else tuple(sorted(workers, key=_order))
        if ordered[0] is None:
            ordered = ordered[::-1]
        world = self._worlds.resting(world) if ordered == IDLE else self._worlds.one(world)
        return State(world, ordered, faults or state.faults)

    def _given_back(self, world: World, holds: Message | str | None) -> World:
        return world.with_message(holds._replace(redelivered=True)) if isinstance(holds, Message) else world

    def _taken(self, state: State, index: int) -> Iterator[tuple[Step, State]]:
        """What an idle worker can begin."""
        world, name = state.world, "AB"[index]
        held = {busy.holds for busy in state.workers if busy is not None}
        for message in dict.fromkeys(world.queue):
            if message.due <= world.now:
                job = Handled(message.wake_up, message.redelivered)
                taken = world.without_message(message)
                again = " again" if message.redelivered else ""
                woken = f"is woken{again}: {wake_up_in_words(message.wake_up)}"
                for how, after in self._begun(state, index, job, taken, message):
                    yield Step(name, woken + how), after
        for request in world.requests:
            if request not in held:
                for how, after in self._begun(state, index, self._requests[request], world, request):
                    yield Step(name, f"is asked: {request}{how}"), after
        if self._sweep_is_due(state):
            for how, after in self._begun(state, index, Swept(), world, SWEEP):
                yield Step(name, f"sweeps{how}"), after

    def _sweep_is_due(self, state: State) -> bool:
        world = state.world
        if world.marker is None or world.marker[0] > world.now:
            return False
        if any(busy is not None and busy.holds == SWEEP for busy in state.workers):
            return False
        messages = (*world.queue, *(busy.holds for busy in state.workers if busy and isinstance(busy.holds, Message)))
        return all(message.wake_up.marker != world.marker[1] for message in messages)

    def _later(self, state: State) -> Iterator[tuple[Step, State]]:
        """Time passes when nobody does anything and nothing more is asked, to when the next thing is due."""
        world = state.world
        if world.requests:
            return
        times = [message.due for message in world.queue]
        times += [world.marker[0]] if world.marker is not None else []
        if not times:
            return
        due = min(times)
        if world.now < due <= self._horizon:
            yield Step("-", f"time passes to {due:%H:%M:%S}"), state._replace(world=self._worlds.one(world.at(due)))


def _order(busy: Busy | None) -> tuple[Any, ...]:
    """Workers are alike: which one stands where makes no difference."""
    return (1,) if busy is None else (0, busy.place, busy.wrote, str(busy.holds))
