"""A target that may send everyone to a version by itself is made to hold it back when its application's spec comes."""

from dataclasses import replace

import pytest

from shared.domain.rollout.commands import AcceptSpec, EffectDone, EffectFailed, TrafficWasPinned
from shared.domain.rollout.effects import Notify, PinTraffic
from shared.domain.rollout.spec import Topic
from shared.domain.rollout.timing import PIN_ATTEMPTS
from tests.unit.domain.specs import APP, WEBHOOK, spec
from tests.unit.domain.states import Story

SPEC = spec(targets=(APP,), notifications=(WEBHOOK,))


@pytest.fixture
def story() -> Story:
    begun = Story()
    begun.tell(AcceptSpec(spec=SPEC, by="team"))
    return begun


def pinning(story):
    return [(each.target, each.pinned, each.says) for each in story.state.pinning]


def test_a_spec_that_is_accepted_asks_for_it_and_whoever_is_woken_does_it(story):
    row = story.row(PinTraffic)

    assert (row.effect, row.begun, row.due) == (PinTraffic(APP), None, story.now)
    assert not any(isinstance(row.effect, PinTraffic) for row in Story(spec()).opened)


def test_what_was_changed_is_said(story):
    story.tell(TrafficWasPinned(story.row(PinTraffic).id, "its traffic was pinned to v1"))

    assert story.rows(PinTraffic) == []
    assert pinning(story) == [(APP, True, "its traffic was pinned to v1")]


def test_what_is_refused_warns_and_calls_a_person_and_is_not_tried_again(story):
    story.tell(EffectFailed(story.row(PinTraffic).id, "latestRevision: true", for_good=True))

    assert story.rows(PinTraffic) == []
    assert pinning(story) == [(APP, False, "latestRevision: true")]
    [told] = [row.effect for row in story.opened if isinstance(row.effect, Notify)]
    assert told.topic is Topic.CONCERN
    assert "a version that nobody judged: latestRevision: true" in told.text


def test_trouble_is_tried_again_and_at_last_told(story):
    for attempt in range(1, PIN_ATTEMPTS + 1):
        assert story.row(PinTraffic).attempt == attempt - 1
        story.wait(story.row(PinTraffic).due - story.now)
        story.tell(EffectFailed(story.row(PinTraffic).id, "503"))

    assert story.rows(PinTraffic) == []
    assert pinning(story) == [(APP, False, "503")]


def test_the_next_spec_asks_anew(story):
    story.tell(EffectFailed(story.row(PinTraffic).id, "latestRevision: true", for_good=True))
    story.tell(AcceptSpec(spec=replace(SPEC, alert_resources=("/x",)), by="a"))

    assert pinning(story) == []
    assert story.row(PinTraffic).attempt == 0


def test_an_answer_about_a_target_that_is_not_named_any_more_changes_nothing(story):
    row = story.row(PinTraffic)
    story.tell(AcceptSpec(spec=spec(), by="a"))
    story.tell(TrafficWasPinned(row.id, "its traffic was pinned to v1"))

    assert pinning(story) == []


def test_where_nothing_is_to_pin_nothing_is_said(story):
    story.tell(EffectDone(story.row(PinTraffic).id))

    assert pinning(story) == []
