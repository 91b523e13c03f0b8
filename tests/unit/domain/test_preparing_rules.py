"""Swaps with preview: the slot is seen well with production's settings before anybody is sent there by a swap."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import ReleaseAction
from shared.domain.rollout.commands import EffectFailed, PreviewWasSet
from shared.domain.rollout.effects import BeginSwap, SetPreview, SetWeight
from shared.domain.rollout.plan import (
    AwaitApproval,
    AwaitRelease,
    Prepare,
    Promote,
    RunHook,
    Shift,
    compile_plan,
    compile_return,
)
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Outcome, Stage
from shared.domain.rollout.state import Doing, Phase, Side
from tests.unit.domain.specs import MINUTE, WEB, ab_test, blue_green, hook, quiet_until, spec, with_previews
from tests.unit.domain.states import Story, at_gate, shifting

EVERY = timedelta(seconds=5)
SPEC = with_previews(spec())


def preparing(first=SPEC) -> Story:
    """50 % proved healthy; production's settings are wanted on the slot, and not there yet."""
    story = at_gate(first).override("approve")
    story.go_until(lambda: story.live.doing is Doing.BAKING and story.web.wanted == 50_000)
    while story.live.doing is not Doing.PREPARING:
        story.look()
    return story


def prepared(first=SPEC) -> Story:
    """The slot has production's settings; whether it is well with them was not looked at."""
    return preparing(first).settle()


def kinds(plan):
    return [type(step) for step in plan]


@pytest.mark.parametrize(
    ("first", "plan"),
    [
        (spec(), [Shift, AwaitApproval, Shift, Prepare, Promote]),
        (spec(hooks=(hook(Stage.BEFORE_PROMOTION),)), [Shift, AwaitApproval, Shift, Prepare, RunHook, Promote]),
        (spec(strategy=blue_green()), [Prepare, Promote]),
        (spec(strategy=blue_green(preview=True)), [Prepare, Shift, AwaitApproval, Promote]),
        (spec(strategy=ab_test()), None),
    ],
    ids=["canary", "hook", "blue-green", "blue-green with preview", "experiment"],
)
def test_a_slot_is_prepared_before_the_promotion_or_before_testers_come(first, plan):
    found = kinds(compile_plan(with_previews(first)))

    assert found == plan if plan else found[-2:] == [Prepare, Promote]
    assert Prepare not in kinds(compile_plan(first))


def test_a_member_of_a_release_is_prepared_once_the_release_lets_it_promote():
    assert kinds(compile_plan(SPEC, staged=True))[-3:] == [AwaitRelease, Prepare, Promote]


def test_a_way_back_to_a_proven_version_is_not_prepared():
    assert kinds(compile_return(SPEC.strategy)) == [Promote]


def test_targets_that_are_not_swapped_are_not_prepared():
    assert Prepare not in kinds(compile_plan(with_previews(spec(targets=("app",)))))


def test_before_the_swap_the_slot_is_seen_well_with_productions_settings():
    story = prepared()
    assert (story.site.preview, story.rows(BeginSwap)) == (Preview.PENDING, [])

    story.wait(EVERY).tick()

    assert story.live.doing is Doing.SWAPPING
    assert story.named(e.StepEntered)[-1].because == "every slot is well with production's settings"


def closing_while_it_is_prepared() -> Story:
    """The slot is prepared, and meanwhile a window has opened that denies the promotion until 15:00."""
    story = prepared()
    calendar = (quiet_until(15, ReleaseAction.PROMOTE),)
    assert story.live.spec is not None
    live = replace(story.live, spec=replace(story.live.spec, calendar=calendar))
    story.state = replace(story.state, live=live)
    return story.wait(EVERY).tick()


def test_a_window_that_closes_while_a_slot_is_prepared_holds_the_swap_until_it_opens():
    story = closing_while_it_is_prepared()
    assert (story.live.doing, story.rows(BeginSwap)) == (Doing.PREPARING, [])
    assert story.live.reason.startswith("release window quiet denies promote")

    while story.now.hour < 15:
        assert story.live.doing is Doing.PREPARING
        story.look()

    assert (story.live.doing, story.now.minute) == (Doing.SWAPPING, 0)
    assert len(story.named(e.RolloutHeld)) == 1


