"""A schedule that breaks a law is made as small as it can be and still break the same one."""

from dataclasses import replace

from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.schedule import Recipe, Schedule
from tests.simulation.protocol.shrinking import shrink


def rich() -> Schedule:
    """A schedule with much in it."""
    return next(each for each in map(draw, range(1, 500)) if len(each.faults) > 6 and len(each.moves) > 4)


def test_what_is_not_needed_for_the_breach_is_left_out():
    schedule = rich()
    needed = schedule.faults[3]

    def law_of(tried: Schedule) -> str:
        return "the law" if needed in tried.faults and len(tried.moves) >= 2 else ""

    small = shrink(schedule, "the law", breaks=law_of)
    assert small.faults == (needed,)
    assert len(small.moves) == 2
    assert small.switches == ()
    assert len(small.apps) == 1
    assert small.apps[0] == replace(Recipe(), when_busy=small.apps[0].when_busy, on_alert=small.apps[0].on_alert)


def test_a_schedule_that_breaks_another_law_is_no_smaller_form():
    schedule = rich()

    def law_of(tried: Schedule) -> str:
        return "the law" if tried == schedule else "another law"

    assert shrink(schedule, "the law", breaks=law_of) == schedule


def test_the_search_ends():
    tried = []

    def law_of(smaller: Schedule) -> str:
        tried.append(smaller)
        return "the law"

    shrink(rich(), "the law", breaks=law_of)
    assert len(tried) <= 400
