"""The laws that calls keep, and what the application is told at them; those of commits are in `laws`."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.domain.analysis.measurement import Missing, Sample
from shared.domain.rollout.hooks import Webhook
from shared.domain.rollout.on_tick import next_look, next_wake
from shared.domain.rollout.spec import Place, Target
from shared.domain.rollout.state import Application
from shared.domain.rollout.weight import NONE, Weight

if TYPE_CHECKING:
    from tests.simulation.protocol.watch import Watch

STALE = timedelta(seconds=40)
"""So long after a level was changed a call that was begun for it may still land: the longest call, and clocks that
differ."""
STALE_CALL = timedelta(seconds=35)
"""So long after a row was begun everybody believes that its call has landed."""
SETTLED = timedelta(minutes=7)
"""So long after the last fault nothing of it is left: what a lost message was to wake has been swept up."""
LATE = timedelta(minutes=2)


def what_is_due_is_looked_at_in_time(watch: "Watch", state: Application) -> None:
    """Once all is well, wake-ups come in time: the sweep is a net, and not how things go on."""
    due = next_look(state)
    if watch.calm_since is None or due is None or watch.world.time - watch.calm_since < SETTLED:
        return
    late = watch.world.time - due
    delays = [fault.seconds for fault in watch.world.schedule.faults if fault.kind == "delay"]
    if late > LATE + timedelta(seconds=max(delays, default=0.0)) and due > watch.calm_since + SETTLED:
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
    if share > watch.shares.get(target.resource.lower(), NONE):
        only_what_is_ready_gets_users(watch, target)
    watch.shares[target.resource.lower()] = share
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


def only_what_is_ready_gets_users(watch: "Watch", target: Target) -> None:
    """Where users are sent to, a version of this rollout serves, and is well: it was looked at just before."""
    assert target.mover is not None
    if not target.kind.holds_versions:
        return
    resource, site = target.resource.lower(), watch.world.site
    changed = (watch.put_at.get(resource), watch.behaved_at.get(resource))
    if any(at is not None and watch.world.time - at < STALE for at in changed):
        return
    serves, health = site.peek(target, Place.CANDIDATE), site.read_health(target, Place.CANDIDATE)
    versions = {target.mover.version, *(level.stable for level in watch.levels_of(target, STALE))}
    if serves not in versions:
        told = f"{target.mover.rollout} {target.name}: {serves} serves where users are sent to"
        watch.fail("only what is ready gets users", told)
    if not health.healthy:
        watch.fail("only what is ready gets users", f"{target.mover.rollout} {target.name}: {health.detail}")


def swap_was_decided(watch: "Watch", target: Target) -> None:
    """A swap brings to production what is wanted there, or was wanted until a moment ago."""
    site = watch.world.site
    comes = site.peek(target, Place.CANDIDATE)
    wanted = {level.production for level in watch.levels_of(target, STALE)}
    put_at = watch.put_at.get(target.resource.lower())
    if put_at is not None and watch.world.time - put_at < STALE:
        return
    if target.mover is not None and comes == target.mover.version:
        only_what_is_ready_gets_users(watch, target)
    if comes is not None and comes not in wanted:
        told = f"{target.mover and target.mover.rollout} {target.name}: {comes} would come, wanted: {wanted}"
        watch.fail("a swap brings what was decided", told)


def hook_is_called_once(watch: "Watch", args: Any, options: Any) -> None:
    """Where the other side knows no ids, a second call is made only by who says that the first may be there."""
    hook, call_id = args[0], args[1]
    if isinstance(hook, Webhook) or options.get("in_doubt_since") is not None:
        return  # in doubt, it is only looked at
    watch.hooks_called[call_id] += 1
    if watch.hooks_called[call_id] > 1:
        watch.fail("a side that knows no ids is called once", call_id)


def no_message_is_swallowed(watch: "Watch") -> None:
    swallowed = watch.world.store.broker.swallowed
    if swallowed:
        watch.fail("no message is swallowed as a duplicate", swallowed[0])


def says_something(sample: Sample | Missing) -> bool:
    """Whether users are measured in a window at all."""
    return isinstance(sample, Sample) and sample.requests >= 1 and sample.failures >= 0