def test_a_slot_that_waits_for_its_window_is_looked_after_and_seen_well_again_before_it_is_swapped():
    story = closing_while_it_is_prepared()
    story.site.healthy = False
    story.look()
    assert "not healthy" in story.live.reason

    story.site.healthy = True
    story.look()
    assert story.live.reason.startswith("release window quiet denies promote")


def test_who_skips_into_the_preparing_of_a_swap_has_said_to_swap():
    story = at_gate(with_previews(spec(calendar=(quiet_until(15, ReleaseAction.PROMOTE),)))).override("approve")
    story.go_until(lambda: story.live.held_by != "")
    assert isinstance(story.live.plan[story.live.step + 1], Prepare)
    story.override("skip").settle()
    story.wait(EVERY).tick()

    assert story.live.doing is Doing.SWAPPING


def test_the_first_look_comes_after_the_restart_had_time_to_begin():
    story = prepared()

    story.tick()

    assert story.live.doing is Doing.PREPARING
    assert story.live.look_at == story.now + EVERY


def test_it_must_be_well_as_often_in_a_row_as_the_spec_says():
    story = prepared(with_previews(spec(), passes=3))
    story.wait(EVERY).tick().wait(EVERY).tick()
    story.site.healthy_prepared = False
    story.wait(EVERY).tick()
    story.site.healthy_prepared = True
    story.wait(EVERY).tick().wait(EVERY).tick()
    assert story.live.doing is Doing.PREPARING

    story.wait(EVERY).tick()

    assert story.live.doing is Doing.SWAPPING


@pytest.mark.parametrize(
    ("otherwise", "phase"), [(Outcome.ROLLBACK, Phase.FAILED), (Outcome.PAUSE, Phase.PAUSED)], ids=str
)
def test_a_slot_that_is_not_well_with_productions_settings_is_never_swapped(otherwise, phase):
    story = prepared(with_previews(spec(otherwise=otherwise)))
    story.site.healthy_prepared = False

    story.go_until(lambda: story.state.live is None or story.live.phase is Phase.PAUSED)

    ended = story.state.live or story.archived[-1]
    assert (ended.phase, story.named(e.SwapBegun), story.site.production) == (phase, [], "1")
    if phase is Phase.FAILED:
        assert (story.site.preview, story.site.share) == (Preview.NONE, 0)


def test_what_is_wrong_with_it_is_said():
    story = prepared()
    story.site.healthy_prepared = False
    story.wait(EVERY).tick()

    assert story.live.reason == "web with production's settings: not healthy: 503"


def test_users_who_meet_it_meanwhile_are_looked_after():
    story = prepared()
    story.site.users_meet = type(story.site.stable_meets)(requests=1_000, failures=300, latency_ms=50)
    story.site.healthy_prepared = False

    assert story.go_to_end().phase is Phase.ROLLED_BACK
    assert (story.site.preview, story.site.share) == (Preview.NONE, 0)


def test_a_version_that_ci_brought_meanwhile_is_not_swapped():
    story = prepared()
    story.site.candidate = "9"
    story.wait(EVERY).tick()

    assert story.go_to_end().phase is Phase.FAILED
    assert (story.site.production, story.site.preview) == ("1", Preview.NONE)


def test_a_swap_ends_its_preview_and_that_is_read_before_the_bake():
    story = prepared().wait(EVERY).tick().settle()
    story.site.finish_swap()
    story.wait(timedelta(seconds=3)).tick()
    assert (story.live.doing, len(story.rows(SetPreview))) == (Doing.CLEARING, 1)

    story.settle()

    assert (story.live.doing, story.web.prepares, story.web.is_settled) == (Doing.BAKING, False, True)
    assert story.go_to_end().phase is Phase.SUCCEEDED


@pytest.mark.parametrize("action", ["rollback", "abort"])
def test_a_way_back_before_the_swap_cancels_the_preview_before_it_ends(action):
    story = prepared().override(action)
    story.settle()
    assert story.site.preview is Preview.NONE

    assert story.go_to_end().phase in (Phase.ROLLED_BACK, Phase.ABORTED)
    assert (story.site.share, story.site.production) == (0, "1")


def test_weights_that_a_prepared_site_refuses_go_back_once_it_is_cancelled():
    story = prepared().override("rollback")
    story.perform(story.row(SetWeight))
    refused = story.site.share
    story.go_to_end()

    assert (refused, story.site.share) == (50_000, 0)


