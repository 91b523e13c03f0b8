"""The same schedule is the same story, line by line: in one process, in another one, and from a file."""

import subprocess
import sys

import pytest

from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import run, traced
from tests.simulation.protocol.schedule import Fault, Move, Recipe, Schedule

SEEDS = (3, 16, 48, 673)
TOLD = """
import sys
from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import traced
for seed in sys.argv[1:]:
    sys.stdout.write("\\n".join(traced(draw(int(seed)))[1]) + "\\n")
"""


def told(seed: int) -> str:
    return "\n".join(traced(draw(seed))[1]) + "\n"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_replays_byte_by_byte(seed):
    assert told(seed) == told(seed)


def test_other_processes_with_other_hashes_tell_the_same_story():
    stories = set()
    for hashes in ("1", "2"):
        command = [sys.executable, "-c", TOLD, *map(str, SEEDS)]
        done = subprocess.run(
            command, capture_output=True, check=True, env={"PYTHONHASHSEED": hashes, "PYTHONPATH": "."}
        )
        stories.add(done.stdout)
    assert stories == {"".join(told(seed) for seed in SEEDS).encode()}


def test_a_schedule_that_is_watched_comes_to_the_same_outcome_as_one_that_is_not():
    for seed in SEEDS:
        assert run(draw(seed)) == traced(draw(seed))[0]


@pytest.mark.parametrize("seed", range(1, 40))
def test_a_schedule_comes_back_from_its_file_unchanged(seed):
    assert Schedule.from_json(draw(seed).to_json()) == draw(seed)


def test_a_file_says_what_happens_in_lines_that_people_read():
    schedule = Schedule(
        apps=(Recipe(strategy="short"),),
        moves=(Move(kind="alert", before="store.commit 3", args=(True,)),),
        faults=(Fault(method="store.commit", nth=3, kind="lose answer"),),
    )
    text = schedule.to_json()
    assert '    {"kind": "alert", "before": "store.commit 3", "args": [true]}\n' in text
    assert '    {"method": "store.commit", "nth": 3, "kind": "lose answer"}\n' in text


def test_a_trace_tells_what_every_call_asked_and_got():
    lines = traced(Schedule(moves=(Move(kind="deploy", at=1.0, args=("2",)),)))[1]
    assert any("deploy 2 #1" in line and "store.accept" in line and "-> stored" in line for line in lines)
    assert any("StepPassed" in line for line in lines)
    assert any("promoter.begin_swap" in line for line in lines)
