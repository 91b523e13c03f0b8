"""The last look before a rollback ends: taken once no call can land any more, or taken again."""

from datetime import timedelta

from shared.domain.rollout.commands import Tick
from shared.domain.rollout.effects import SetWeight
from shared.domain.rollout.needs import needs
from shared.domain.rollout.state import Doing
from tests.unit.domain.states import Story, shifting

CALL_LANDS = timedelta(seconds=34)
SLOW_LOOK = timedelta(seconds=36)


def back_beside_a_lost_worker() -> Story:
    """Everything is seen to be back, and the call of a worker that never answered may land for 35 seconds."""
    story = shifting()
    lost = story.row(SetWeight)
    story.override("rollback")
    for row in story.rows(SetWeight):
        if row.id != lost.id:
            story.perform(row)
    assert story.live.doing is Doing.SETTLING
    return story


def test_a_look_that_began_before_the_last_call_could_land_ends_nothing_however_long_it_took():
    story = back_beside_a_lost_worker()
    early = story.outside.read(needs(story.state, Tick(), story.now), story.state)

    story.wait(CALL_LANDS)
    story.site.share = 5_000
    story.wait(SLOW_LOOK - CALL_LANDS)
    story.tell(Tick(), early)

    assert story.state.live is not None
    story.go_to_end()
    assert story.site.share == 0


def test_a_look_that_began_after_that_ends_it():
    story = back_beside_a_lost_worker().tick()
    story.wait(SLOW_LOOK).settle()
    story.go_to_end()

    assert story.site.share == 0
