"""The laws that every commit keeps: each is a check of its own, with the name that a broken one is reported under."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.domain.rollout import events as e
from shared.domain.rollout.effects import Notify, PublishViews
from shared.domain.rollout.state import OpenEffect, Phase, Rollout
from shared.domain.rollout.weight import ALL, NONE
from tests.simulation.protocol.laws_of_calls import STALE, open_work_is_marked
from tests.simulation.protocol.laws_of_commands import a_command_does_what_it_asks
from tests.simulation.protocol.laws_of_flags import what_flags_may_give
from tests.simulation.protocol.laws_of_proof import (
    a_step_is_left_by_its_proof,
    no_weight_is_above_what_was_proven,
    nobody_is_sent_there_anew_on_the_way_back,
    only_healthy_advances,
    steps_are_passed_one_by_one,
)
from tests.simulation.protocol.laws_of_windows import (
    nothing_goes_on_outside_a_window,
    what_goes_back_waits_for_no_window,
)

if TYPE_CHECKING:
    from tests.simulation.protocol.seen import Step
    from tests.simulation.protocol.watch import Watch


UNTOLD = ("HookReport", "Release", "Steer")
"""Facts whose lines name something else than the fact itself."""


def weights_are_in_range(watch: "Watch", step: "Step") -> None:
    for rollout in _rollouts(step):
        for target in rollout.targets:
            shares = (target.wanted, target.proven, target.share())
            if not all(NONE <= share <= ALL for share in shares):
                watch.fail("weights are in range", f"{rollout.id} {target.name}: {shares}")


def a_pause_holds(watch: "Watch", step: "Step") -> None:
    live = step.old.live
    if live is None or live.phase is not Phase.PAUSED:
        return
    for event in step.events:
        if isinstance(event, e.RolloutResumed | e.RollbackBegun):
            return
        if isinstance(event, e.StepEntered) and not event.by:
            watch.fail("a pause holds", f"{live.id} entered step {event.step} while it was paused")


def one_rollout_is_live(watch: "Watch", step: "Step") -> None:
    live = step.old.live.id if step.old.live is not None else None
    for event in step.events:
        if isinstance(event, e.RolloutStarted):
            if live is not None and live not in watch.over:
                watch.fail("one rollout is live", f"{event.rollout} started while {live} was live")
            live = event.rollout
        if isinstance(event, e.RolloutEnded):
            live = None if event.rollout == live else live


def an_end_is_for_good(watch: "Watch", step: "Step") -> None:
    for event in step.events:
        rollout = getattr(event, "rollout", None)
        if isinstance(event, e.RolloutEnded | e.DeploymentRefused):
            if rollout in watch.over:
                watch.fail("an end is for good", f"{rollout} ended again, {watch.over[rollout]} before")
            ended = event.ending.phase.value if isinstance(event, e.RolloutEnded) else "refused"
            watch.over[event.rollout] = ended
        elif rollout in watch.over and isinstance(event, e.RolloutStarted | e.StepEntered | e.RollbackBegun):
            watch.fail("an end is for good", f"{rollout} had ended, and {type(event).__name__}")
    for each in (step.new.live, step.new.pending):
        if each is not None and (each.id in watch.over or each.phase.is_terminal):
            watch.fail("an end is for good", f"{each.id} had ended, and is {each.phase} again")


def history_has_no_gaps(watch: "Watch", step: "Step") -> None:
    first = len(watch.history.get(step.key, ())) + 1
    numbers = [entry.sequence for entry in step.change.history]
    if numbers != list(range(first, first + len(numbers))):
        watch.fail("history has no gaps", f"{step.key}: {numbers} follow {first - 1}")
    if step.new.sequence != first - 1 + len(numbers):
        watch.fail("history has no gaps", f"{step.key}: {step.new.sequence} said, {first - 1 + len(numbers)} written")


def a_commit_follows_the_one_before(watch: "Watch", step: "Step") -> None:
    """Each commit is made on the state that stood there: no decision is made on a stale one."""
    if step.after.version != step.before.version + 1:
        told = f"{step.key}: version {step.after.version} was written over {step.before.version}"
        watch.fail("a commit follows the one before", told)


def a_hook_is_begun_once(watch: "Watch", step: "Step") -> None:
    for event in step.events:
        if isinstance(event, e.RolloutResumed) and step.old.live is not None and step.old.live.hook is not None:
            watch.calls_begun.pop(step.old.live.hook.call_id, None)
            watch.hooks_called.pop(step.old.live.hook.call_id, None)  # a person says: call it again
        if isinstance(event, e.HookBegun):
            watch.calls_begun[event.run.call_id] += 1
            if watch.calls_begun[event.run.call_id] > 1:
                watch.fail("a hook is begun once for its step", event.run.call_id)
        if isinstance(event, e.HookEnded):
            watch.calls_ended[event.call_id] += 1
            if watch.calls_ended[event.call_id] > watch.calls_begun[event.call_id] + watch.calls_again[event.call_id]:
                watch.fail("a hook ends once", event.call_id)
        if isinstance(event, e.RolloutResumed) and step.old.live is not None and step.old.live.hook is not None:
            watch.calls_again[step.old.live.hook.call_id] += 1


def a_gate_is_approved_once(watch: "Watch", step: "Step") -> None:
    for event in step.events:
        if isinstance(event, e.GateApproved) and step.old.live is not None:
            at = (event.rollout, step.old.live.step)
            if at in watch.approved:
                watch.fail("a gate is approved once", f"{event.rollout} at step {step.old.live.step}")
            watch.approved.add(at)


def each_fact_is_told_once(watch: "Watch", step: "Step") -> None:
    """What was accepted is decided in one commit, and history speaks of it there and nowhere else first hand."""
    for entry in step.change.consumed:
        asked = watch.asked.get(entry.command_id)
        if asked is None:
            continue
        asked.consumed += 1
        if asked.consumed > 1:
            watch.fail("each fact is decided once", entry.command_id)
        told = (asked.token, entry.command_id)
        if asked.kind not in UNTOLD and not any(_speaks_of(event, each) for event in step.events for each in told):
            names = ", ".join(type(event).__name__ for event in step.events)
            watch.fail("each fact is told once", f"{asked.kind} {entry.command_id} left no line; lines: {names}")
    for asked in watch.asked_of(step.key):
        if any(_is_first_hand(event, asked.token) for event in step.events):
            asked.told += 1
            if asked.told > 1:
                watch.fail("each fact is told once", f"{asked.kind} {asked.token} is told of again")


def each_effect_has_an_outcome(watch: "Watch", step: "Step") -> None:
    """A row is closed by who performed it, or makes way for a newer one that asks for the same."""
    reopened = {entry.id for entry in step.change.opened}
    for row_id in step.change.closed:
        row = step.old.open_effect(row_id)  # type: ignore[arg-type]
        if row is None or row_id in reopened or _makes_way(step, row):
            continue
        if step.task is None or row_id not in step.task.performed:
            told = (
                f"{step.key}: {row_id} {type(row.effect).__name__} was closed by {_name(step.task)}, who never did it"
            )
            watch.fail("each effect has an outcome", told)
        owner = watch.begun_by.get((step.key, row_id))
        if not isinstance(row.effect, PublishViews) and owner is not step.task:
            told = f"{step.key}: {row_id} {type(row.effect).__name__} is {_name(owner)}'s, closed by {_name(step.task)}"
            watch.fail("a row is closed by who has begun it", told)


def who_is_to_be_told_is_told(watch: "Watch", step: "Step") -> None:
    """A message to a webhook is done with when that took it, or when history says that it never did."""
    dropped = any(isinstance(event, e.NotificationDropped) for event in step.events)
    for row_id in step.change.closed:
        row = step.old.open_effect(row_id)  # type: ignore[arg-type]
        if row is None or not isinstance(row.effect, Notify) or dropped:
            continue
        if not any(f":{row_id}:" in message for message in watch.notified):
            watch.fail("who is to be told is told", f"{step.key}: {row_id} was closed, and nobody took it")


def two_wake_ups_at_most_are_outstanding(watch: "Watch", step: "Step") -> None:
    if len(step.after.alarms) > 2:
        watch.fail("two wake-ups at most are outstanding", f"{step.key}: {step.after.alarms}")


def work_is_marked_before_it_is_committed(watch: "Watch", step: "Step") -> None:
    open_work_is_marked(watch, step.key)


def an_end_is_true(watch: "Watch", step: "Step") -> None:
    """When a rollout ends, users are where its end says, at the router itself."""
    live = step.old.live
    for event in step.events:
        if isinstance(event, e.RolloutStarted):
            watch.ended.pop(step.key, None)
        if not isinstance(event, e.RolloutEnded) or live is None or live.id != event.rollout or live.spec is None:
            continue
        if live.step >= 0 and live.has_acted:
            watch.ends(step.key, live, event.ending.phase)
            an_end_stays_true(watch, step.key)


def an_end_stays_true(watch: "Watch", key: str) -> None:
    """Where the last rollout has ended, users are where its end says, as long as nobody moves them."""
    end = watch.ended.get(key)
    for target in end.rollout.targets if end is not None else ():
        assert end is not None
        told = watch.world_of(end, target.name)
        if told:
            watch.fail("an end is true", f"{end.rollout.id} {end.phase}: {told}")


def what_was_observed_was_there(watch: "Watch", step: "Step") -> None:
    """A share that is written down as observed is the router's own, and not what it was asked for."""
    live = step.old.live
    for event in step.events:
        if not isinstance(event, e.WeightObserved) or live is None or live.id != event.rollout or live.spec is None:
            continue
        target, now = live.at(event.target), watch.world.time
        resource = target.resource.lower()
        moved = (watch.share_set.get(resource), watch.hand_moved.get(resource))
        share = watch.world.site.peek_share(target)
        asked = step.task.performing_since if step.task is not None else None
        since = min(now - STALE, asked or now)
        if share != event.share and not any(at is not None and at >= since for at in moved):
            told = f"{live.id} {event.target}: {event.share} observed, {share} is there"
            watch.fail("what was observed was there", told)


