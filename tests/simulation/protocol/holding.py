"""What the tests of many schedules share."""

from tests.simulation.protocol.campaign import run_seeds

EACH = 500
"""Schedules a file: 3,000 in six, so that workers share them (`--dist loadfile`)."""


def broken_in(part: int) -> list[str]:
    """Return what is broken in one part of the schedules, with the command that shows it."""
    tally = run_seeds(range(1 + part * EACH, 1 + (part + 1) * EACH))
    assert tally.schedules == EACH
    assert tally.ended["succeeded"] > EACH // 10, "schedules must let rollouts succeed"
    assert tally.ended["rolled-back"] > EACH // 20, "and go back"
    return [f"make simulate REPLAY={each.seed} SHRINK=1: {each.law}: {each.told}" for each in tally.failures]
