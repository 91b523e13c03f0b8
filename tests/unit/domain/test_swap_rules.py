"""Swaps and rollbacks: proofs, failures, overtaking, and what is waited for before the end."""

from datetime import timedelta

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import ClaimEffect, EffectFailed, SwapNotNeeded, SwapWasBegun, WeightWasSet
from shared.domain.rollout.effects import BeginSwap, SetWeight
from shared.domain.rollout.readings import NOTHING_READ
from shared.domain.rollout.spec import Judging
from shared.domain.rollout.state import Doing, Phase, Side
from shared.domain.rollout.timing import CALL_LIMIT, PINNED, STUCK_AFTER
from shared.domain.rollout.weight import ALL, Weight
from tests.unit.domain.specs import HOUR, MINUTE, WEB, spec
from tests.unit.domain.states import (
    Story,
    at_gate,
    baking,
    clearing,
    promoted,
    shifting,
    started,
    succeeded,
    swap_begun,
    swapping,
)

LOOK = timedelta(seconds=3)


def test_a_swap_is_proved_by_the_version_that_production_serves():
    story = swap_begun()
    story.wait(LOOK).tick()
    assert story.live.doing is Doing.SWAPPING

    story.site.finish_swap()
    story.wait(LOOK).tick()

    assert (story.live.doing, story.web.side, story.web.wanted) == (Doing.CLEARING, Side.CANDIDATE, 95_000)


def test_a_swap_that_cannot_be_seen_is_looked_at_again():
    story = swap_begun()
    story.site.finish_swap()
    story.site.trouble = "503"
    story.wait(LOOK).tick()
    assert story.live.doing is Doing.SWAPPING

    story.site.trouble = None
    story.wait(LOOK).tick()
    assert story.live.doing is Doing.CLEARING


@pytest.mark.parametrize("held_back", [0, 5_000])
def test_after_the_swap_the_rule_gives_way_to_the_hold_back_before_the_bake_begins(held_back):
    story = clearing(spec(judging=Judging(hold_back=Weight(held_back))))
    assert story.site.share == 50_000

    story.settle()

    assert (story.site.share, story.live.doing, story.web.observed) == (held_back, Doing.BAKING, ALL - held_back)


def test_a_rule_that_is_not_seen_to_be_cleared_begins_no_bake():
    story = clearing()
    story.tell(WeightWasSet(story.row(SetWeight).id, story.web.generation, Weight(50_000)))

    assert story.live.doing is Doing.CLEARING
    assert story.row(SetWeight).attempt == 1


def test_a_swap_that_failed_is_told_and_tried_again():
    story = swap_begun()
    story.site.fail_swap("the slot did not warm up")
    story.wait(LOOK).tick()

    assert story.named(e.SwapFailed)[0].why == "the slot did not warm up"
    assert story.go_to_end().phase is Phase.SUCCEEDED


def test_a_swap_that_ended_and_brought_nothing_is_told_with_what_production_serves():
    story = swap_begun()
    story.site.swapping = None
    story.wait(LOOK).tick()
    assert story.named(e.SwapFailed)[0].why == "a swap ended and production serves 1, not 2"


def test_a_swap_that_is_refused_for_good_takes_the_release_back():
    story = swapping()
    story.tell(EffectFailed(story.row(BeginSwap).id, "403 Forbidden", for_good=True))

    assert story.live.ending.reason == "the target refused: 403 Forbidden"
    assert story.go_to_end().phase is Phase.FAILED


def test_a_swap_that_fails_often_calls_a_person_and_goes_on():
    story = swapping()
    for _ in range(STUCK_AFTER):
        assert story.live.stuck is None
        story.tell(EffectFailed(story.row(BeginSwap).id, "409 Conflict"))
    assert story.live.stuck == "409 Conflict"

    assert story.go_to_end().phase is Phase.SUCCEEDED


@pytest.mark.parametrize("place", ["candidate", "production"])
def test_a_version_that_ci_brought_before_or_into_a_swap_is_taken_back_at_once(place):
    story = swapping() if place == "candidate" else swap_begun()
    story.site.finish_swap()
    setattr(story.site, place, "9")
    if place == "production":
        story.site.candidate = "1"
    story.wait(LOOK).tick()

    assert story.named(e.CandidateReplaced)[0].found == "9"
    assert story.live.ending.reason == "candidate replaced: web serves 9 where 2 should be"
    assert story.go_to_end().phase is Phase.FAILED
    assert (story.site.production, story.site.share) == ("1", 0)


