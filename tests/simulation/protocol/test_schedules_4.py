"""Part 4 of the schedules of every change: in six files, for `--dist loadfile` gives a whole file to one worker."""

from tests.simulation.protocol.holding import broken_in


def test_every_law_holds_in_every_schedule():
    assert broken_in(3) == []
