"""`python -m local.demo` tells the story, says so when it goes otherwise, and leaves nothing behind at any end."""

import re
import signal
import time

import pytest

from tests.demo_process import demos
from tests.marked_processes import processes_of

LONGEST = 235


@pytest.fixture(scope="module")
def start_demo(tmp_path_factory):
    with demos(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def both_demos(start_demo):
    """The story as it is told, and one whose version 3 is healthy: both at once on one machine."""
    told, healed = start_demo(), start_demo("--version-3-error-rate", "0")
    deadline = time.monotonic() + LONGEST
    for demo in (told, healed):
        demo.process.wait(max(deadline - time.monotonic(), 0))
    return told, healed


@pytest.mark.slow
def test_the_story_comes_true_and_every_step_had_the_share_that_was_wanted(both_demos):
    told, _ = both_demos

    assert told.process.returncode == 0, told.text
    rows = re.findall(
        r"^│ (\d) +│ (.+?) +│ +(\d+) % │ +([\d.]+) % │ +± ([\d.]+) % │ +(\d+) │ (.+?) +│$", told.text, re.M
    )
    steps = [(version, step, wanted) for version, step, wanted, *_ in rows]
    assert steps == [
        ("2", "step 1", "5"),
        ("2", "step 2", "25"),
        ("2", "step 3", "50"),
        ("2", "promoting", "95"),
        ("2", "promoted", "100"),
        ("3", "step 1", "5"),
        ("3", "taken back", "0"),
        ("4", "step 1", "5"),
        ("4", "promoting", "95"),
        ("4", "promoted", "100"),
    ]
    for *_, wanted, had, tolerance, requests, verdict in rows:
        assert verdict == "as wanted"
        assert abs(float(had) - float(wanted)) <= float(tolerance) + 0.01
        assert int(requests) > 300


@pytest.mark.slow
def test_the_closing_table_says_what_the_bad_version_cost(both_demos):
    told, _ = both_demos

    assert int(re.search(r"requests failed because of version 3 +(\d+)", told.text)[1]) > 0
    assert 0 < float(re.search(r"from its first failure to weight 0 +([\d.]+) s", told.text)[1]) < 45
    pinned = re.search(
        r"users still pinned to it by cookie +(\d+) of 200 who came back, until \d\d:\d\d UTC", told.text
    )
    assert 0 <= int(pinned[1]) < 40
    served = re.search(r"requests served +(\d+)\nof them by version 1, 2, 3, 4 +(\d+), (\d+), (\d+), (\d+)", told.text)
    everybody, *by_version = map(int, served.groups())
    assert everybody == sum(by_version) > 10_000
    assert min(by_version) > 0
    assert re.search(r"from version 2's event to its weight at the router +\d+ ms", told.text)
    assert re.search(r"times: installation \d+ s, start \d+ s, .*version 4 \d+ s.* in all \d+ s", told.text)


@pytest.mark.slow
def test_a_story_that_goes_otherwise_says_what_differed_and_fails(both_demos):
    _, healed = both_demos

    assert healed.process.returncode == 1, healed.text
    assert "The story differs: version 3 should be rolled back at its first step, but that step passed" in healed.text


@pytest.mark.slow
def test_neither_ending_leaves_a_process_or_a_folder_behind(both_demos):
    for demo in both_demos:
        assert demo.left_behind() == ({}, [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("seconds", [0.05, 0.4, 0.8, 1.2, 2.0, 4.0])
def test_a_demo_that_is_told_to_end_leaves_nothing_behind(start_demo, seconds, number):
    demo = start_demo()
    time.sleep(seconds)
    demo.process.send_signal(number)

    code = demo.process.wait(20)

    assert code in (128 + number, -number) or demo.had_not_begun(), demo.text
    assert demo.left_behind() == ({}, [])


def test_a_second_signal_does_not_stop_the_tidying_up(start_demo):
    demo = start_demo()
    time.sleep(2.0)
    for _ in range(20):
        demo.process.send_signal(signal.SIGINT)
        time.sleep(0.03)

    assert demo.process.wait(20) == 130, demo.text
    assert demo.left_behind() == ({}, [])


def test_the_processes_of_a_demo_that_is_killed_end_by_themselves(start_demo):
    demo = start_demo()
    time.sleep(2.0)
    assert len(processes_of(demo.environment)) >= 3
    demo.process.kill()
    demo.process.wait()

    deadline = time.monotonic() + 15
    while processes_of(demo.environment):
        assert time.monotonic() < deadline, processes_of(demo.environment)
        time.sleep(0.1)
