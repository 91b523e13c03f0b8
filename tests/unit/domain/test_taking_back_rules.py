"""What a rollout drives was taken from it: it goes back at once, and lets go of it whichever way it ends."""

from dataclasses import replace

import pytest

from shared.domain.names import RolloutId, Version
from shared.domain.rollout.effects import LetGo, SetWeight
from shared.domain.rollout.folds.ending import stable_version_of
from shared.domain.rollout.state import Doing, Phase
from shared.domain.rollout.weight import ALL, NONE
from tests.unit.domain.specs import FLAG, WEB, spec
from tests.unit.domain.states import Story
from tests.unit.domain.tales import TAKE_BACK


@pytest.fixture
def story() -> Story:
    begun = Story(spec(targets=(FLAG,))).deploy()
    return begun.go_until(lambda: begun.live.doing is Doing.BAKING)


def taken(story: Story) -> Story:
    story.tell(replace(TAKE_BACK, rollout=story.live.id))
    return story


def test_it_goes_back_in_one_hop_and_says_who_took_it(story):
    taken(story)

    assert (story.live.phase, story.live.weight) == (Phase.ROLLING_BACK, 0)
    assert len(story.rows(SetWeight)) == 1
    story.go_to_end()
    assert (story.archived[-1].phase, story.archived[-1].reason) == (Phase.ROLLED_BACK, TAKE_BACK.reason)


def test_the_second_time_is_nothing_new_and_another_rollout_is_not_meant(story):
    story.tell(replace(TAKE_BACK, rollout=RolloutId("shop-7")))
    assert story.live.phase is Phase.PROGRESSING
    taken(story)
    events = len(story.events)

    taken(story)
    assert len(story.events) == events


def test_one_that_is_a_way_back_itself_goes_on(story):
    story.state = replace(story.state, live=replace(story.live, returns=True))
    taken(story)

    assert story.live.phase is Phase.PROGRESSING


def test_beyond_the_point_of_no_return_it_stops_and_calls_a_person(story):
    story.state = replace(story.state, live=replace(story.live, no_return="contract"))
    taken(story)

    assert story.live.phase is Phase.PAUSED
    assert TAKE_BACK.reason in story.live.reason


@pytest.mark.parametrize(
    ("way", "phase", "share"),
    [
        ("succeeded", Phase.SUCCEEDED, ALL),
        ("rolled-back", Phase.ROLLED_BACK, NONE),
        ("aborted in preflight", Phase.ABORTED, NONE),
    ],
)
def test_it_lets_go_at_every_end_of_what_it_ended_at(way, phase, share):
    story = Story(spec(targets=(WEB, FLAG))).deploy()
    if way == "rolled-back":
        story.go_until(lambda: story.live.doing is Doing.BAKING)
        story.override("rollback")
    elif way == "succeeded":
        story.go_to(Doing.AWAITING_APPROVAL).override("approve")
    else:
        story.override("abort")
    rollout = story.live.id
    story.go_to_end()
    story.settle()

    assert story.archived[-1].phase is phase
    effects = [row.effect for row in story.opened if isinstance(row.effect, LetGo)]
    assert effects == [LetGo(rollout, FLAG, "flag:production/flag", share)]
    assert story.outside.let_go == {(rollout, FLAG)}


def test_what_holds_versions_says_which_one_was_before():
    story = Story(spec(targets=(FLAG, WEB))).deploy()
    flag, web = story.live.targets
    live = replace(
        story.live,
        id=RolloutId("shop-9"),
        targets=(replace(flag, stable_version=Version("off")), replace(web, stable_version=Version("1"))),
    )

    assert stable_version_of(live) == "1"
    assert stable_version_of(replace(live, targets=live.targets[:1])) == "off"
