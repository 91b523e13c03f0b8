"""Workers as an automaton: where one is between two port calls, and where an answer takes it.

Code that runs cannot be copied, but it can be run again: a place in it is the job and the answers that led there. Two
ways that lead to the same place are one: at the head of each turn of `Driver.drive` all that a delivery knows is what
`_step` is given, so there the answers before are forgotten. (How many turns and conflicts there were is forgotten with
them: the laws see to it that no delivery comes near their limits.)
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from greenlet import getcurrent, greenlet

from shared.application.aggregate import Aggregate
from shared.application.drive import Driver
from shared.application.perform import Performer
from shared.domain.errors import SlipwayError
from tests.simulation.model.world import Ask, Raised

ALIVE_AT_MOST = 3_000
"""So many greenlets are kept where they stand; others are run again when they are needed."""
Came = tuple[Any, datetime]
"""An answer, and the time at which it came."""
Performed = frozenset[tuple[str, datetime | None]]
"""The outbox rows that a delivery has performed, each with when it was begun then: who takes it over begins it anew."""
TURNS_AT_MOST = 40
"""Well below the 60 of `Driver.drive`: nothing that the search forgets can make a difference."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """All that a delivery knows at the head of a turn, to begin it again there."""

    current: Aggregate
    own: frozenset[Any]
    outcomes: tuple[Any, ...]
    news: bool
    conflicts: int
    began: datetime
    now: datetime
    performed: Performed
    number: int


class _Running(greenlet):
    """A worker, and what it was last seen to know."""

    now: datetime
    turn: _Turn | None = None
    again: _Turn | None = None
    """Where to go on instead of at the first turn."""
    head: Any = None
    turns: int = 0
    performed: Performed = frozenset()
    decides_on: str | None = None

    def begin(self, job: Callable[[], Any], again: _Turn | None, first: Came) -> None:
        self.first: tuple[Came, ...] = (first,)
        self.since: list[Came] = []
        self.again = again
        self.now = first[1]
        self.run = partial(_outcome, job)


def _outcome(job: Callable[[], Any]) -> Any:
    try:
        return Finished(job())
    except SlipwayError as error:
        return Finished(Raised(type(error), str(error)))


@dataclass(frozen=True, slots=True)
class Finished:
    """A job came to its end, with this value or error."""

    value: Any


class Port:
    """Stands for a port: each call stops the worker until the search answers it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._ask, method)

    def _ask(self, method: str, *args: Any, **named: Any) -> Any:
        running = getcurrent()
        assert isinstance(running, _Running)
        answer = running.parent.switch(Ask(self._name, method, args, tuple(sorted(named.items()))))
        if isinstance(answer, Raised):
            raise answer.kind(answer.says)
        return answer


class WorkersClock:
    """Tells each worker the time at which it was last let go on."""

    def now(self) -> datetime:
        running = getcurrent()
        assert isinstance(running, _Running)
        return running.now


@dataclass(slots=True)
class Place:
    """Where a worker stands: at a port call, or at its end."""

    job: Any
    turn: _Turn | None
    """The turn of the delivery that it is in, if it came to one."""
    path: tuple[Came, ...]
    """The time at which it began, its first answer where it is in a turn, then each answer since: one way that leads
    here."""
    at: Ask | Finished
    performed: Performed = frozenset()
    decides_on: str | None = None
    """The etag of the state on which this turn decides, as long as it has performed nothing."""
    following: dict[Came, int] = field(default_factory=dict)


