"""What makes people ask again: an answer that is lost at the door, or others who say the same just then.

Where an answer is lost the application is not woken either. What somebody else says then wakes it, so that the fact is
decided before it is asked again.
"""

from dataclasses import replace
from random import Random

from tests.simulation.protocol.schedule import Fault, Move, Schedule

DOOR = "store.accept"
LOST = ("lose answer", "crash after", "stall after")
SECONDS = (5.0, 13.0, 36.0)


def with_doubts(drawn: Schedule) -> Schedule:
    """Let one schedule of eight hold some; drawn apart from the rest."""
    rng = Random(f"doubts in {drawn.seed}")
    if rng.random() < 0.875:
        return drawn
    moves, faults = list(drawn.moves), list(drawn.faults)
    for _ in range(rng.choice((1, 1, 2, 3))):
        nth, app = rng.randrange(1, 3 + len(drawn.moves)), rng.randrange(len(drawn.apps))
        before = f"{DOOR} {nth}"
        if rng.random() < 0.6:
            faults.append(_at_the_door(rng, nth, rng.choice(LOST)))
            moves.append(Move(kind="alert", before=before, app=app, args=(False,)))
        else:
            faults.append(_at_the_door(rng, nth, "stall before"))
            moves.append(Move(kind="announce", before=before, app=app, args=("2", True)))
    return replace(drawn, moves=tuple(moves), faults=tuple(faults))


def _at_the_door(rng: Random, nth: int, kind: str) -> Fault:
    return Fault(method=DOOR, nth=nth, kind=kind, seconds=rng.choice(SECONDS) if kind.startswith("stall") else 0.0)
