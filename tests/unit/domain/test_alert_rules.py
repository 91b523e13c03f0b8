"""Alerts about an application's resources."""

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.spec import AlertAction
from shared.domain.rollout.state import Phase
from tests.unit.domain.specs import spec
from tests.unit.domain.states import Story, alert, baking, clearing, promoted, succeeded


@pytest.mark.parametrize("reach", [baking, clearing, promoted])
def test_a_fired_alert_takes_the_release_back_on_the_state_alone(reach):
    story = reach()
    decision = story.tell(alert())

    assert story.live.ending.phase is Phase.ROLLED_BACK
    assert story.live.ending.reason == "alert errors-high fired"
    assert [row for row in decision.opened if row.begun == story.now], "the router is called in the same delivery"
    assert story.go_to_end().phase is Phase.ROLLED_BACK


@pytest.mark.parametrize(
    ("reach", "fired", "action", "effect"),
    [
        (baking, True, AlertAction.ROLLBACK, "rolled back"),
        (baking, True, AlertAction.PAUSE, "paused"),
        (baking, True, AlertAction.NOTE, "noted: the spec says so"),
        (baking, False, AlertAction.ROLLBACK, "noted: it was resolved"),
        (lambda s: Story(s), True, AlertAction.ROLLBACK, "noted: no rollout is live"),
        (
            lambda s: baking(s).override("rollback"),
            True,
            AlertAction.ROLLBACK,
            "noted: the rollout is rolling back already",
        ),
        (
            clearing,
            True,
            AlertAction.PAUSE,
            "noted, not paused: a swap is under way and cannot be paused: use rollback",
        ),
    ],
)
def test_history_says_what_was_done_about_an_alert(reach, fired, action, effect):
    story = reach(spec(on_alert=action))
    story.tell(alert(fired=fired))
    assert story.named(e.AlertReceived)[-1].effect == effect


@pytest.mark.parametrize("action", [AlertAction.ROLLBACK, AlertAction.PAUSE])
def test_an_alert_does_not_stop_the_return_from_the_version_that_it_is_about(action):
    story = succeeded(spec(on_alert=action)).override("rollback")
    story.tell(alert())
    assert story.named(e.AlertReceived)[-1].effect == "noted: the rollout is going back to 1 already"

    ended = story.go_to_end()

    assert (ended.phase, story.site.production) == (Phase.SUCCEEDED, "1")


def test_an_alert_that_pauses_is_resumed_by_a_person_only():
    story = baking(spec(on_alert=AlertAction.PAUSE))
    story.tell(alert())
    story.tell(alert(fired=False))
    assert (story.live.phase, story.live.paused.by) == (Phase.PAUSED, "alert")
    assert story.override("resume").live.phase is Phase.PROGRESSING
