"""A person goes against the calendar, each time once and on record; what waits asks the calendar again and again."""

from dataclasses import replace
from datetime import datetime

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import Once, ReleaseAction, ReleaseWindow
from shared.domain.rollout.commands import AcceptSpec, Action
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.on_tick import next_look
from shared.domain.rollout.permissions import refusal
from shared.domain.rollout.spec import Stage
from shared.domain.rollout.state import Doing, Phase
from shared.domain.rollout.timing import CALENDAR_LOOK
from tests.unit.domain.specs import HOUR, MINUTE, blue_green, hook, quiet_until, spec
from tests.unit.domain.states import Story, at_gate, baking, override

NOON_SHOWN = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - what a clock on the wall shows
AGAINST = "window skipped by alice: as agreed (against the calendar: release window quiet denies"


def waiting_to_start() -> Story:
    return Story(spec(calendar=(quiet_until(15, ReleaseAction.START),))).deploy()


def waiting_in_preflight() -> Story:
    """Without a preview the first users come with the promotion, which has its window."""
    calendar = (quiet_until(15, ReleaseAction.START), quiet_until(16, ReleaseAction.PROMOTE))
    story = Story(spec(strategy=blue_green(preview=False), calendar=calendar)).deploy().override("skip").tick()
    assert story.live.doing is Doing.PREFLIGHT
    return story


def skipped(story: Story) -> list[tuple[ReleaseAction, str]]:
    return [(event.action, event.by) for event in story.named(e.WindowSkipped)]


def test_who_skips_has_a_rollout_begin_in_a_closed_window_and_history_says_so():
    story = waiting_to_start()
    assert "skip begins it all the same, abort ends it" in refusal(story.state, Action.PROMOTE)
    story.override("skip")

    assert (story.live.phase, skipped(story)) == (Phase.PROGRESSING, [(ReleaseAction.START, "alice")])
    assert story.named(e.WindowSkipped)[0].because.startswith(f"{AGAINST} start")


def test_what_was_passed_once_holds_what_comes_later():
    story = waiting_in_preflight().wait(MINUTE).tick()
    assert (story.live.held_by != "", skipped(story)) == (True, [(ReleaseAction.START, "alice")])
    assert "skip passes the window" in refusal(story.state, Action.PROMOTE)

    story.override("skip").tick()
    assert story.live.step == 0
    assert [action for action, _ in skipped(story)] == [ReleaseAction.START, ReleaseAction.PROMOTE]


def test_who_skips_the_window_of_a_promotion_passes_nothing_else():
    story = waiting_in_preflight()
    story.site.healthy = False
    story.override("skip").tick()
    assert (story.live.doing, story.live.step) == (Doing.PREFLIGHT, -1)
    assert "not healthy" in story.live.reason

    story.site.healthy = True
    assert story.look().live.step == 0


@pytest.mark.parametrize("waiting", [waiting_to_start, waiting_in_preflight])
def test_who_skips_a_window_that_has_opened_meanwhile_went_against_none_and_history_says_so(waiting):
    story = waiting()
    passed = skipped(story)
    story.wait(5 * HOUR).override("skip")

    assert skipped(story) == passed
    assert [event.reason for event in story.named(e.CommandRefused)] == ["no release window holds it any more"]
    assert story.look().live is not None


def test_no_freeze_is_skipped():
    story = waiting_to_start().override("freeze").override("skip")

    assert (story.state.live, skipped(story)) == (None, [])
    assert refusal(story.state, Action.SKIP) == "it is frozen (as agreed): unfreeze first"


def test_what_waits_for_no_window_is_not_skipped():
    story = Story(spec()).override("freeze").deploy()

    assert "only abort ends it" in refusal(story.state, Action.SKIP)
    assert "preflight has not passed yet" in refusal(Story(spec()).deploy().state, Action.SKIP)


def test_a_start_that_is_held_asks_the_calendar_again_at_bounded_times_and_tells_of_it_once():
    story = waiting_to_start()
    for _ in range(8):
        at = next_look(story.state)
        assert story.now < at <= story.now + CALENDAR_LOOK
        story.look()
        assert story.tell_nothing_more()

    assert (story.state.live, len(story.named(e.RolloutHeld))) == (None, 1)
    while story.state.live is None:
        story.look()
    assert story.now.hour == 15


def test_a_window_that_ends_sooner_by_now_is_not_waited_for_any_longer():
    story = waiting_to_start()
    sooner = replace(closing(ReleaseAction.START, 0), times=Once(NOON_SHOWN, NOON_SHOWN + 5 * MINUTE))
    story.tell(AcceptSpec(spec=spec(calendar=(sooner,)), by="team"))

    assert next_look(story.state) == story.now + 5 * MINUTE


def closing(action: ReleaseAction, minutes: int) -> ReleaseWindow:
    """Deny an action from so many minutes after noon on, until late in the evening."""
    return replace(quiet_until(23, action), times=Once(NOON_SHOWN + minutes * MINUTE, NOON_SHOWN + 11 * HOUR))


def test_a_hook_that_ends_in_a_closed_window_asks_the_calendar_again_too():
    """Nobody meets the candidate, so that nothing but the calendar is looked at."""
    calendar = (closing(ReleaseAction.PROMOTE, 5),)
    hooks = (hook(Stage.BEFORE_PROMOTION),)
    story = Story(spec(strategy=blue_green(preview=False), hooks=hooks, calendar=calendar)).deploy()
    story.outside.hook = HookStatus(HookState.RUNNING)
    story.go_to(Doing.RUNNING_HOOK).wait(6 * MINUTE)
    story.outside.hook = HookStatus(HookState.SUCCEEDED)
    story.go_until(lambda: story.live.held_by != "", limit=50)

    for _ in range(4):
        assert next_look(story.state) <= story.now + CALENDAR_LOOK
        story.look().settle()
    story.override("skip").settle()
    assert story.live.phase is Phase.PROMOTING


@pytest.mark.parametrize("paused", [False, True])
def test_a_gate_is_skipped_only_by_who_has_seen_it(paused):
    """Who means the step before may not know yet that it was passed and a gate was entered."""
    story = at_gate()
    if paused:
        story.override("pause")
    step = story.live.step
    assert f"say `step` {step}" in refusal(story.state, Action.SKIP)
    story.override("skip")
    assert (story.live.step, story.web.wanted) == (step, 5_000)

    assert "by now, not at" in refusal(story.state, Action.SKIP, step - 1)
    story.tell(override("skip", 7, step=step))
    assert story.web.wanted == 50_000


def test_a_gate_that_was_approved_and_waits_for_its_window_is_skipped_as_every_step():
    story = at_gate(spec(calendar=(closing(ReleaseAction.ADVANCE, 60),))).wait(HOUR).tick().override("approve").tick()
    assert story.live.held_by
    story.override("skip")

    assert story.web.wanted == 50_000
    assert "against the calendar" in story.named(e.StepEntered)[-1].because


def test_what_is_measured_is_skipped_without_saying_the_step():
    story = baking().wait(MINUTE).override("skip")

    assert story.live.doing is Doing.AWAITING_APPROVAL
