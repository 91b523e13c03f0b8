"""Some schedules hold what makes people ask again, and whoever does is told the same."""

from tests.simulation.protocol.doubts import DOOR, with_doubts
from tests.simulation.protocol.outcome import traced
from tests.simulation.protocol.schedule import Fault, Move, Schedule

PLAIN = Schedule(moves=(Move(kind="deploy", at=1.0, args=("2",)),))


def with_seed(seed: int) -> Schedule:
    return with_doubts(Schedule(seed=seed, moves=PLAIN.moves))


def test_about_one_schedule_of_eight_holds_some():
    some = [seed for seed in range(1, 801) if with_seed(seed).faults]
    assert 60 < len(some) < 140
    assert all(fault.method == DOOR for seed in some for fault in with_seed(seed).faults)


def test_the_others_stay_as_they_were_drawn():
    assert all(with_seed(seed).faults or with_seed(seed).moves == PLAIN.moves for seed in range(1, 200))


def test_a_fact_whose_answer_was_lost_is_decided_before_it_is_asked_again():
    override, lost = Move(kind="override", at=20.0, args=("pause",)), Fault(method=DOOR, nth=2, kind="lose answer")
    woken = Move(kind="alert", before=f"{DOOR} 2", args=(False,))
    outcome, lines = traced(Schedule(moves=(*PLAIN.moves, override, woken), faults=(lost,)))
    assert outcome.law == "", outcome.told
    paused = next(at for at, line in enumerate(lines) if "RolloutPaused" in line)
    asked = [at for at, line in enumerate(lines) if "store.answer" in line and "o-2" in line]
    assert asked[0] < paused < asked[1]


def test_a_deployment_that_is_announced_twice_at_once_is_one():
    stalled = Fault(method=DOOR, nth=1, kind="stall before", seconds=13.0)
    again = Move(kind="announce", before=f"{DOOR} 1", args=("2", True))
    outcome, lines = traced(Schedule(moves=(*PLAIN.moves, again), faults=(stalled,)))
    assert outcome.law == "", outcome.told
    assert [line.split("-> ")[1] for line in lines if "store.accept " in line and "-> " in line] == ["stored", "known"]
    assert len([line for line in lines if "RolloutStarted" in line]) == 1
