"""A long run ends with all its processes, however it is ended, and what it had finished is kept."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.simulation.protocol.campaign import Tally, kept
from tests.simulation.protocol.code_in_force import ROOT

CAMPAIGN = """
import sys
from pathlib import Path
from tests.simulation.protocol import campaign
campaign.KEPT, campaign.SHARD = Path(sys.argv[1]), 2
campaign.campaign(1, 4_000, workers=2, said=lambda total: print(total.schedules, flush=True))
"""
DEFECTS = """
from tests.simulation.protocol.defects.search import search
print("begun", flush=True)
search(workers=2, as_json=False, keep=False)
"""
SOON = 10.0
"""Seconds within which all must be over; most of them are for a machine that has much else to do."""
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a process of its own session, of which nothing is left afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            for pid in of_group(process.pid):
                os.kill(pid, signal.SIGKILL)


def of_group(group: int) -> set[int]:
    """Return the processes of a group that have not ended."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = re.fullmatch(r"(\d+) \(.*\) (\S) \d+ (\d+) .*", stat.read_text().strip(), re.DOTALL)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if told and told[2] != "Z" and int(told[3]) == group:
            found.add(int(told[1]))
    return found


def eventually(holds) -> bool:
    ends = monotonic() + SOON
    while not holds():
        if monotonic() > ends:
            return False
        sleep(0.05)
    return True


def schedules_until_some(process: subprocess.Popen[str]) -> int:
    """Return how many schedules the run has finished, as soon as there are some."""
    return next(done for done in map(int, process.stdout) if done > 0)


def schedules_kept(folder: Path) -> int:
    tallies: list[Tally | None] = []
    for path in folder.glob("*/*.json"):
        first, count = map(int, path.stem.split("-"))
        tallies.append(kept(path.parent, range(first, first + count)))
    assert all(tallies)
    return sum(tally.schedules for tally in tallies if tally is not None)


@linux
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_campaign_that_is_ended_leaves_no_process_and_keeps_what_it_had_finished(number, code, tmp_path):
    with started(CAMPAIGN, str(tmp_path)) as process:
        finished = schedules_until_some(process)
        assert len(of_group(process.pid)) > 2

        for _ in range(2):
            process.send_signal(number)
        assert process.wait(SOON) == code
        assert eventually(lambda: not of_group(process.pid))
    assert schedules_kept(tmp_path) >= finished
    assert not list(tmp_path.rglob("*.part"))


@linux
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_search_for_defects_that_is_ended_leaves_no_process(number, code):
    with started(DEFECTS) as process:
        assert process.stdout.readline() == "begun\n"
        assert eventually(lambda: len(of_group(process.pid)) > 2)

        process.send_signal(number)
        assert process.wait(SOON) == code
        assert eventually(lambda: not of_group(process.pid))
