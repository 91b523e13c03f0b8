"""The search bites: a safeguard that is taken away is missed."""

import pytest

from tests.simulation.model.defects import DEFECTS, Defect
from tests.simulation.model.report import trace_of
from tests.simulation.model.scenarios import SCENARIOS, check

ENOUGH = 40_000
"""Every defect shows within so many states."""


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_safeguard_that_is_taken_away_breaks_a_law(defect: Defect):
    with defect.sown():
        found = check(SCENARIOS[defect.scenario], defect.faults, at_most=ENOUGH)

    assert found.broken is not None
    assert defect.says in found.broken
    assert len(found.trace) > 2
    assert trace_of(found).count("\n") == len(found.trace)
