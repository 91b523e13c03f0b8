"""When hooks are called on the way back: where there is something to undo, and not else."""

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.spec import BlueGreen, Stage
from shared.domain.rollout.state import Doing, Phase
from tests.unit.domain.specs import HOUR, bake, canary, hook, spec, with_previews
from tests.unit.domain.states import Story

UNDO = hook(Stage.ON_ROLLBACK)


def calls(story: Story) -> list[Stage]:
    return [begun.run.hook.at for begun in story.named(e.HookBegun)]


def test_a_preflight_that_does_not_pass_calls_none():
    story = Story(spec(hooks=(UNDO, hook(Stage.EXPAND))))
    story.site.healthy = False
    story.deploy().go_to_end()

    assert (story.archived[-1].phase, calls(story), story.state.over) == (Phase.FAILED, [], ())


def test_a_gate_that_is_rejected_before_anything_was_done_calls_none():
    first = spec(strategy=canary(first_gate=True), hooks=(UNDO,))
    story = Story(first).deploy().go_to(Doing.AWAITING_APPROVAL).override("reject")

    assert (story.go_to_end().phase, calls(story), story.state.over) == (Phase.ABORTED, [], ())


@pytest.mark.parametrize(
    ("first", "doing"),
    [
        (spec(hooks=(UNDO,)), Doing.BAKING),
        (spec(hooks=(UNDO, hook(Stage.EXPAND))), Doing.RUNNING_HOOK),
        (spec(hooks=(UNDO,), strategy=BlueGreen(bake=bake())), Doing.SWAPPING),
        (with_previews(spec(hooks=(UNDO,), strategy=BlueGreen(bake=bake()))), Doing.PREPARING),
    ],
    ids=lambda value: value.value if isinstance(value, Doing) else "",
)
def test_what_has_begun_to_do_anything_calls_them_once_it_is_back(first, doing):
    story = Story(first).deploy().go_to(doing).override("rollback")
    story.go_to_end()

    assert calls(story)[-1] is Stage.ON_ROLLBACK
    story.wait(HOUR).tick()
    assert calls(story).count(Stage.ON_ROLLBACK) == 1
