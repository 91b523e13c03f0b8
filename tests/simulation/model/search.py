"""Every state that can be reached, breadth first: the first broken law is found by a shortest way."""

from array import array
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from time import process_time
from typing import Any

from tests.simulation.model.laws import Laws
from tests.simulation.model.lines import phases_of
from tests.simulation.model.moves import IDLE, BrokenError, Moves, State, Step
from tests.simulation.model.world import World


@dataclass(slots=True, kw_only=True)
class Found:
    """What a search came to."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    ends: int = 0
    seconds: float = 0.0
    """Of one core's time."""
    places: int = 0
    phases: dict[tuple[str, ...], int] = field(default_factory=dict)
    """How the rollouts ended, in how many of the states where nothing is left to do."""
    broken: str | None = None
    trace: tuple[tuple[datetime, Step], ...] = ()
    is_whole: bool = True
    """Whether every state was searched."""


class States:
    """The states that were found, each as one number that is small to keep."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self._known: dict[int, int] = {}
        self._codes = array("Q")

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, number: int) -> State:
        code = self._codes[number]
        world, first, second = (self._parts[code >> shift & (1 << _BITS) - 1] for shift in (0, _BITS, 2 * _BITS))
        faults, first = first
        return State(world, (first, second), faults)

    def add(self, state: State) -> tuple[int, bool]:
        """Return the number of a state, and whether it is new."""
        parts = (state.world, (state.faults, state.workers[0]), state.workers[1])
        code = sum(self._number(part) << _BITS * place for place, part in enumerate(parts))
        number = self._known.setdefault(code, len(self._codes))
        if number < len(self._codes):
            return number, False
        self._codes.append(code)
        return number, True

    def _number(self, part: Any) -> int:
        number = self._numbers.setdefault(part, len(self._parts))
        if number == len(self._parts):
            assert number < 1 << _BITS, "there are more parts than a state can name"
            self._parts.append(part)
        return number


_BITS = 21


class Search:
    """Searches one scenario."""

    def __init__(self, moves: Moves, laws: Laws) -> None:
        self._moves = moves
        self._laws = laws

    def run(self, first: State, *, at_most: int = 10_000_000) -> Found:
        """Search every state, at most so many, until a law breaks."""
        began, found = process_time(), Found()
        states, came_from, depths = States(), array("q", [-1]), array("i", [0])
        states.add(first)
        edges_from, edges_to, at_rest = array("q"), array("q"), []
        at = 0
        try:
            while at < len(states) and len(states) < at_most:
                state = states[at]
                is_end = True
                for _, after in self._moves.steps(state):
                    is_end = False
                    found.transitions += 1
                    number, is_new = states.add(after)
                    if is_new:
                        came_from.append(at)
                        depths.append(depths[at] + 1)
                        broken = self._laws.broken_in(after.world)
                        if not broken and after.workers == IDLE:
                            broken = self._laws.broken_while_idle(after.world, lost=after.faults.lost)
                        if broken:
                            self._tell(found, states, came_from, number, broken)
                            return found
                    edges_from.append(at)
                    edges_to.append(number)
                if is_end:
                    at_rest.append(at)
                    broken = self._laws.broken_at_rest(state.world)
                    if broken:
                        self._tell(found, states, came_from, at, broken)
                        return found
                    self._count_end(found, state.world)
                at += 1
            found.is_whole = at == len(states)
            if found.is_whole:
                trapped = _cannot_reach(len(states), edges_from, edges_to, at_rest)
                if trapped is not None:
                    self._tell(found, states, came_from, trapped, "from here no state of rest can be reached any more")
        except BrokenError as error:
            self._tell(found, states, came_from, at, str(error))
        finally:
            found.states, found.depth = len(states), max(depths)
            found.seconds, found.places = process_time() - began, self._moves.places
        return found

    def _tell(self, found: Found, states: States, came_from: "array[int]", number: int, broken: str) -> None:
        """Follow the way back to the first state, and say what happened on it."""
        way = [number]
        while came_from[way[-1]] >= 0:
            way.append(came_from[way[-1]])
        way.reverse()
        told, names = [], ["A", "B"]
        for before, after in pairwise(way):
            step = next(step for step, reached in self._moves.steps(states[before]) if reached == states[after])
            names, who = _names_after(states[before], states[after], step, names)
            told.append((states[before].world.now, step._replace(worker=who)))
        found.broken, found.trace = broken, tuple(told)

    def _count_end(self, found: Found, world: World) -> None:
        how = tuple(sorted(phases_of(world.shop).values()))
        found.ends += 1
        found.phases[how] = found.phases.get(how, 0) + 1


def _names_after(before: State, after: State, step: Step, names: list[str]) -> tuple[list[str], str]:
    """Return who stands where after a step, and who did it: the places of workers in a state are no names."""
    if step.worker not in "AB":
        return names, step.worker
    acted = "AB".index(step.worker)
    other = 1 - acted
    stays = after.workers.index(before.workers[other])
    return (names if stays == other else names[::-1]), names[acted]


def _cannot_reach(count: int, edges_from: "array[int]", edges_to: "array[int]", ends: list[int]) -> int | None:
    """Return a state from which none of the ends can be reached, or None."""
    before: list[list[int]] = [[] for _ in range(count)]
    for source, target in zip(edges_from, edges_to, strict=True):
        before[target].append(source)
    reached, open_ = bytearray(count), list(ends)
    for end in ends:
        reached[end] = 1
    while open_:
        for source in before[open_.pop()]:
            if not reached[source]:
                reached[source] = 1
                open_.append(source)
    return next((number for number in range(count) if not reached[number]), None)