COMMIT_LAWS: tuple[Callable[["Watch", "Step"], None], ...] = (
    a_commit_follows_the_one_before,
    history_has_no_gaps,
    weights_are_in_range,
    no_weight_is_above_what_was_proven,
    nobody_is_sent_there_anew_on_the_way_back,
    only_healthy_advances,
    steps_are_passed_one_by_one,
    a_step_is_left_by_its_proof,
    a_pause_holds,
    a_command_does_what_it_asks,
    one_rollout_is_live,
    an_end_is_for_good,
    a_hook_is_begun_once,
    a_gate_is_approved_once,
    each_fact_is_told_once,
    each_effect_has_an_outcome,
    who_is_to_be_told_is_told,
    two_wake_ups_at_most_are_outstanding,
    work_is_marked_before_it_is_committed,
    an_end_is_true,
    what_was_observed_was_there,
    nothing_goes_on_outside_a_window,
    what_goes_back_waits_for_no_window,
    what_flags_may_give,
)


def _rollouts(step: "Step") -> tuple[Rollout, ...]:
    return tuple(each for each in (step.new.live, step.new.pending) if each is not None)


def _makes_way(step: "Step", row: OpenEffect) -> bool:
    return any(other.effect == row.effect and other.id != row.id for other in step.new.effects)


def _name(task: Any) -> str:
    return task.name if task is not None else "nobody"


def _speaks_of(event: e.Event, token: str) -> bool:
    ending = getattr(event, "ending", None)
    texts = (*(getattr(event, name, None) for name in ("reason", "because", "says")), ending and ending.reason)
    return _is_first_hand(event, token) or any(token in str(text or "").replace(":", " ").split() for text in texts)


def _is_first_hand(event: e.Event, token: str) -> bool:
    if isinstance(event, e.DeploymentAccepted | e.DeploymentRefused):
        return token in (event.rollout, event.source, event.source.rpartition(" ")[2])
    names = ("by", "rule", "command")
    return token in (getattr(event, name, None) for name in names)
