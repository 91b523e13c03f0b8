"""The laws of release windows: what goes on by itself waits for them, and what goes back waits for none."""

from datetime import datetime
from typing import TYPE_CHECKING

from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import ReleaseAction, WindowKind, is_open
from shared.domain.rollout.plan import Compare, Prepare, Promote, Shift, Step, brings_users
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Phase, Rollout

if TYPE_CHECKING:
    from tests.simulation.protocol import seen
    from tests.simulation.protocol.watch import Watch

LAW = "nothing goes on outside a window"


def nothing_goes_on_outside_a_window(watch: "Watch", step: "seen.Step") -> None:
    """Nothing begins, and no step is entered that moves users, outside a window, unless a person said so.

    What a person lets pass is the next thing of its kind, and no other one; a swap and its preparing are one.
    """
    live, after = step.old.live, step.new.live
    for event in step.events:
        if isinstance(event, e.WindowSkipped):
            watch.windows_passed[event.rollout] = event.action
        if isinstance(event, e.RolloutStarted):
            passed = watch.windows_passed.pop(event.rollout, None)
            returns = after is not None and after.id == event.rollout and after.returns
            if not returns and passed is not ReleaseAction.START:
                _see(watch, event.rollout, event.spec, ReleaseAction.START, event.at)
        if isinstance(event, e.StepEntered):
            passed = watch.windows_passed.pop(event.rollout, None)
            action = _action(live, event.step)
            if event.by and live is not None and isinstance(live.plan[event.step], Prepare):
                watch.windows_passed[event.rollout] = ReleaseAction.PROMOTE
            if action is None or event.by or live is None or live.returns or live.spec is None or passed is action:
                continue
            _see(watch, event.rollout, live.spec, action, event.at)


def what_goes_back_waits_for_no_window(watch: "Watch", step: "seen.Step") -> None:
    for event in step.events:
        if not isinstance(event, e.RolloutHeld):
            continue
        for rollout in (step.old.live, step.old.pending, step.new.pending):
            goes_back = rollout is not None and (rollout.returns or rollout.phase is Phase.ROLLING_BACK)
            if rollout is not None and rollout.id == event.rollout and goes_back:
                watch.fail("what goes back waits for no window", f"{event.rollout}: {event.why}")


def _action(live: Rollout | None, index: int) -> ReleaseAction | None:
    """Return what the step does to users; None: nothing, or it brings the first ones, who come with the start."""
    step: Step | None = live.plan[index] if live is not None else None
    if isinstance(step, Promote):
        return ReleaseAction.PROMOTE
    if step is None or live is None or not brings_users(step):
        return None
    is_first = not any(isinstance(before, Shift | Compare) for before in live.plan[:index])
    return None if is_first else ReleaseAction.ADVANCE


def _see(watch: "Watch", rollout: str, spec: Spec, action: ReleaseAction, at: datetime) -> None:
    concerned = [window for window in spec.calendar if action in window.actions]
    denied = [window.name for window in concerned if window.kind is WindowKind.DENY and is_open(window, at)]
    allowing = [window for window in concerned if window.kind is WindowKind.ALLOW]
    if denied or (allowing and not any(is_open(window, at) for window in allowing)):
        names = denied or [window.name for window in allowing]
        watch.fail(LAW, f"{rollout} went on ({action}) at {at:%H:%M:%S}, window {names[0]}")
