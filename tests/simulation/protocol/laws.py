"""The laws that every step keeps: each is a check of its own, with the name that a broken one is reported under."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.domain.analysis.measurement import Missing, Sample
from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Action
from shared.domain.rollout.effects import Notify, PublishViews
from shared.domain.rollout.hooks import Webhook
from shared.domain.rollout.on_tick import next_look, next_wake
from shared.domain.rollout.plan import AwaitApproval
from shared.domain.rollout.spec import Place, Target
from shared.domain.rollout.state import Application, OpenEffect, Phase, Rollout, Side
from shared.domain.rollout.weight import ALL, NONE, Weight

if TYPE_CHECKING:
    from tests.simulation.protocol.watch import Step, Watch

STALE = timedelta(seconds=40)
"""So long after a level was changed a call that was begun for it may still land: the longest call, and clocks that
differ."""
SETTLED = timedelta(minutes=20)
"""So long after the last fault nothing of it is left: messages that were lost, markers that are not due yet."""
LATE = timedelta(minutes=2)
ERRORS_AT_MOST = 0.05
LIFTING = {Action.PROMOTE.value, Action.SKIP.value}


def weights_are_in_range(watch: "Watch", step: "Step") -> None:
    for rollout in _rollouts(step):
        for target in rollout.targets:
            shares = (target.wanted, target.proven, target.share())
            if not all(NONE <= share <= ALL for share in shares):
                watch.fail("weights are in range", f"{rollout.id} {target.name}: {shares}")


def no_weight_is_above_what_was_proven(watch: "Watch", step: "Step") -> None:
    for event in step.events:
        by = getattr(event, "by", "")
        if isinstance(event, e.StepEntered | e.BakeSkipped) and by:
            watch.lifted.add(event.rollout)
        if isinstance(event, e.GateApproved | e.WindowSkipped):
            continue
    for rollout in _rollouts(step):
        if rollout.id in watch.lifted:
            continue
        for target in rollout.targets:
            if target.wanted > target.proven:
                told = f"{rollout.id} {target.name}: {target.wanted} wanted, {target.proven} proven"
                watch.fail("no weight is above what was proven", told)


def only_proof_raises_what_is_proven(watch: "Watch", step: "Step") -> None:
    """What is proven rises with a step that passed, with the first one that is entered, or by a person."""
    old, new = step.old.live, step.new.live
    if old is None or new is None or old.id != new.id or old.id in watch.lifted:
        return
    passed = any(isinstance(event, e.StepPassed | e.StepEntered) for event in step.events)
    for target in new.targets:
        before = old.target(target.name)
        if before is not None and target.proven > before.proven and not passed:
            told = f"{new.id} {target.name}: {before.proven} to {target.proven} without a step that passed"
            watch.fail("only proof raises what is proven", told)


def only_healthy_advances(watch: "Watch", step: "Step") -> None:
    """A step that passed has been measured: each target gave a good window of its own since its bake began."""
    live = step.old.live
    for event in step.events:
        if not isinstance(event, e.StepPassed) or live is None or live.spec is None or live.returns:
            continue
        since = live.baking_since
        for target in live.spec.targets:
            good = watch.good_windows.get((target.resource.lower(), target.name))
            if good is None or (since is not None and good <= since):
                told = f"{live.id} step {event.step} passed; newest good window of {target.name}: {good}, bake: {since}"
                watch.fail("only healthy advances", told)


def steps_are_passed_one_by_one(watch: "Watch", step: "Step") -> None:
    live = step.old.live
    at = live.step if live is not None else -1
    rollout = live.id if live is not None else None
    for event in step.events:
        if isinstance(event, e.RolloutStarted):
            at, rollout = -1, event.rollout
        if isinstance(event, e.StepEntered):
            if event.rollout != rollout or (event.step != at + 1 and not event.by):
                watch.fail("steps are passed one by one", f"{event.rollout} entered {event.step} after {at}")
            at = event.step


def a_step_is_left_by_its_proof(watch: "Watch", step: "Step") -> None:
    live = step.old.live
    passed = {event.step for event in step.events if isinstance(event, e.StepPassed)}
    for event in step.events:
        if not isinstance(event, e.StepEntered) or event.by or event.step == 0 or live is None or live.returns:
            continue
        if live.id != event.rollout or live.step < 0 or live.step != event.step - 1:
            continue
        before = live.plan[live.step]
        if type(before).__name__ in ("Shift", "Promote") and live.step not in passed:
            watch.fail("a step is left by its proof", f"{live.id} left {live.step} for {event.step} unproven")
        if isinstance(before, AwaitApproval) and not live.approved:
            watch.fail("a step is left by its proof", f"{live.id} left the gate {before.gate.name} unapproved")


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
        if asked.kind != "HookReport" and not any(_speaks_of(event, each) for event in step.events for each in told):
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
        if not isinstance(event, e.RolloutEnded) or live is None or live.id != event.rollout or live.spec is None:
            continue
        if live.step < 0 or not live.has_acted:
            continue
        for target in live.targets:
            told = watch.world_of(live, target.name, event.ending.phase)
            if told:
                watch.fail("an end is true", f"{live.id} {event.ending.phase}: {told}")


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
        if share != event.share and not any(at is not None and now - at < STALE for at in moved):
            told = f"{live.id} {event.target}: {event.share} observed, {share} is there"
            watch.fail("what was observed was there", told)


COMMIT_LAWS: tuple[Callable[["Watch", "Step"], None], ...] = (
    a_commit_follows_the_one_before,
    history_has_no_gaps,
    weights_are_in_range,
    no_weight_is_above_what_was_proven,
    only_proof_raises_what_is_proven,
    only_healthy_advances,
    steps_are_passed_one_by_one,
    a_step_is_left_by_its_proof,
    a_pause_holds,
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
)


def what_is_due_is_looked_at_in_time(watch: "Watch", state: Application) -> None:
    """Once all is well, wake-ups come in time: the sweep is a net, and not how things go on."""
    due = next_look(state)
    if watch.calm_since is None or due is None or watch.world.time - watch.calm_since < SETTLED:
        return
    late = watch.world.time - due
    if late > LATE and due > watch.calm_since + SETTLED:
        watch.fail("what is due is looked at in time", f"{state.name} is looked at {late} late")


def open_work_is_marked(watch: "Watch", key: str) -> None:
    """Whatever has open work has a marker, so that the sweep finds it."""
    store = watch.world.store
    state = watch.state(key)
    if store.markers.find(key) is not None:
        return
    if store.rollouts.load(key).inbox:
        watch.fail("open work is marked", f"{key} has facts in its inbox and no marker")
    if state is not None and next_wake(state) is not None:
        watch.fail("open work is marked", f"{key} is to be looked at {next_wake(state)} and has no marker")


def share_was_decided(watch: "Watch", target: Target, share: Weight) -> None:
    """A router is told what is wanted, or what was wanted until a moment ago; never anything else."""
    if target.mover is None:
        return
    nothing_lands_after_an_end(watch, target, share)
    shares = {level.share for level in watch.levels_of(target, STALE)}
    if share not in shares:
        told = f"{target.mover.rollout} {target.name}: {share} was told, decided: {sorted(shares)}"
        watch.fail("a router is told only what was decided", told)


def nothing_lands_after_an_end(watch: "Watch", target: Target, share: Weight) -> None:
    """When a rollout has ended, no call that was begun for it sends anybody anywhere any more."""
    assert target.mover is not None
    ended = watch.over.get(target.mover.rollout)
    level = watch.levels.get((target.mover.rollout, target.name))
    if ended is None or ended == "refused" or not level or share == level[-1].share:
        return
    told = f"{target.mover.rollout} {ended}, and {target.name} is told {share} after that, not {level[-1].share}"
    watch.fail("nothing lands after an end", told)


def swap_was_decided(watch: "Watch", target: Target) -> None:
    """A swap brings to production what is wanted there, or was wanted until a moment ago."""
    site = watch.world.site
    comes = site.peek(target, Place.CANDIDATE)
    wanted = {level.production for level in watch.levels_of(target, STALE)}
    put_at = watch.put_at.get(target.resource.lower())
    if put_at is not None and watch.world.time - put_at < STALE:
        return
    if comes is not None and comes not in wanted:
        told = f"{target.mover and target.mover.rollout} {target.name}: {comes} would come, wanted: {wanted}"
        watch.fail("a swap brings what was decided", told)


def hook_is_called_once(watch: "Watch", args: Any, options: Any) -> None:
    """Where the other side knows no ids, a second call is made only by who says that the first may be there."""
    hook, call_id = args[0], args[1]
    watch.hooks_called[call_id] += 1
    if isinstance(hook, Webhook) or options.get("in_doubt_since") is not None:
        return
    if watch.hooks_called[call_id] > 1:
        watch.fail("a side that knows no ids is called once", call_id)


def no_message_is_swallowed(watch: "Watch") -> None:
    swallowed = watch.world.store.broker.swallowed
    if swallowed:
        watch.fail("no message is swallowed as a duplicate", swallowed[0])


def is_good(sample: Sample | Missing) -> bool:
    """Whether a window speaks for the candidate."""
    if not isinstance(sample, Sample) or not sample.requests >= 1:
        return False
    return 0 <= sample.failures <= ERRORS_AT_MOST * sample.requests


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


__all__ = ["COMMIT_LAWS", "LIFTING", "STALE", "Side"]
