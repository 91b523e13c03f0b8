"""Taking users back little by little: what is due, what waits, and where everyone goes back at once."""

from dataclasses import replace

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Tick
from shared.domain.rollout.on_tick import next_look
from shared.domain.rollout.readings import NOTHING_READ
from shared.domain.rollout.spec import Descent
from shared.domain.rollout.state import Doing, Phase
from shared.domain.rollout.weight import Weight
from tests.unit.domain.specs import MINUTE, canary, spec
from tests.unit.domain.states import Story, baking

GRADUAL = replace(canary(), descent=Descent(weights=(Weight(3_000), Weight(1_000)), every=MINUTE))


def is_being_promoted(story):
    return story.live.doing is Doing.SWAPPING


def is_promoted(story):
    return story.live.phase is Phase.PROMOTING and story.live.doing is Doing.BAKING


@pytest.mark.parametrize("reached", [is_being_promoted, is_promoted])
def test_where_a_swap_is_undone_all_targets_go_back_at_once(reached):
    """One target is swapped and one is moved by weight: they wait for each other, and so must not go different ways."""
    story = Story(spec(strategy=GRADUAL, targets=("web", "app")))
    for name in ("web", "app"):
        story.outside.site(name).candidate = "2"
    story.deploy().go_to(Doing.AWAITING_APPROVAL).override("approve")
    story.go_until(lambda: reached(story))

    story.override("rollback").settle()
    assert [target.wanted for target in story.live.targets] == [0, 0]
    story.go_to_end()
    assert not story.named(e.StuckFlagged)


def test_a_look_before_the_next_weight_is_due_waits_for_it():
    story = baking(spec(strategy=GRADUAL)).override("rollback").settle()
    due = story.live.descend_at
    assert due > story.now

    story.state = replace(story.state, live=replace(story.live, look_at=story.now))
    story.tell(Tick(), NOTHING_READ)

    assert next_look(story.state) == due
    assert not story.named(e.Descended)
