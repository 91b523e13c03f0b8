"""The laws bite: each seeded defect breaks one in the schedule that is kept for it, and without the defect all hold."""

import pytest

from tests.simulation.protocol.defects.defect import every_defect
from tests.simulation.protocol.defects.search import SEEDS, kept, law_with, path_of
from tests.simulation.protocol.outcome import run


def test_there_are_defects_in_every_room_and_a_schedule_for_each():
    defects = every_defect()
    assert len(defects) >= 25
    assert {defect.room for defect in defects} == {"adapters", "use cases", "domain"}
    assert {path_of(defect) for defect in defects} == set(SEEDS.glob("*.json"))


@pytest.mark.parametrize("defect", every_defect(), ids=lambda defect: defect.name)
def test_with_the_defect_the_law_is_broken_and_without_it_all_hold(defect):
    law, schedule = kept(defect)

    broken, told = law_with(defect, schedule)
    anew = f'make simulate DEFECTS="{defect.name}" KEEP=1'
    assert broken == law, f"{told}\nwhere the application has changed, {anew} finds it anew"
    assert run(schedule).law == ""
