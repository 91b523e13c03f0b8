"""What chance alone brings together too seldom, drawn on purpose and apart from the rest of a schedule."""

from dataclasses import replace
from random import Random

from tests.simulation.protocol.faults import CHANGED
from tests.simulation.protocol.recipes import KINDS
from tests.simulation.protocol.schedule import Fault, Move, Recipe, Schedule

PREVIEW = ("promoter.apply_preview", "promoter.reset_preview")
PREPARED = ("promoter.apply_preview 1", "probe.read_health 4", "probe.read_health 6")
"""Calls at and after the moment from which a slot runs with production's settings."""
TAKES_BACK = (("alert", (True,)), ("override", ("rollback",)), ("override", ("abort",)))


def under_pressure(drawn: Schedule) -> Schedule:
    """Add versions that come faster than they are released, places that are sick in silence, and trouble with calls
    that few strategies make.
    """
    rng = Random(f"pressure on {drawn.seed}")
    if rng.random() < 0.1:
        drawn = replace(drawn, apps=(_prepared(drawn.apps[0]), *drawn.apps[1:]))
    moves = (*_hurry(rng, drawn), *_sickness(rng, drawn), *_second_thoughts(rng, drawn))
    return replace(drawn, moves=(*drawn.moves, *moves), faults=(*drawn.faults, *_rare_calls(rng, drawn)))


def _prepared(recipe: Recipe) -> Recipe:
    """A slot that runs with production's settings soon after the rollout began."""
    targets = recipe.targets if any(KINDS[name].swaps for name in recipe.targets) else ("web",)
    return replace(recipe, strategy="short", targets=targets, hooks="none", previews=True)


def _hurry(rng: Random, drawn: Schedule) -> list[Move]:
    """CI is faster than what is released: the version that waits is out of date before its turn comes."""
    if rng.random() < 0.8:
        return []
    app, at = rng.randrange(len(drawn.apps)), rng.uniform(5, 0.6 * drawn.storm)
    moves = []
    for version in ("3", "4", "5")[: rng.choice((2, 2, 3))]:
        moves.append(Move(kind="deploy", at=round(at, 1), app=app, args=(version, 0.0, True, False)))
        at += rng.choice((0.4, 4.0, 25.0))
    return moves


def _sickness(rng: Random, drawn: Schedule) -> list[Move]:
    """The candidate's place does not say that it is well any more, while those who are there are served."""
    if rng.random() < 0.8:
        return []
    at, app = round(rng.uniform(5, 400), 1), rng.randrange(len(drawn.apps))
    sick = Move(kind="behave", at=at, app=app, args=(0.0, False))
    on = Move(kind="override", at=at + rng.choice((45, 90)), app=app, args=("skip",))
    return [sick, on] if rng.random() < 0.5 else [sick]


def _second_thoughts(rng: Random, drawn: Schedule) -> list[Move]:
    """Somebody takes it back just when a slot is prepared, or a swap is begun."""
    moves = []
    for app, recipe in enumerate(drawn.apps):
        calls = ["promoter.begin_swap 1", *(PREPARED if recipe.previews else ())]
        if _swaps(recipe) and rng.random() < (0.6 if recipe.previews else 0.25):
            kind, args = rng.choice(TAKES_BACK)
            moves.append(Move(kind=kind, before=rng.choice(calls), app=app, args=args))
    return moves


def _rare_calls(rng: Random, drawn: Schedule) -> list[Fault]:
    """Calls that move users are few in a story, and some are made by few strategies: they are hit where they come."""
    calls = ["router.set_share"]
    calls += ["promoter.begin_swap"] if any(map(_swaps, drawn.apps)) else []
    calls += PREVIEW if any(recipe.previews for recipe in drawn.apps) else ()
    calls += ["audience.set_audience"] if any(recipe.strategy == "audience" for recipe in drawn.apps) else []
    faults = []
    for call in calls[1:] or calls:
        if rng.random() < 0.3:
            kind = rng.choice(CHANGED)
            seconds = rng.choice((1.0, 13.0, 20.0)) if kind == "late" else 0.0
            faults.append(Fault(method=call, nth=rng.choice((1, 1, 1, 2, 3)), kind=kind, seconds=seconds))
    if any("flag" in recipe.targets for recipe in drawn.apps) and rng.random() < 0.4:
        faults += _stands_still(rng)
    return faults


def _stands_still(rng: Random) -> list[Fault]:
    """A worker stands still just before it writes a flag, or looks at what is served, and others go on without it."""
    method, nth = rng.choice(("flags.commit", "flags.commit", "snapshots.read_head")), rng.randrange(1, 6)
    stands_still = Fault(method=method, nth=nth, kind="stall before", seconds=rng.choice((70.0, 300.0)))
    return [Fault(method=method, nth=nth, kind="lose lock"), stands_still]


def _swaps(recipe: Recipe) -> bool:
    return any(KINDS[name].swaps for name in recipe.targets)
