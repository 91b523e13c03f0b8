"""Part 3 of the schedules that every change is tried on: six files, for `--dist loadfile` gives a file to one worker."""

from tests.simulation.protocol.holding import broken_in


def test_every_law_holds_in_every_schedule():
    assert broken_in(2) == []
