"""No state is woken in vain for ever, and none grows with the number of releases."""

from dataclasses import replace

import pytest

from shared.domain.names import CommandId
from shared.domain.rollout.calendar import ReleaseAction
from shared.domain.rollout.commands import HookAnswered, HookReport
from shared.domain.rollout.effects import CallHook, Notify
from shared.domain.rollout.events import HookBegun
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.membership import END, PROMOTION, Stage, Standing
from shared.domain.rollout.spec import Descent, Topic
from shared.domain.rollout.spec import Stage as Stages
from shared.domain.rollout.state import Doing, Phase
from shared.domain.rollout.weight import Weight
from tests.unit.domain.members import Member
from tests.unit.domain.outside import GOOD, NOTHING
from tests.unit.domain.specs import HOUR, MINUTE, WEBHOOK, blue_green, canary, hook, quiet_until, spec
from tests.unit.domain.states import Story, baking

RUNNING = HookStatus(HookState.RUNNING)
DONE = HookStatus(HookState.SUCCEEDED)


def called() -> Story:
    """A hook's call was opened, and nobody has said anything of it yet."""
    story = Story(spec(hooks=(hook(Stages.BEFORE_ROLLOUT),))).deploy()
    for _ in range(10):
        if story.rows(CallHook):
            break
        story.look()
    return story


def test_a_call_that_is_only_called_back_is_not_asked_for_and_holds_nothing_up():
    story = called()
    story.tell(HookAnswered(story.row(CallHook).id, "", RUNNING))

    story.wait(MINUTE).tick()
    assert story.tell_nothing_more()
    assert story.live.hook.token == ""

    story.tell(HookReport(id=CommandId("r"), call_id=story.live.hook.call_id, status=DONE))
    assert story.look().live.doing is not Doing.RUNNING_HOOK


def test_a_call_that_reports_before_it_has_answered_holds_nothing_up():
    story = called()
    story.tell(HookReport(id=CommandId("r"), call_id=story.live.hook.call_id, status=RUNNING))

    story.wait(MINUTE).tick()
    assert story.tell_nothing_more()
    assert story.rows(CallHook)


def test_a_version_that_waits_for_a_window_in_a_freeze_is_woken_by_neither():
    story = Story(spec(calendar=(quiet_until(15, ReleaseAction.START),))).deploy()
    story.override("freeze").wait(4 * HOUR).tick()

    assert story.tell_nothing_more()
    assert story.state.pending is not None
    assert story.override("unfreeze").live.phase is Phase.PROGRESSING


def test_what_is_kept_of_rollouts_that_ended_does_not_grow_with_them():
    story = Story(spec(strategy=blue_green()))
    for number in range(1, 6):
        story.deploy(f"{number + 1}", number).go_until(lambda: story.state.live is None, limit=200)

    assert story.state.serving.version == "6"
    assert len(story.state.over) <= 2


def test_a_verdict_is_not_overdue_for_the_time_in_which_a_window_held():
    ungated = replace(canary(), steps=tuple(replace(step, gate=None) for step in canary().steps))
    story = baking(spec(strategy=ungated, calendar=(quiet_until(14, ReleaseAction.ADVANCE),)))
    story.go_until(lambda: story.live.held_by != "", limit=100)
    story.site.users_meet = NOTHING
    for _ in range(200):
        if story.now >= story.live.opens_at:
            break
        story.look().settle()

    assert (story.live.phase, story.live.step) == (Phase.PROGRESSING, 0)
    assert story.now >= story.live.opens_at
    story.site.users_meet = GOOD
    assert story.go_until(lambda: story.live.step == 1, limit=50)


def test_what_a_release_opens_too_late_does_not_hurry_a_way_back():
    gradual = replace(canary(), descent=Descent(weights=(Weight(10_000),), every=MINUTE))
    member = Member(spec(strategy=gradual)).wait_before(PROMOTION).override("rollback").settle()
    deadline = member.live.deadline
    assert member.live.descend_at > member.now

    member.wait(MINUTE / 2).open(PROMOTION)
    assert member.tell_nothing_more()
    assert member.live.deadline == deadline


@pytest.mark.parametrize("stage", [Stage(2), END])
def test_a_member_that_is_asked_back_once_more_after_it_went_back_does_not_tell_that_it_stays(stage):
    member = Member().wait_before(stage)
    if stage == END:
        member.open(END).go_to_end()
        member.settle()
    member.go_back().go_to_end()
    member.settle()
    assert member.told.standing is Standing.BACK

    member.go_back()
    assert member.told.standing is Standing.BACK


def test_a_hook_is_no_wait_for_an_approval():
    story = Story(spec(hooks=(hook(Stages.BEFORE_ROLLOUT),), notifications=(WEBHOOK,))).deploy()
    story.go_until(lambda: bool(story.named(HookBegun)), limit=20)

    assert not [row for row in story.opened if isinstance(row.effect, Notify) and row.effect.topic is Topic.WAITING]