def test_a_preview_that_is_still_pending_at_the_last_look_is_cancelled_and_looked_at_again():
    story = prepared().override("rollback").go_to(Doing.SETTLING)
    story.site.preview = Preview.PENDING

    assert story.go_to_end().phase is Phase.ROLLED_BACK
    assert story.site.preview is Preview.NONE
    assert story.named(e.PreviewMoved)[-1].wanted is Preview.NONE


def test_nothing_ends_while_the_preview_cannot_be_cancelled():
    story = prepared().override("rollback")
    for _ in range(3):
        story.tell(EffectFailed(story.row(SetPreview).id, "409 Conflict"))
    story.site.preview = Preview.NONE
    story.perform(story.row(SetWeight))

    assert (story.site.share, story.web.observed) == (0, 0)
    assert story.live.doing is Doing.ZEROING


def test_a_preview_that_somebody_else_cancelled_is_begun_again_and_verified_anew():
    story = prepared(with_previews(spec(), passes=2))
    story.wait(EVERY).tick()
    story.site.preview = Preview.NONE
    story.wait(EVERY).tick()
    moved = story.named(e.PreviewMoved)
    assert (len(moved), story.web.passes, story.live.doing) == (1, 0, Doing.PREPARING)

    assert story.go_to_end().phase is Phase.SUCCEEDED


def test_testers_meet_the_candidate_with_productions_settings():
    story = shifting(with_previews(spec(strategy=blue_green(preview=True)))).settle()
    assert (story.live.doing, story.site.preview) == (Doing.PREPARING, Preview.PENDING)
    story.go_to(Doing.BAKING)
    story.site.preview = Preview.NONE
    story.wait(MINUTE).look()

    assert story.named(e.PreviewMoved)
    story.go_to(Doing.AWAITING_APPROVAL)
    assert story.site.preview is Preview.PENDING


def test_the_swap_of_another_slot_keeps_a_rollout_from_starting_and_says_the_fix():
    story = Story(SPEC).deploy()
    story.site.preview = Preview.FOREIGN
    story.tick()

    assert "somebody's swap with preview is pending; finish it, or cancel it" in story.live.reason
    assert story.go_to_end().phase is Phase.FAILED
    assert story.site.preview is Preview.FOREIGN


def test_somebodys_preview_of_the_same_slot_keeps_any_rollout_from_starting():
    story = Story(spec()).deploy()
    story.site.preview = Preview.PENDING
    story.tick()
    assert story.live.doing is Doing.PREFLIGHT

    story.site.preview = Preview.NONE
    assert story.go_to(Doing.BAKING).live.doing is Doing.BAKING


def test_an_answer_for_an_older_level_changes_nothing():
    story = preparing()
    row = story.row(SetPreview)
    story.override("rollback")
    story.tell(PreviewWasSet(row.id, 1, Preview.PENDING))

    assert story.web.preparing_reached == 0


def test_a_site_that_says_otherwise_than_it_was_told_is_told_again():
    story = preparing()
    story.tell(PreviewWasSet(story.row(SetPreview).id, story.web.preparing_level, Preview.NONE))

    assert story.web.preparing_reached == 0
    assert story.row(SetPreview).attempt == 1


def test_the_settings_that_stay_with_their_slot_are_told_by_name_when_a_rollout_starts():
    story = Story(spec()).deploy()
    story.site.staying = ("DATABASE", "PAYMENTS")
    story.tick()

    because = story.named(e.StepEntered)[0].because
    assert because == ("preflight passed; web: settings that differ and stay with their slot: DATABASE, PAYMENTS")


def test_a_promotion_by_hand_past_the_preparation_swaps_at_once():
    story = preparing().override("skip").settle()
    story.site.finish_swap()
    story.go_until(lambda: story.web.side is Side.CANDIDATE)

    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert story.site.preview is Preview.NONE


def test_a_pause_keeps_the_slot_prepared_and_advances_nothing():
    story = prepared().override("pause")
    story.wait(EVERY).tick().wait(10 * MINUTE).tick()
    assert (story.live.doing, story.site.preview) == (Doing.PREPARING, Preview.PENDING)

    story.override("resume")
    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert story.outside.site(WEB).production == "2"
