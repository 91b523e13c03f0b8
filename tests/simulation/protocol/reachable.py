"""What a schedule could reach: each decision and each kind of fault, in each phase, save for what cannot be."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import get_args

from shared.domain.rollout.commands import AcceptSpec, Action, Command, Override
from shared.domain.rollout.state import Phase
from tests.simulation.protocol.coverage import NONE, Cell
from tests.simulation.protocol.faults import CHANGED, FREEZES, KINDS

NO_ROLLOUT = "no rollout"
PHASES = (NO_ROLLOUT, *(phase.value for phase in Phase if not phase.is_terminal))
"""What is over is not live any more: it meets nothing."""
DECIDED = (
    *(kind.__name__ for kind in get_args(Command) if kind not in (AcceptSpec, Override)),
    *(f"Override {action}" for action in Action),
)
"""What the driver decides. A spec is decided where it is taken in, before it is answered."""
STEERED = ("pause", "resume", "abort", "rollback")
FACTS = ("Deploy", "Alert", "HookReport", "release", *(f"steer {each}" for each in STEERED))
"""What is stored in an inbox before it is answered; overrides too."""
WRITTEN = ("respec", "calendar", *(f"flag {each}" for each in ("save", "save another", "kill", "revive")))
"""What is decided and written before it is answered."""
ACCEPTED = tuple(f"accept {each}" for each in (*FACTS, *(f"Override {action}" for action in Action), *WRITTEN))
DELIVERY, SWEEP, PUSH = "delivery", "sweep", "push"
"""A message before anything is decided for it; the timer; what users met, pushed in."""
COMMANDS = (*DECIDED, *ACCEPTED, DELIVERY, SWEEP, PUSH)
EVERY_KIND = tuple(sorted({kind for kinds in KINDS.values() for kind in kinds}))

OF_DELIVERIES = frozenset({*FREEZES, "lose lock"})
"""Only a message is held under a lock."""
OF_CHANGES = frozenset(CHANGED)
"""Only what is decided moves users, calls hooks or tells anybody."""
OF_READINGS = frozenset({"no data", "broken data"})
"""What is decided next is what metrics are read for."""
OF_COMMITS = frozenset({"conflict"})
"""Nobody can be before a fact in an inbox; the timer and what is pushed in commit nothing."""


@cache
def reachable() -> frozenset[Cell]:
    """Return every cell that could be reached."""
    return frozenset(_cells())


def filled(total: Mapping[Cell, int]) -> tuple[int, int]:
    """Return how many of the cells that could be reached were, and how many there are."""
    return len(reachable() & total.keys()), len(reachable())


def never_reached(total: Mapping[Cell, int]) -> tuple[Cell, ...]:
    """Return the cells that could be reached and were not."""
    return tuple(sorted(reachable() - total.keys()))


def told(missing: Iterable[Cell]) -> list[str]:
    """Return the lines that say what was decided in which phases only, and what was hit by which faults only."""
    lacking = frozenset(missing)
    decided = {command: [p for p in PHASES if (p, command, NONE) not in lacking] for command in DECIDED}
    hit = {command: [k for k in _kinds_of(command) if _was_hit(command, k, lacking)] for command in COMMANDS}
    return [
        "decided, where it was not in every phase",
        *_lines(decided, dict.fromkeys(DECIDED, PHASES)),
        "",
        "hit in some phase, where it was not by every kind of fault",
        *_lines(hit, {command: _kinds_of(command) for command in COMMANDS}),
    ]


def phases_of(command: str) -> tuple[str, ...]:
    """Return the phases in which a command can be met: what is about no application is in none."""
    return (NO_ROLLOUT,) if command.startswith((SWEEP, PUSH, "accept release", "accept steer")) else PHASES


def _kinds_of(command: str) -> tuple[str, ...]:
    return tuple(kind for kind in EVERY_KIND if kind not in _never(command))


def _was_hit(command: str, kind: str, lacking: frozenset[Cell]) -> bool:
    return any((phase, command, kind) not in lacking for phase in phases_of(command))


def _lines(found: Mapping[str, list[str]], possible: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Name what there is or what there is not, whichever is less."""
    rows = []
    for name, values in found.items():
        lacks = [value for value in possible[name] if value not in values]
        if not values:
            rows.append((name, "never"))
        elif len(lacks) > len(values):
            rows.append((name, f"only {', '.join(values)}"))
        elif lacks:
            rows.append((name, f"not {', '.join(lacks)}"))
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {name.ljust(width)}  {said}" for name, said in rows] or ["  all of them"]


def _cells() -> Iterator[Cell]:
    for command in COMMANDS:
        for phase in phases_of(command):
            yield from ((phase, command, kind) for kind in _kinds_of(command))
            if command in DECIDED:
                yield phase, command, NONE


def _never(command: str) -> frozenset[str]:
    """Return the kinds of faults that no such task can meet."""
    if command in DECIDED:
        return frozenset()
    if command == DELIVERY:
        return OF_CHANGES - {"reject"}  # sources of metrics refuse for good, too
    at_the_door = OF_DELIVERIES | OF_CHANGES | OF_READINGS
    return at_the_door if command.removeprefix("accept ") in WRITTEN else at_the_door | OF_COMMITS
