"""Every situation that a command can meet: each phase with all that it can be busy with, paused in each, and none live.

A situation is reached by folding the decisions that lead there, and rests: nothing is due at its time.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from shared.domain.rollout.commands import AcceptSpec, EffectFailed
from shared.domain.rollout.effects import BeginSwap, SetWeight
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.spec import Outcome, Spec, Stage, TargetKind
from shared.domain.rollout.state import Doing, Phase
from tests.unit.domain.specs import HOUR, canary, hook, spec
from tests.unit.domain.states import (
    Story,
    at_gate,
    baking,
    clearing,
    promoted,
    releasing,
    shifting,
    started,
    succeeded,
    swap_begun,
    swapping,
)

Reach = Callable[[Spec], Story]


def unregistered(_: Spec) -> Story:
    return Story()


def idle(first: Spec) -> Story:
    return Story(first)


def after_return(first: Spec) -> Story:
    """A person took version 2 back after its success, and version 1 serves again."""
    return _ended(succeeded(first).override("rollback", 91))


def after_rollback(first: Spec) -> Story:
    return _ended(baking(first).override("rollback"))


def after_abort(first: Spec) -> Story:
    return _ended(baking(first).override("abort"))


def after_failure(first: Spec) -> Story:
    story = started(first)
    story.site.candidate = "1.9"
    return _ended(story.wait(HOUR).tick())


def preflight(first: Spec) -> Story:
    story = started(first)
    story.site.healthy = False
    return story.tick()


def first_gate(first: Spec) -> Story:
    return shifting(_with_first_gate(first)).tick()


def returning(first: Spec) -> Story:
    """A person took version 2 back after its success: version 1 is released again, and cannot be read yet."""
    story = succeeded(first).override("rollback")
    story.site.healthy = False
    return story.tick()


def returning_by_swap(first: Spec) -> Story:
    return succeeded(first).override("rollback").tick().settle().tick()


def shifting_on(first: Spec) -> Story:
    """5 % of the users are there, and 50 % are wanted."""
    return at_gate(first).override("approve").tick()


def approved(first: Spec) -> Story:
    """A person approved, but the candidate's place cannot be read: nothing goes on unverified."""
    story = at_gate(first).override("approve")
    story.site.trouble = "503"
    return story.tick()


def timed_out(first: Spec) -> Story:
    """The longest bake passed without a verdict, and the spec says pause."""
    story = baking(_pausing(first))
    story.site.trouble = "503"
    story.go_until(lambda: story.live.paused is not None)
    story.tell(AcceptSpec(spec=first, by="team"))
    story.site.trouble = None
    return story


def stuck(first: Spec) -> Story:
    """The swap was refused for now, often enough to call a person."""
    story = swap_begun(first)
    story.site.fail_swap("the slot did not warm up")
    story.wait(timedelta(seconds=3)).tick()
    for _ in range(5):
        story.tell(EffectFailed(story.row(BeginSwap).id, "409 Conflict"))
    return story.tick()


def swap_wanted(first: Spec) -> Story:
    """The swap was decided; no worker has begun it."""
    return swapping(first).tick()


def swap_running(first: Spec) -> Story:
    return swap_begun(first).tick()


def zeroing(first: Spec) -> Story:
    """Traffic is being taken back; the router has not answered."""
    return baking(first).override("rollback").tick()


def swap_back_wanted(first: Spec) -> Story:
    """Production serves the candidate; no worker has begun the swap back."""
    story = promoted(first).override("rollback")
    story.perform(story.row(SetWeight))
    return story.tick()


def swapping_back(first: Spec) -> Story:
    story = swap_back_wanted(first)
    story.perform(story.row(BeginSwap))
    return story.tick()


def settling(first: Spec) -> Story:
    """Everything is back; a worker that never answered may still have a call under way."""
    story = shifting(first)
    lost = story.row(SetWeight)
    story.override("rollback")
    for row in story.rows(SetWeight):
        if row.id != lost.id:
            story.perform(row)
    return story.tick()


