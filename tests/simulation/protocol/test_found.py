"""Schedules that once found a mistake in the application: what they found does not come back."""

import pytest

from tests.simulation.protocol.found import found, stored
from tests.simulation.protocol.outcome import run


def test_there_are_some():
    assert found()


@pytest.mark.parametrize("path", found(), ids=lambda path: path.stem)
def test_every_law_holds_where_one_was_broken_once(path):
    outcome = run(stored(path))
    assert outcome.law == "", outcome.told