@pytest.mark.parametrize("reach", [swapping, swap_begun, clearing, promoted])
def test_a_rollback_after_promotion_began_leaves_the_stable_version_in_production(reach):
    story = reach().override("rollback")

    ended = story.go_to_end()

    assert ended.phase is Phase.ROLLED_BACK
    assert (story.site.production, story.site.share, story.outside.is_clean()) == ("1", 0, True)
    assert ended.targets[0].observed == 0


def test_a_rollback_while_a_swap_runs_waits_for_it_and_swaps_back():
    story = swap_begun().override("rollback")
    assert story.live.doing is Doing.SWAPPING_BACK
    story.settle()
    story.site.finish_swap()
    assert story.site.production == "2"

    story.go_to_end()

    assert (story.site.production, story.outside.swaps) == ("1", 2)


def test_a_swap_begun_by_a_worker_that_a_rollback_overtook_is_taken_back():
    """Failure 15 and the stalled worker: it read the level before the rollback and acts after it."""
    story = swapping()
    stalled = story.row(BeginSwap)
    story.override("rollback")
    for row in story.rows():
        if row.id != stalled.id:
            story.perform(row)
    assert story.live.doing is Doing.SETTLING
    story.wait(CALL_LIMIT - timedelta(seconds=1)).tick()
    story.site.swapping = "late"
    story.tell(SwapWasBegun(stalled.id, 3, "late"))
    assert story.live.doing is Doing.SWAPPING_BACK
    for _ in range(3):
        story.wait(LOOK).tick()
        assert story.tell_nothing_more()

    ended = story.go_to_end()

    assert ended.phase is Phase.ROLLED_BACK
    assert story.site.production == "1"


def test_a_swap_that_lands_after_the_rollback_seemed_done_is_taken_back():
    """A worker began the swap, died before it could say so, and the swap lands while the rollback settles."""
    story = swapping()
    lost = story.row(BeginSwap)
    story.override("rollback")
    for row in story.rows():
        if row.id != lost.id:
            story.perform(row)
    assert story.live.doing is Doing.SETTLING
    story.site.production, story.site.candidate = "2", "1"

    story.go_to_end()

    assert (story.site.production, story.site.share) == ("1", 0)


def test_a_swap_by_hand_while_a_rollback_settles_is_taken_back():
    story = clearing().override("rollback")
    while story.live.doing is not Doing.SETTLING:
        story.perform(story.rows()[0]) if story.rows() else story.look()
        story.site.finish_swap()
    assert story.rows() == []
    story.site.production, story.site.candidate = "2", "1"
    story.tick()
    assert (story.live.doing, story.web.wanted) == (Doing.SWAPPING_BACK, 0)

    ended = story.go_to_end()

    assert (ended.phase, story.site.production, story.site.share) == (Phase.ROLLED_BACK, "1", 0)


def test_weight_0_is_not_the_end_of_a_rollback_while_a_swap_is_in_doubt():
    story = swapping().override("rollback")
    story.perform(story.rows(SetWeight)[0])
    assert story.site.share == 0
    assert story.live.doing is Doing.SWAPPING_BACK


def test_what_is_observed_is_unknown_from_the_beginning_of_a_rollback_until_it_was_read():
    story = baking().override("rollback")
    assert (story.web.wanted, story.web.observed) == (0, None)
    story.perform(story.row(SetWeight))
    assert story.web.observed == 0


def test_every_target_is_swapped_before_the_rules_are_cleared():
    two = spec(targets=("web", "west"))
    story = Story(two)
    for name in ("web", "west"):
        story.outside.site(name).candidate = "2"
    story.deploy().go_to(Doing.AWAITING_APPROVAL).override("approve").go_to(Doing.SWAPPING)
    story.settle()
    story.outside.site("web").finish_swap()
    story.wait(LOOK).tick().settle()
    assert (story.live.doing, story.live.weight) == (Doing.SWAPPING, 50_000)

    story.outside.site("west").finish_swap()
    story.wait(LOOK).tick()

    assert story.live.doing is Doing.CLEARING
    assert story.go_to_end().phase is Phase.SUCCEEDED