class Workers:
    """All places that were found so far, by number."""

    def __init__(self, jobs: Callable[[Any], Callable[[], Any]]) -> None:
        """`jobs` makes a job's code from its description."""
        self._jobs = jobs
        self._places: list[Place] = []
        self._known: dict[Any, int] = {}
        self._alive: OrderedDict[int, _Running] = OrderedDict()
        self._begun: dict[tuple[Any, datetime], int] = {}
        self.runs = 0

    def __getitem__(self, number: int) -> Place:
        return self._places[number]

    def __len__(self) -> int:
        return len(self._places)

    def begin(self, job: Any, now: datetime) -> int:
        """Return where a worker is that begins a job now."""
        if (job, now) not in self._begun:
            running, at = self._run(job, None, ((None, now),))
            self._begun[job, now] = self._arrive(job, running, at)
        return self._begun[job, now]

    def go_on(self, number: int, answer: Any, now: datetime) -> int:
        """Return where a worker is after an answer."""
        place, key = self._places[number], (answer, now)
        if key not in place.following:
            running = self._alive.pop(number, None)
            if running is None:
                running, _ = self._run(place.job, place.turn, place.path)
            place.following[key] = self._arrive(place.job, running, _let_go(running, answer, now))
        return place.following[key]

    def _run(self, job: Any, turn: _Turn | None, path: tuple[Came, ...]) -> tuple[_Running, Ask | Finished]:
        """Run a job to a place: from its beginning, or from the head of a turn."""
        self.runs += 1
        running = _Running()
        running.begin(self._jobs(job), turn, path[0])
        at = running.switch()
        for answer, now in path[1:]:
            at = _let_go(running, answer, now)
        return running, at

    def _arrive(self, job: Any, running: _Running, at: Ask | Finished) -> int:
        assert running.turns <= TURNS_AT_MOST, "a delivery comes near the limit of its turns"
        key = at if isinstance(at, Finished) else (job, running.head, tuple(running.since), running.now)
        if key not in self._known:
            self._known[key] = len(self._places)
            path = (*running.first, *running.since)
            self._places.append(Place(job, running.turn, path, at, running.performed, running.decides_on))
            if isinstance(at, Ask):
                self._alive[self._known[key]] = running
                while len(self._alive) > ALIVE_AT_MOST:
                    self._alive.popitem(last=False)
        return self._known[key]


def _let_go(running: _Running, answer: Any, now: datetime) -> Ask | Finished:
    running.since.append((answer, now))
    running.now = now
    at = running.switch(answer)
    assert isinstance(at, Ask | Finished)
    return at


@contextmanager
def watched_workers(document_of: Callable[[Any], str]) -> Iterator[None]:
    """Note what each turn of `Driver.drive` begins with, and what is performed. Changes nothing that they do."""
    step_before, perform_before = Driver._step, Performer.perform

    def step(self: Driver, current: Any, delivery: Any) -> Any:
        running = getcurrent()
        if isinstance(running, _Running):
            if running.again is not None:
                current = _go_back(running, running.again, delivery)
            _note(running, current, delivery, document_of)
        return step_before(self, current, delivery)

    def perform(self: Performer, key: str, row: Any) -> Any:
        running = getcurrent()
        if isinstance(running, _Running):
            running.performed |= {(row.id, row.begun)}
            running.decides_on = None
        return perform_before(self, key, row)

    Driver._step, Performer.perform = step, perform  # type: ignore[method-assign]
    try:
        yield
    finally:
        Driver._step, Performer.perform = step_before, perform_before  # type: ignore[method-assign]


def _note(running: _Running, current: Aggregate, delivery: Any, document_of: Callable[[Any], str]) -> None:
    open_rows = {row.id for row in current.application.effects}
    known = (current.etag, document_of(current.envelope), current.inbox)
    own = frozenset((row, begun) for row, begun in delivery.own.items() if row in open_rows)
    outcomes = tuple(delivery.outcomes)
    running.performed = frozenset(each for each in running.performed if each[0] in open_rows)
    running.turns += 1
    running.turn = _Turn(
        current=current,
        own=own,
        outcomes=outcomes,
        news=delivery.news,
        conflicts=delivery.conflicts,
        began=delivery.began,
        now=running.now,
        performed=running.performed,
        number=running.turns,
    )
    running.head = (known, delivery.wake_up, delivery.redelivered, delivery.began, own, delivery.news)
    running.head += (outcomes, running.performed, running.now)
    running.decides_on = current.etag
    if len(running.first) == 1:
        running.first = (*running.first, running.since[0])
    running.since.clear()


def _go_back(running: _Running, turn: _Turn, delivery: Any) -> Aggregate:
    """Put a delivery that has just begun at the head of a later turn of it."""
    delivery.own, delivery.outcomes = dict(turn.own), list(turn.outcomes)
    delivery.news, delivery.conflicts, delivery.began = turn.news, turn.conflicts, turn.began
    running.performed, running.turns, running.again = turn.performed, turn.number - 1, None
    running.now = turn.now
    return turn.current
