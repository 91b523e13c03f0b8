"""Beyond the point of no return nothing takes users back but a person: what is wrong stops it, and is told once."""

from datetime import timedelta

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Action
from shared.domain.rollout.effects import CallHook
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.permissions import admission_refusal, refusal
from shared.domain.rollout.spec import Place, Stage, WhenBusy
from shared.domain.rollout.state import Doing, Phase
from tests.unit.domain.outside import BAD, is_turned
from tests.unit.domain.specs import APP, WEB, blue_green, canary, hook, spec
from tests.unit.domain.states import Story

DROPS = (hook(Stage.BEFORE_PROMOTION, no_return=True),)


def beyond(doing: Doing, *targets: str, strategy=None, **fields) -> Story:
    """Version 2 was deployed, its hook has passed the point of no return, and the rollout is busy with this."""
    story = Story(spec(hooks=DROPS, targets=targets, strategy=strategy or canary(), **fields))
    story.deploy()

    def reached() -> bool:
        if refusal(story.state, Action.APPROVE) is None:
            story.override("approve")
        return bool(story.live.no_return) and story.live.doing is doing

    return story.go_until(reached)


def baking() -> Story:
    """Everyone but those who are held back was sent to version 2, and it is being measured."""
    return beyond(Doing.BAKING, APP)


def releasing() -> Story:
    """Version 2 was judged healthy there."""
    story = baking()
    while story.live.doing is not Doing.RELEASING:
        story.look()
    return story


def overwrite(story: Story, version: str) -> None:
    """CI puts another version where the candidate sits."""
    for target in story.live.targets:
        story.outside.site(target.name).put(Place.CANDIDATE, version, turned=is_turned(target))


@pytest.mark.parametrize("reach", [baking, releasing], ids=["baking", "releasing"])
def test_a_candidate_that_is_replaced_stops_it_and_is_told_of_once(reach):
    story = reach()
    overwrite(story, "9")
    for _ in range(5):
        story.look()

    assert story.tell_nothing_more()
    assert story.live.phase is Phase.PAUSED
    assert len(story.named(e.CandidateReplaced)) == 1


def test_a_stop_while_its_promotion_ends_is_no_success_before_a_person_resumes():
    story = releasing()
    overwrite(story, "9")
    story.look().settle()

    assert story.live.phase is Phase.PAUSED
    overwrite(story, "2")
    story.override("resume")
    assert story.go_to_end().phase is Phase.SUCCEEDED


def test_a_swap_that_ends_while_it_is_stopped_is_taken_in():
    story = beyond(Doing.SWAPPING, WEB)
    story.site.candidate = "9"
    story.site.finish_swap()
    story.wait(timedelta(seconds=3)).tick()
    assert (story.live.phase, story.live.doing) == (Phase.PAUSED, Doing.SWAPPING)

    story.site.production = "2"
    story.go_until(lambda: story.live.doing is Doing.BAKING)
    story.override("resume")
    assert story.go_to_end().phase is Phase.SUCCEEDED


def test_a_newer_deployment_supersedes_it_no_more():
    story = beyond(Doing.RUNNING_HOOK, WEB, strategy=blue_green(), when_busy=WhenBusy.SUPERSEDE)
    story.deploy("3", 2)

    assert story.live.version == "2"
    assert story.live.phase is not Phase.ROLLING_BACK
    assert admission_refusal(story.state, "4") is not None


def test_before_that_a_newer_deployment_does():
    story = Story(spec(hooks=DROPS, strategy=blue_green(), when_busy=WhenBusy.SUPERSEDE)).deploy()
    story.go_until(lambda: story.rows(CallHook) != [] or story.live.doing is Doing.RUNNING_HOOK)
    story.deploy("3", 2)

    assert story.live.phase is Phase.ROLLING_BACK


def test_a_person_who_skips_a_hook_of_which_nobody_knows_takes_it_for_passed():
    story = Story(spec(hooks=DROPS, targets=(WEB,), strategy=blue_green()))
    story.outside.hook = HookStatus(HookState.UNKNOWN, "the runs 1 and 2 both carry the id")
    story.deploy().go_until(lambda: story.live.phase is Phase.PAUSED, limit=100)
    assert story.live.no_return == DROPS[0].name

    story.override("skip")

    assert story.live.no_return == DROPS[0].name


def calling() -> Story:
    """The hook after which nothing goes back was called, and is not over."""
    story = Story(spec(hooks=DROPS, targets=(APP,), strategy=canary()))
    story.outside.hook = HookStatus(HookState.RUNNING)
    story.deploy()

    def reached() -> bool:
        if refusal(story.state, Action.APPROVE) is None:
            story.override("approve")
        return story.live.doing is Doing.RUNNING_HOOK and story.live.hook is not None and bool(story.live.hook.token)

    return story.go_until(reached)


def test_what_is_bad_while_the_hook_runs_is_not_taken_back_past_it():
    story = calling()
    story.outside.site(APP).users_meet = BAD
    for _ in range(4):
        story.look()

    assert story.live.phase is Phase.PAUSED
    assert story.named(e.RollbackBegun) == []


def test_a_hook_that_says_that_it_failed_lets_everything_go_back_again():
    story = calling()
    story.outside.hook = HookStatus(HookState.FAILED, "no rights")
    story.go_to_end()

    assert story.archived[-1].phase is Phase.FAILED
    assert story.archived[-1].no_return == ""


def test_a_hook_that_takes_too_long_may_have_passed_and_a_person_is_asked():
    story = calling()
    story.wait(timedelta(hours=1)).tick().settle()
    story.look()

    assert story.live.phase is Phase.PAUSED
    assert "nobody can tell what became of hook" in story.live.reason
    assert story.named(e.RollbackBegun) == []
