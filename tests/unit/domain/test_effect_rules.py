"""The outbox as the rules see it: what is opened, replaced, retried, dropped and told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.effect_ids import next_effect_id
from shared.domain.names import EffectId
from shared.domain.rollout import events as e
from shared.domain.rollout.commands import ClaimEffect, EffectDone, EffectFailed, EffectWaits, Tick, WeightWasSet
from shared.domain.rollout.effects import Notify, PublishViews, SetWeight
from shared.domain.rollout.on_tick import claimable_at, next_wake
from shared.domain.rollout.spec import Notification, Topic
from shared.domain.rollout.state import Doing
from shared.domain.rollout.timing import CALL_LIMIT, LONGEST_RETRY, NOTIFY_ATTEMPTS, STUCK_AFTER, backoff
from tests.unit.domain.outside import BAD
from tests.unit.domain.specs import APP, WEB, WEBHOOK, spec
from tests.unit.domain.states import Story, baking, shifting, started

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("attempt", "asked", "seconds"),
    [
        (0, None, 1),
        (1, None, 2),
        (3, None, 8),
        (6, None, 60),
        (10**6, None, 60),
        (0, 30, 30),
        (0, 0.5, 1),
        (0, 9e9, 300),
    ],
)
def test_waiting_doubles_within_bounds_and_is_at_least_what_was_asked(attempt, asked, seconds):
    assert backoff(attempt, asked) == timedelta(seconds=seconds)


def test_a_failed_effect_is_tried_again_later_and_later():
    story = shifting()
    waits = []
    for _ in range(8):
        story.tell(EffectFailed(story.row(SetWeight).id, "503"))
        waits.append(story.row(SetWeight).due - story.now)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_RETRY


def test_an_effect_that_only_has_to_wait_has_not_failed():
    story = shifting()
    for _ in range(STUCK_AFTER + 1):
        story.tell(EffectWaits(story.row(SetWeight).id, "a swap is running", 3))
    assert (story.row(SetWeight).attempt, story.live.stuck) == (0, None)
    assert story.row(SetWeight).due == story.now + 3 * SECOND


def test_a_row_that_nobody_answers_for_is_claimed_after_the_longest_call():
    story = shifting()
    row = story.row(SetWeight)
    assert claimable_at(row) == story.now + CALL_LIMIT
    assert next_wake(story.state) <= story.now + CALL_LIMIT

    story.wait(CALL_LIMIT).tell(ClaimEffect(row.id))

    assert story.row(SetWeight).begun == story.now


def test_an_answer_counts_once():
    story = shifting()
    outcome = story.perform(story.row(SetWeight))
    before = story.state
    for again in (outcome, outcome, EffectFailed(outcome.effect, "late"), ClaimEffect(outcome.effect)):
        assert story.tell(again).events == ()
    assert story.state == before


def test_an_answer_for_a_row_that_never_was_changes_nothing():
    story = shifting()
    before = story.state
    story.tell(WeightWasSet(EffectId("9999999999"), 1, story.web.wanted))
    assert story.state == before


def test_a_newer_level_takes_the_place_of_an_idle_row_and_stands_beside_a_begun_one():
    begun = shifting().override("rollback")
    assert len(begun.rows(SetWeight)) == 2

    idle = shifting()
    idle.tell(EffectFailed(idle.row(SetWeight).id, "503"))
    idle.override("rollback")
    assert len(idle.rows(SetWeight)) == 1


def test_two_levels_of_one_decision_are_told_to_the_router_once():
    story = baking().wait(timedelta(minutes=5))
    story.site.share, story.site.users_meet = 80_000, BAD
    decision = story.tell(Tick())

    kinds = [type(event) for event in decision.events]
    assert e.DriftFound in kinds
    assert e.RollbackBegun in kinds
    assert len(story.rows(SetWeight)) == 1


def test_views_are_published_once_however_much_changed():
    story = baking().override("pause").override("resume").override("freeze")
    assert len(story.rows(PublishViews)) == 1


def test_effect_ids_sort_in_the_order_in_which_they_were_made():
    made = [next_effect_id(number) for number in (0, 8, 9, 99, 10**9)]
    assert made == sorted(made)


def test_a_webhook_is_told_what_it_asked_for_and_nothing_else():
    wants = Notification(name="pager", url="https://hooks.example/p", topics=(Topic.STARTED, Topic.ROLLED_BACK))
    story = Story(spec(notifications=(wants,))).deploy()
    story.tick().settle()
    story.override("pause").override("rollback").go_to_end()

    told = [row.effect for row in story.opened if isinstance(row.effect, Notify)]
    assert [each.topic for each in told] == [Topic.STARTED, Topic.ROLLED_BACK]
    assert told[1].text == "shop: shop-1 rolled-back: rolled back by alice: as agreed"


@pytest.mark.parametrize("for_good", [False, True])
def test_a_webhook_that_takes_nothing_is_dropped_and_told_of_and_never_stops_a_rollout(for_good):
    story = started(spec(notifications=(WEBHOOK,)))
    row = story.row(Notify)
    for _ in range(1 if for_good else NOTIFY_ATTEMPTS):
        assert story.rows(Notify) != []
        story.tell(EffectFailed(row.id, "410 Gone", for_good=for_good))
    assert story.rows(Notify) == []
    assert story.named(e.NotificationDropped)[0].notification == "team"
    assert story.live.stuck is None


def test_a_row_of_a_rollout_that_ended_is_closed_and_tells_nothing():
    story = shifting()
    lost = story.row(SetWeight)
    story.override("rollback").wait(CALL_LIMIT).settle().go_to_end()
    assert story.rows(SetWeight) == []
    assert story.tell(EffectDone(lost.id)).events == ()


def test_an_effect_that_works_again_clears_stuck():
    story = shifting()
    for _ in range(STUCK_AFTER):
        story.tell(EffectFailed(story.row(SetWeight).id, "503"))
    assert story.live.stuck == "503"
    assert story.live.deadline == story.now + story.live.spec.deadlines.progress

    story.wait(LONGEST_RETRY).settle()

    assert (story.live.stuck, len(story.named(e.StuckCleared))) == (None, 1)


def test_lower_waves_are_moved_first_at_each_step():
    late, early = (
        replace(each, wave=wave) for each, wave in zip(spec(targets=(WEB, APP)).targets, (2, 1), strict=True)
    )
    story = Story(replace(spec(targets=(WEB, APP)), targets=(late, early)))
    story.outside.site(APP).candidate = "2"
    story.deploy().go_until(lambda: story.live.doing is Doing.BAKING)

    assert [row.effect.target for row in story.opened if isinstance(row.effect, SetWeight)] == [APP, WEB]


def test_each_claim_of_a_row_has_a_time_of_its_own_so_that_it_tells_whose_the_row_is():
    story = shifting()
    row = story.row(SetWeight)

    story.tell(ClaimEffect(row.id))
    second = story.row(SetWeight).begun
    story.tell(ClaimEffect(row.id))

    assert row.begun < second < story.row(SetWeight).begun
