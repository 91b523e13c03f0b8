"""The rules alone: every situation that commands, answers, readings and time can lead one application to.

A situation is an application's state without what only counts or dates: phase, step, flags, what each target is wanted
and seen to do, which rows are open, and what the site is like. One state stands for each situation, and every move is
tried on it, under the laws of `tests.unit.domain.walks`. What is new here is that none is left out, and that from each
of them an end can be reached.
"""

from collections import deque
from collections.abc import Iterator
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any

from shared.domain.rollout.commands import Action
from shared.domain.rollout.phases import Phase
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Application, Rollout, TargetState
from tests.unit.domain.walks import Move, Walk

SMALL = (
    Move("on"),
    Move("tick"),
    Move("do", 0),
    *(Move("override", action) for action in Action if action not in (Action.FREEZE, Action.UNFREEZE)),
    Move("alert", True),
    *(Move("meet", what) for what in ("good", "bad")),
)
"""Everything goes as it should, but for users, people and alerts."""
WITH_FAILURES = (
    *SMALL,
    Move("fail", 0),
    Move("refuse", 0),
    Move("wait", 90_000),
)
"""Effects fail, for now or for good, and a day passes unseen."""
Situation = tuple[Any, ...]


@dataclass(slots=True)
class Map:
    """The situations that were found, and which one leads where."""

    ways: dict[Situation, set[Situation]] = field(default_factory=dict)
    ends: set[Situation] = field(default_factory=set)
    """Nothing is live, nothing waits, and no row is open."""
    how: dict[Situation, tuple[Move, ...]] = field(default_factory=dict)
    """The first way that was found to each."""
    seen: set[tuple[Phase, str]] = field(default_factory=set)
    """Every phase of a live rollout, with every move that was tried in it."""
    is_whole: bool = True

    def trapped(self) -> list[tuple[Move, ...]]:
        """Return a way into each situation from which no end can be reached."""
        before: dict[Situation, list[Situation]] = {}
        for source, targets in self.ways.items():
            for target in targets:
                before.setdefault(target, []).append(source)
        reached, open_ = set(self.ends), list(self.ends)
        while open_:
            for source in before.get(open_.pop(), ()):
                if source not in reached:
                    reached.add(source)
                    open_.append(source)
        return [self.how[each] for each in self.ways if each not in reached]


def explore(spec: Spec, *, at_most: int = 1_000_000, moves: tuple[Move, ...] = SMALL) -> Map:
    """Find every situation, breadth first, at most so many. Raises AssertionError where a law of walks is broken."""
    first = Walk(spec)
    first.go(0)
    found, start = Map(), situation(first)
    found.how[start] = ()
    open_ = deque([(start, first)])
    while open_:
        here, walk = open_.popleft()
        found.ways[here] = set()
        if _is_end(walk.state):
            found.ends.add(here)
        for move, there, after in _moved(walk, moves):
            if walk.state.live is not None:
                found.seen.add((walk.state.live.phase, repr(move)))
            found.ways[here].add(there)
            if there not in found.how:
                found.how[there] = (*found.how[here], move)
                open_.append((there, after))
        if len(found.how) > at_most:
            found.is_whole = False
            return found
    return found


def _moved(walk: Walk, moves: tuple[Move, ...]) -> Iterator[tuple[Move, Situation, Walk]]:
    for move in moves:
        after = _copy(walk)
        try:
            after.move(move)
        except AssertionError as error:
            raise AssertionError(f"{move}: {error}") from error
        yield move, situation(after), after


def _copy(walk: Walk) -> Walk:
    """Return a walk that goes its own way from here; what happened before is told in `how`."""
    other = copy(walk)
    other.outside, other.hooks = deepcopy(walk.outside), deepcopy(walk.hooks)
    other.events, other.archived, other.opened = [], [], []
    other.lifted, other.over = set(walk.lifted), set(walk.over)
    other.stalls, other.answered = list(walk.stalls), list(walk.answered[-3:])
    return other


def _is_end(state: Application) -> bool:
    return state.live is None and state.pending is None and not state.effects


def situation(walk: Walk) -> Situation:
    """Return what is left of a walk without what only counts or dates."""
    state, now = walk.state, walk.now
    rows = tuple(sorted((type(row.effect).__name__, row.begun is not None) for row in state.effects))
    sites = tuple(
        (s.production, s.candidate, s.share, bool(s.swapping), s.trouble) for s in walk.outside.sites.values()
    )
    meets = tuple(str(site.users_meet) for site in walk.outside.sites.values())
    live = _of_rollout(state.live, now) if state.live else None
    others = (bool(state.frozen), bool(state.aftercare), bool(state.warm), state.serving and state.serving.version)
    pending = state.pending.version if state.pending else None
    return (live, pending, others, rows, sites, meets)


def _of_rollout(live: Rollout, now: Any) -> tuple[Any, ...]:
    flags = (bool(live.paused), live.paused_in, bool(live.stuck), bool(live.held_since), live.approved, live.returns)
    due = (live.look_at is not None and live.look_at <= now, live.deadline is not None and live.deadline <= now)
    ending = live.ending.phase if live.ending else None
    targets = tuple(_of_target(target) for target in live.targets)
    return (live.version, live.phase, live.doing, live.step, flags, due, ending, live.is_ready, targets)


def _of_target(target: TargetState) -> tuple[Any, ...]:
    levels = (target.wanted, target.proven, target.observed, target.reached == target.generation)
    verdict = target.judgement.verdict if target.judgement else None
    return (*levels, target.side, target.wanted_side, target.swap_begun, bool(target.swap_token), verdict)
