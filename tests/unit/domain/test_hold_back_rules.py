"""The users who stay with the stable version while the promoted one bakes: to compare with, and then to be let go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import ClaimEffect, Tick, WeightWasSet
from shared.domain.rollout.effects import SetWeight
from shared.domain.rollout.needs import needs
from shared.domain.rollout.permissions import refusal
from shared.domain.rollout.plan import compile_canary, compile_return
from shared.domain.rollout.readings import ReadVersion, ReadWindows
from shared.domain.rollout.spec import Judging, Place
from shared.domain.rollout.state import Doing, Phase
from shared.domain.rollout.timing import CALL_LIMIT, PINNED
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.unit.domain.measurements import NO_DATA
from tests.unit.domain.outside import BAD, IDLE
from tests.unit.domain.specs import BAKE, HOUR, MINUTE, canary, spec
from tests.unit.domain.states import Story, promoted, releasing, succeeded, swap_begun

HELD_BACK = Weight(5_000)
WITHOUT = spec(judging=Judging(hold_back=NONE))


def because(story: Story) -> list[str]:
    return [event.because for event in story.named(e.HoldBackEnded)]


def test_a_canary_holds_back_what_the_spec_says_and_a_return_nobody():
    assert compile_canary(canary(), HELD_BACK)[-1].hold_back == HELD_BACK
    assert compile_canary(canary())[-1].hold_back == NONE
    assert compile_return(canary())[-1].hold_back == NONE


def test_while_the_promoted_version_bakes_some_users_stay_with_the_stable_one():
    story = promoted()
    assert (story.site.production, story.site.candidate, story.site.share) == ("2", "1", HELD_BACK)
    assert (story.web.wanted, story.web.observed, story.web.proven) == (ALL - HELD_BACK, ALL - HELD_BACK, ALL)


def test_those_who_are_held_back_are_what_the_promoted_version_is_compared_with():
    story = promoted().wait(5 * MINUTE)
    (asked,) = [need for need in needs(story.state, Tick(), story.now) if isinstance(need, ReadWindows)]
    assert (asked.measured_at, asked.candidate, asked.stable) == (Place.PRODUCTION, "2", "1")
    assert not story.web.analysis.stable_retired
    assert story.web.analysis.weight == ALL - HELD_BACK


def test_without_a_hold_back_what_was_learnt_before_stands_in_for_the_stable_version():
    story = promoted(WITHOUT)
    assert (story.site.share, story.web.wanted) == (0, ALL)
    assert story.web.analysis.stable_retired
    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert story.named(e.HoldBackEnded) == []


def test_what_spoke_against_the_candidate_before_the_swap_still_does_after_it():
    story = swap_begun()
    before = story.web.analysis
    story.go_to(Doing.BAKING)
    assert story.web.analysis.comparisons[0].bet == before.comparisons[0].bet
    assert story.web.analysis.windows == before.windows > 0


def test_a_rollout_succeeds_only_when_nobody_is_held_back_any_more():
    story = releasing()
    assert (story.web.wanted, story.site.share, story.live.phase) == (ALL, HELD_BACK, Phase.PROMOTING)
    assert because(story) == ["every target was judged healthy in production"]

    story.settle()

    assert story.state.live is None
    assert (story.archived[-1].phase, story.site.share) == (Phase.SUCCEEDED, 0)
    assert story.archived[-1].targets[0].observed == ALL


def test_a_rule_that_still_holds_users_back_ends_nothing():
    story = releasing()
    for _ in range(3):
        story.tell(WeightWasSet(story.row(SetWeight).id, story.web.generation, HELD_BACK))
        assert story.live.doing is Doing.RELEASING


def test_two_targets_are_both_let_go_before_the_rollout_succeeds():
    story = Story(spec(targets=("web", "west")))
    for name in ("web", "west"):
        story.outside.site(name).candidate = "2"
    story.deploy()
    story.go_until(lambda: story.live.doing is Doing.AWAITING_APPROVAL).override("approve")
    while story.live.doing is not Doing.RELEASING:
        story.settle()
        for site in story.outside.sites.values():
            site.finish_swap()
        story.look()
    first, second = story.rows(SetWeight)
    story.perform(first)
    assert story.live.doing is Doing.RELEASING

    story.perform(second)

    assert story.state.live is None
    assert story.outside.is_clean()


def test_the_end_waits_until_a_lost_workers_call_can_no_longer_land():
    story = releasing()
    lost = story.row(SetWeight)
    story.wait(timedelta(seconds=20)).tell(ClaimEffect(lost.id))

    ended = story.go_to_end()

    assert ended.ended >= lost.begun + CALL_LIMIT
    assert story.site.share == 0


def test_the_end_says_until_when_users_may_be_pinned_to_the_old_version():
    ended = succeeded().archived[-1]
    assert ended.pinned_until == ended.ended + PINNED


@pytest.mark.parametrize("reach", [promoted, releasing])
def test_a_rollback_takes_the_rule_away_and_swaps_back(reach):
    story = reach().override("rollback")
    assert (story.web.share(), story.web.wanted) == (0, 0)

    ended = story.go_to_end()

    assert (ended.phase, story.site.production, story.site.share) == (Phase.ROLLED_BACK, "1", 0)


@pytest.mark.parametrize("reach", [promoted, releasing])
def test_a_promoted_version_that_turns_bad_is_taken_back_while_users_are_held_back(reach):
    story = reach()
    story.site.users_meet = BAD
    story.wait(5 * MINUTE).tick()
    assert story.live.phase is Phase.ROLLING_BACK
    assert story.go_to_end().phase is Phase.ROLLED_BACK
    assert story.site.production == "1"


def test_a_place_that_ci_overwrites_gets_nobody_of_those_held_back_any_more():
    story = promoted().wait(MINUTE)
    story.site.candidate = "3"
    story.wait(MINUTE).tick()
    assert because(story) == ["their place serves 3 where 1 should be"]
    assert (story.web.share(), story.live.phase, story.live.doing) == (0, Phase.PROMOTING, Doing.BAKING)

    story.settle()
    assert story.site.share == 0

    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert story.site.production == "2"


def test_a_deployment_is_the_moment_to_look_whether_the_place_was_overwritten():
    story = promoted().wait(timedelta(seconds=5)).deploy("3", 2)
    assert ReadVersion("web", Place.CANDIDATE) in needs(story.state, Tick(), story.now)

    story.tick().settle()

    assert story.site.share == 0


def test_what_was_judged_before_the_place_was_overwritten_does_not_pass():
    story = promoted(spec(strategy=replace(canary(), promotion_bake=replace(BAKE, minimum=10 * MINUTE))))
    while story.web.judgement is None or story.web.judgement.verdict != "healthy":
        story.look()
    story.site.candidate = "3"
    story.look()
    assert story.web.judgement is None or story.web.judgement.verdict == "undecided"
    assert story.web.analysis.good_since == story.now


def test_nobody_is_held_back_for_a_comparison_that_does_not_come_about():
    story = promoted()
    story.site.stable_meets = NO_DATA
    began = story.now
    story.go_until(lambda: not story.live.holds_back)

    assert because(story) == ["nothing was measured of them for 0:05:00"]
    assert story.now - began < 12 * MINUTE
    story.settle().look()
    assert story.web.judgement.verdict != "no-data"


def test_a_source_that_tells_of_neither_version_is_no_reason_to_let_users_go():
    story = promoted()
    story.site.stable_meets = story.site.users_meet = NO_DATA
    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)
    assert story.named(e.HoldBackEnded) == []
    assert "no-data" in story.live.ending.reason


def test_a_promoted_version_without_requests_never_passes():
    story = promoted()
    story.site.users_meet = IDLE
    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)
    assert story.named(e.HoldBackEnded) == []


@pytest.mark.parametrize("hold", ["pause", "freeze"])
def test_while_it_is_held_users_stay_held_back(hold):
    story = promoted().override(hold)
    for _ in range(3):
        story.wait(HOUR).tick().settle()
    assert (story.site.share, story.live.doing) == (HELD_BACK, Doing.BAKING)


def test_a_person_may_vouch_for_the_promoted_version_and_nobody_is_held_back_any_more():
    story = promoted().override("skip")
    (skipped,) = story.named(e.BakeSkipped)
    assert (skipped.by, because(story)) == ("alice", ["step skipped by alice: as agreed"])

    story.settle()

    assert (story.archived[-1].phase, story.site.share) == (Phase.SUCCEEDED, 0)


def test_a_person_may_vouch_for_it_where_nobody_is_held_back_too():
    story = promoted(WITHOUT).override("pause").override("skip")
    assert story.archived[-1].phase is Phase.SUCCEEDED


def test_a_promotion_that_is_ending_cannot_be_paused_or_skipped():
    story = releasing()
    assert "its promotion is ending" in refusal(story.state, "pause")
    assert refusal(story.state, "skip") == "promotion has begun already"


def test_what_was_judged_healthy_is_not_taken_back_because_a_rule_cannot_be_cleared():
    story = releasing()
    story.site.trouble = "503"
    for _ in range(3):
        story.wait(HOUR).tick()
    assert story.live.phase is Phase.PROMOTING
    assert story.live.stuck is not None

    story.site.trouble = None
    assert story.go_to_end().phase is Phase.SUCCEEDED


def test_a_rollout_that_was_planned_before_there_was_a_hold_back_ends_without_one():
    story = promoted(WITHOUT)
    assert story.live.plan[-1].hold_back == NONE
    assert not story.live.holds_back