def hook_running(first: Spec) -> Story:
    """The database is being prepared; no user meets the candidate before it is."""
    story = Story(replace(first, hooks=(hook(Stage.EXPAND, first.deadlines.otherwise),))).deploy()
    story.outside.hook = HookStatus(HookState.RUNNING)
    return story.go_to(Doing.RUNNING_HOOK).tick().settle()


def promoting_by_weight(first: Spec) -> Story:
    """Most users are to go to the candidate's place, where nothing is swapped; the router has not answered."""
    story = at_gate(_by_weight(first)).override("approve").go_to(Doing.BAKING, step=2)
    while story.live.phase is not Phase.PROMOTING:
        story.look()
    return story.tick()


def promoted_by_weight(first: Spec) -> Story:
    """They are there, and are being measured."""
    return promoting_by_weight(first).settle()


def rested(reach: Reach) -> Reach:
    """The same, after a look at it."""
    return lambda first: reach(first).tick()


def paused(reach: Reach) -> Reach:
    """The same, paused by a person."""

    def reached(first: Spec) -> Story:
        return reach(first).override("pause").tick()

    return reached


SITUATIONS: dict[str, Reach] = {
    "not registered": unregistered,
    "idle": idle,
    "after success": succeeded,
    "after a return": after_return,
    "after rollback": after_rollback,
    "after abort": after_abort,
    "after failure": after_failure,
    "preflight": preflight,
    "preflight, paused": paused(preflight),
    "gate before any weight": first_gate,
    "shifting": shifting,
    "shifting, paused": paused(shifting),
    "baking": baking,
    "baking, paused": paused(baking),
    "baking, timed out": timed_out,
    "gate": rested(at_gate),
    "gate, paused": paused(at_gate),
    "gate, approved": approved,
    "gate, approved, paused": paused(approved),
    "shifting from 5 %": shifting_on,
    "shifting from 5 %, paused": paused(shifting_on),
    "swapping, not begun": swap_wanted,
    "swapping": swap_running,
    "swapping, stuck": stuck,
    "clearing": rested(clearing),
    "promotion baking": promoted,
    "promotion baking, paused": paused(promoted),
    "ending the promotion": rested(releasing),
    "hook": hook_running,
    "hook, paused": paused(hook_running),
    "promoting by weight": promoting_by_weight,
    "baking by weight": promoted_by_weight,
    "baking by weight, paused": paused(promoted_by_weight),
    "returning, preflight": returning,
    "returning, swapping": returning_by_swap,
    "zeroing": zeroing,
    "swapping back, not begun": swap_back_wanted,
    "swapping back": swapping_back,
    "settling": settling,
}
NONE_LIVE = tuple(SITUATIONS)[:7]
LIVE = tuple(SITUATIONS)[7:]
ROLLING_BACK = tuple(SITUATIONS)[-4:]


def situation(name: str, first: Spec | None = None, *, frozen: bool = False, pending: bool = False) -> Story:
    """Return the situation, perhaps frozen, perhaps with version 3 waiting its turn."""
    story = SITUATIONS[name](first or spec())
    if frozen:
        story.override("freeze", 80)
    if pending:
        _deploy_elsewhere(story)
    return story


def _deploy_elsewhere(story: Story) -> None:
    """Announce version 3 while CI has not touched the candidate's place."""
    place = story.site.candidate
    story.deploy("3", 2)
    story.site.candidate = place


def _ended(story: Story) -> Story:
    story.go_to_end()
    return story.settle()


def _with_first_gate(first: Spec) -> Spec:
    return spec(
        strategy=canary(first.deadlines.otherwise, first_gate=True),
        otherwise=first.deadlines.otherwise,
        when_busy=first.when_busy,
        on_alert=first.on_alert,
    )


def _by_weight(first: Spec) -> Spec:
    app = replace(first.targets[0], kind=TargetKind.CONTAINER_APP, slot="")
    return replace(first, targets=(app,))


def _pausing(first: Spec) -> Spec:
    return spec(otherwise=Outcome.PAUSE, when_busy=first.when_busy, on_alert=first.on_alert)
