"""What is still seen to when a rollout is over: pinned users are counted, and a weight that moves is put right."""

from datetime import timedelta

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.effects import SetWeight
from shared.domain.rollout.on_tick import next_look
from shared.domain.rollout.timing import AFTERCARE_LIMIT
from tests.unit.domain.outside import NOTHING
from tests.unit.domain.specs import MINUTE
from tests.unit.domain.states import Story, baking, started, succeeded


def ended() -> Story:
    story = baking().override("rollback")
    story.go_to_end()
    return story.settle()


def test_the_users_who_are_pinned_are_counted_in_the_first_whole_window_after_the_end():
    story = ended().look()
    (counted,) = story.named(e.PinnedCounted)
    assert (counted.rollout, counted.requests, counted.window_seconds) == ("shop-1", 1_000, 60)
    assert story.archived[-1].pinned_requests == 1_000
    assert story.state.aftercare is None


def test_after_success_the_pinned_are_those_on_the_old_version():
    story = succeeded().look()
    assert story.named(e.PinnedCounted)[0].requests == 1_000


def test_where_nobody_was_sent_nobody_is_counted():
    story = started().override("abort")
    story.go_to_end()
    assert next_look(story.state) is None


@pytest.mark.parametrize("lack", ["trouble", "nothing"])
def test_a_count_that_cannot_be_read_is_tried_for_a_while_and_then_said_to_be_unknown(lack):
    story = ended()
    if lack == "trouble":
        story.site.trouble = "503"
    else:
        story.site.users_meet = NOTHING
    first = next_look(story.state)
    while story.state.aftercare is not None:
        story.look()
    assert story.named(e.PinnedCounted)[0].requests is None
    assert story.now - first >= AFTERCARE_LIMIT
    assert len(story.named(e.PinnedPutOff)) <= AFTERCARE_LIMIT / MINUTE + 1


def test_the_next_rollout_cuts_the_count_short():
    story = ended().deploy("3", 2)
    assert story.state.aftercare is None
    assert story.wait(timedelta(hours=1)).named(e.PinnedCounted) == []


def test_a_weight_that_moves_just_after_the_end_is_told_and_put_right():
    story = ended()
    story.site.share = 20_000
    story.look()

    assert story.named(e.DriftFound)[-1].found == 20_000
    assert story.rows(SetWeight) != []
    story.settle()
    assert story.site.share == 0
    story.look()
    assert story.state.aftercare is None


def test_whoever_insists_on_a_weight_after_the_end_is_let_have_it():
    story = ended()
    first = next_look(story.state)
    while story.state.aftercare is not None:
        story.site.share = 20_000
        story.look().settle()
    assert AFTERCARE_LIMIT <= story.now - first <= AFTERCARE_LIMIT + MINUTE
    assert len(story.named(e.DriftFound)) <= AFTERCARE_LIMIT / MINUTE
