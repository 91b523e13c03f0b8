"""Pauses, freezes and deadlines: which clocks stand still, for how long, and what happens when they run out."""

from datetime import datetime, timedelta

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import EffectFailed
from shared.domain.rollout.effects import BeginSwap
from shared.domain.rollout.on_tick import next_look
from shared.domain.rollout.spec import Outcome
from shared.domain.rollout.state import Doing, Phase
from tests.unit.domain.situations import LIVE, ROLLING_BACK, situation
from tests.unit.domain.specs import BAKE, HOUR, MINUTE, spec
from tests.unit.domain.states import Story, at_gate, baking, promoted, shifting, started, swap_begun, swapping

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
PAUSE = Outcome.PAUSE


def clocks(story: Story) -> tuple[datetime | None, ...]:
    return story.live.deadline, story.live.gate_deadline, story.live.baking_since


def later(times: tuple[datetime | None, ...], by: timedelta) -> tuple[datetime | None, ...]:
    return tuple(at and at + by for at in times)


@pytest.mark.parametrize("reach", [started, shifting, baking, at_gate, promoted])
@pytest.mark.parametrize(("hold", "release"), [("pause", "resume"), ("freeze", "unfreeze")])
def test_a_hold_moves_every_step_clock_by_exactly_its_length(reach, hold, release):
    story = reach().wait(10 * SECOND)
    before = clocks(story)

    story.override(hold).wait(7 * HOUR).override(release)

    assert clocks(story) == later(before, 7 * HOUR)
    assert story.live.held_since is None


@pytest.mark.parametrize(
    "order",
    [
        ("pause", "freeze", "resume", "unfreeze"),
        ("pause", "freeze", "unfreeze", "resume"),
        ("freeze", "pause", "resume", "unfreeze"),
        ("freeze", "pause", "unfreeze", "resume"),
    ],
)
def test_overlapping_holds_move_the_clocks_by_the_time_that_either_held(order):
    story = baking().wait(10 * SECOND)
    before = clocks(story)

    for action in order:
        story.override(action)
        if action is not order[-1]:
            story.wait(HOUR)

    assert clocks(story) == later(before, 3 * HOUR)


def test_two_holds_after_each_other_add_up():
    story = at_gate()
    before = clocks(story)
    story.override("pause").wait(HOUR).override("resume").wait(MINUTE).override("freeze").wait(HOUR)

    assert clocks(story.override("unfreeze")) == later(before, 2 * HOUR)


def test_a_bake_that_begins_while_paused_begins_with_the_resume():
    story = shifting().override("pause").wait(HOUR).settle()
    assert story.live.doing is Doing.BAKING

    story.wait(HOUR).override("resume")

    assert story.live.baking_since == story.now


def test_a_step_is_not_passed_while_paused_however_healthy_it_is():
    story = baking().override("pause").wait(HOUR).tick()

    assert story.web.judgement is not None
    assert story.web.judgement.verdict == "healthy"
    assert (story.live.phase, story.live.step) == (Phase.PAUSED, 0)


def test_a_step_is_passed_after_the_resume():
    story = baking().override("pause").wait(HOUR).tick().override("resume")

    story.go_to(Doing.AWAITING_APPROVAL)

    assert story.live.phase is Phase.WAITING


def test_a_pause_does_not_shorten_the_least_bake():
    story = baking().override("pause").wait(HOUR).override("resume")
    resumed = story.now

    story.go_to(Doing.AWAITING_APPROVAL)

    assert story.now - resumed >= BAKE.minimum
    assert story.web.analysis.newest > resumed, "judged on a window that ended after the resume too"


def test_a_pause_reminds_every_day_and_never_advances():
    story = baking().override("pause")
    for day in (1, 2, 3):
        story.wait(DAY).tick()
        assert len(story.named(e.PauseReminded)) == day
    assert (story.live.phase, story.live.step) == (Phase.PAUSED, 0)


def test_a_freeze_reminds_every_day_also_when_nothing_is_live():
    story = Story(spec()).override("freeze")
    for day in (1, 2):
        assert next_look(story.state) == story.now + DAY
        story.look()
        assert len(story.named(e.FreezeReminded)) == day


def test_a_step_is_not_judged_healthy_before_its_least_bake():
    story = baking()
    story.go_to(Doing.AWAITING_APPROVAL)
    entered = next(event for event in story.named(e.StepEntered) if event.step == 1)
    assert entered.at - story.named(e.BakeStarted)[0].at >= BAKE.minimum


@pytest.mark.parametrize("reach", [baking, promoted])
def test_a_bake_without_a_verdict_rolls_back_at_its_longest(reach):
    story = reach()
    since = story.live.baking_since
    story.site.trouble = "503"

    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)

    assert story.now == since + BAKE.maximum
    assert story.live.ending.phase is Phase.FAILED
    assert "deadline: not judged healthy within 30 min" in story.live.ending.reason