def test_a_rollback_ends_only_when_the_router_says_zero():
    story = baking().override("rollback")
    for share in (5_000, 5_000, 1):
        story.tell(WeightWasSet(story.row(SetWeight).id, story.web.generation, Weight(share)))
        assert story.live.doing is Doing.ZEROING

    ended = story.go_to_end()

    assert (ended.phase, story.site.share) == (Phase.ROLLED_BACK, 0)


def test_a_rollbacks_call_that_is_refused_for_good_is_tried_again_and_calls_a_person():
    story = baking().override("rollback")
    story.tell(EffectFailed(story.row(SetWeight).id, "403 Forbidden", for_good=True))
    assert story.live.stuck == "403 Forbidden"

    assert story.go_to_end().phase is Phase.ROLLED_BACK


def test_a_rollback_waits_until_a_lost_workers_call_can_no_longer_land():
    story = shifting()
    lost = story.row(SetWeight)
    story.override("rollback")
    story.perform(next(row for row in story.rows() if row.id != lost.id))
    assert story.live.doing is Doing.SETTLING
    story.wait(CALL_LIMIT - timedelta(seconds=1)).tick()
    assert story.state.live is not None

    story.wait(timedelta(seconds=1)).tick()

    assert story.state.live is None


def test_an_effect_that_changes_hands_is_waited_for_too():
    story = shifting()
    lost = story.row(SetWeight)
    story.wait(timedelta(seconds=20))
    story.tell(ClaimEffect(lost.id))
    story.perform(story.row(SetWeight))
    story.override("rollback").settle()

    story.look()
    assert story.state.live is not None

    story.go_to_end()
    assert story.now >= lost.begun + CALL_LIMIT


def test_a_late_write_found_while_settling_is_put_right():
    story = shifting()
    lost = story.row(SetWeight)
    story.override("rollback")
    story.perform(next(row for row in story.rows() if row.id != lost.id))
    story.site.share = 5_000
    story.wait(CALL_LIMIT).tick()
    assert (story.live.doing, story.named(e.DriftFound)[-1].found) == (Doing.ZEROING, 5_000)

    story.go_to_end()

    assert story.site.share == 0


def test_a_promotion_ends_only_when_no_lost_workers_call_can_land():
    story = succeeded().override("rollback", 7).tick()
    lost = story.row(BeginSwap)
    story.wait(timedelta(seconds=20)).tell(ClaimEffect(lost.id))
    story.site.production, story.site.candidate = "1", "2"

    ended = story.go_to_end()

    assert (ended.phase, ended.ended) == (Phase.SUCCEEDED, lost.begun + CALL_LIMIT)


@pytest.mark.parametrize(("reach", "was_sent"), [(started, False), (shifting, True), (baking, True)])
def test_the_end_says_until_when_clients_may_be_pinned_if_any_were_sent(reach, was_sent):
    ended = reach().override("rollback").go_to_end()
    assert ended.pinned_until == (ended.ended + PINNED if was_sent else None)


def test_production_that_serves_what_is_wanted_already_needs_no_swap():
    story = swapping()
    story.site.production, story.site.candidate = "2", "1"
    story.settle()
    assert (story.outside.swaps, story.live.doing) == (0, Doing.BAKING)


@pytest.mark.parametrize("reach", [swapping, promoted])
def test_an_answer_about_an_earlier_level_verifies_nothing(reach):
    story = reach().override("rollback")
    rows = story.rows(BeginSwap)
    before = story.live
    story.tell(SwapNotNeeded(rows[0].id, story.web.generation - 1), NOTHING_READ)
    assert story.live == before


def test_a_rollback_after_success_is_a_rollout_of_its_own_that_names_its_origin():
    story = promoted()
    story.go_to_end()
    story.settle().override("rollback", 7)

    assert (story.live.version, story.live.origin, story.live.returns) == ("1", "shop-1", True)
    ended = story.go_to_end()
    assert (ended.phase, story.site.production) == (Phase.SUCCEEDED, "1")
    assert ended.ended - ended.started < 2 * MINUTE


def test_a_retry_is_a_rollout_of_its_own_that_names_its_origin():
    story = baking().override("rollback")
    story.go_to_end()
    story.settle().override("retry", 7)

    assert (story.live.version, story.live.origin, story.live.id) == ("2", "shop-1", "shop-7")


def test_nothing_is_swapped_or_sent_for_a_rollout_that_waits_at_its_first_gate():
    story = at_gate().override("pause").wait(HOUR).tick()
    assert story.rows() == []
    assert story.outside.site(WEB).share == 5_000