@pytest.mark.parametrize("reach", [baking, promoted])
def test_a_bake_without_a_verdict_pauses_where_the_spec_says_so(reach):
    story = reach(spec(otherwise=PAUSE))
    phase = story.live.phase
    story.site.trouble = "503"

    story.go_until(lambda: story.live.phase is Phase.PAUSED)

    assert story.live.paused.by == "slipway"
    assert story.live.paused_in is phase


def test_resuming_after_a_deadline_begins_the_clocks_anew():
    story = baking(spec(otherwise=PAUSE))
    story.site.trouble = "503"
    story.go_until(lambda: story.live.phase is Phase.PAUSED)
    story.wait(3 * HOUR).override("resume")

    assert story.live.baking_since == story.now
    assert story.live.deadline == story.now + story.live.spec.deadlines.progress


def test_resuming_while_frozen_after_a_deadline_begins_the_clocks_with_the_end_of_the_freeze():
    story = baking(spec(otherwise=PAUSE))
    story.site.trouble = "503"
    story.go_until(lambda: story.live.phase is Phase.PAUSED)
    story.override("freeze").override("resume").wait(HOUR).override("unfreeze")

    assert story.live.baking_since == story.now
    assert story.live.deadline == story.now + story.live.spec.deadlines.progress


def test_a_gate_that_nobody_approves_ends_as_the_spec_says():
    story = at_gate()
    opened = story.now

    story.go_until(lambda: story.live.phase is not Phase.WAITING)

    assert story.now - opened == DAY
    assert story.live.ending.reason == "gate sign-off was not approved within 1 d"


def test_a_gate_that_nobody_approves_pauses_where_the_spec_says_so_and_can_still_be_approved():
    story = at_gate(spec(otherwise=PAUSE))
    story.go_until(lambda: story.live.phase is Phase.PAUSED)
    assert story.live.doing is Doing.AWAITING_APPROVAL

    story.override("approve").override("resume").go_to(Doing.BAKING)

    assert story.web.wanted == 50_000


def test_an_approved_gate_that_cannot_be_verified_has_a_deadline():
    story = at_gate()
    story.wait(20 * HOUR).tick().override("approve")
    approved = story.now
    story.site.trouble = "503"

    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)

    assert story.now - approved == story.live.spec.deadlines.progress


def test_an_approval_while_paused_waits_for_the_resume():
    story = at_gate().override("pause").wait(HOUR).override("approve").wait(HOUR).tick()
    assert story.live.phase is Phase.PAUSED

    story.override("resume")

    assert story.live.deadline == story.now + story.live.spec.deadlines.progress
    assert story.tick().web.wanted == 50_000


def test_preflight_that_does_not_pass_in_time_fails():
    story = started()
    story.site.healthy = False

    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)

    assert story.live.ending.phase is Phase.FAILED
    assert "not healthy: 503" in story.live.ending.reason
    assert story.go_to_end().phase is Phase.FAILED


def test_a_weight_that_never_arrives_ends_as_the_spec_says():
    story = shifting()
    story.site.trouble = "503"
    story.wait(HOUR).tick()

    assert story.live.ending.reason == "no progress in time while shifting traffic"


@pytest.mark.parametrize("reach", [swapping, swap_begun])
def test_a_swap_cannot_be_paused_so_a_person_is_called_again_at_each_deadline(reach):
    story = reach(spec(otherwise=PAUSE))
    story.site.trouble = "503"
    for times in (1, 2, 3):
        story.wait(HOUR).tick()
        assert len(story.named(e.StuckFlagged)) == times
        assert story.live.phase is Phase.PROMOTING


def test_a_swap_that_is_stuck_already_comes_to_rest_at_its_deadline():
    story = swapping(spec(otherwise=PAUSE))
    for _ in range(5):
        story.tell(EffectFailed(story.row(BeginSwap).id, "409"))

    story.wait(2 * HOUR).tick()

    assert story.tell_nothing_more()


@pytest.mark.parametrize("name", ROLLING_BACK)
@pytest.mark.parametrize("frozen", [False, True])
def test_a_rollback_that_takes_too_long_calls_a_person_once_frozen_or_not(name, frozen):
    story = situation(name, frozen=frozen)
    story.site.trouble = "503"

    for _ in range(3):
        story.wait(10 * MINUTE).tick()

    assert len(story.named(e.StuckFlagged)) == 1


def test_a_rollback_that_hangs_again_calls_a_person_again():
    story = situation("zeroing")
    story.site.trouble = "503"
    story.wait(10 * MINUTE).tick()
    story.site.trouble = None
    story.settle()
    assert story.live.stuck is None

    story.site.trouble = "503"
    story.wait(10 * MINUTE).tick()

    assert story.live.stuck is not None


@pytest.mark.parametrize("name", LIVE)
def test_every_live_rollout_has_a_deadline_or_a_reminder(name):
    live = situation(name).live
    due = (live.deadline, live.gate_deadline, live.paused and live.paused.remind_at, live.baking_since)
    assert any(due) or live.stuck is not None


@pytest.mark.parametrize("name", LIVE)
def test_a_look_that_comes_early_or_twice_changes_nothing(name):
    story = situation(name)
    before = story.state

    story.tick().tick()

    assert story.state == before
