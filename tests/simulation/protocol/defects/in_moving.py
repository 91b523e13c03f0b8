"""Mistakes in moving traffic and calling hooks: what is checked before a call, and what is believed after it."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

from shared.application import aggregate as aggregates
from shared.application import move_target, perform
from shared.application.landing import begin_in_time, call_that_may_land, failure
from shared.application.move_target import Level, TargetMover
from shared.application.perform import Performer
from shared.domain.errors import SlipwayError
from shared.domain.rollout.commands import HookAnswered, SwapWasBegun
from shared.wire.hook_calls import hook_body
from tests.simulation.protocol.defects.defect import defect
from tests.simulation.protocol.defects.in_driving import together
from tests.simulation.protocol.patching import replaced

Patched = AbstractContextManager[object]


@defect("swap sent twice", "use cases", "a swap is begun without a look at what production serves by now")
def _swap_sent_twice() -> Patched:
    def swap(self: TargetMover, row: Any, level: Level) -> Any:
        begin_in_time(row, self.clock.now())
        with call_that_may_land():
            return SwapWasBegun(row.id, level.state.generation, self.promoter.begin_swap(level.target))

    return replaced(TargetMover, "_swap", swap)


@defect(
    "level kept in memory", "use cases", "what should be is first read from a cache of minutes, then from the store"
)
def _level_kept() -> Patched:
    real: Any = TargetMover._until_in_force
    kept: dict[Any, Any] = {}

    def until_in_force(self: TargetMover, key: str, row: Any, effect: Any, bring: Any, count: Any) -> Any:
        at, now = (id(self), key, effect.rollout, effect.target), self.clock.now()
        if at not in kept or now - kept[at][0] > timedelta(minutes=5):
            kept[at] = (now, self._level(key, effect.rollout, effect.target), self)
        level = kept[at][1]
        if level is not None:
            try:
                bring(level)
            except SlipwayError as error:
                return failure(row, error)
        return real(self, key, row, effect, bring, count)

    return replaced(TargetMover, "_until_in_force", until_in_force)


@defect("router believed", "use cases", "the share that was asked for is taken for the share that is in force")
def _router_believed() -> Patched:
    def bring(self: TargetMover, row: Any, level: Level) -> Any:
        wanted = level.state.share()
        begin_in_time(row, self.clock.now())
        with call_that_may_land():
            self.router.set_share(level.target, wanted)
        return wanted

    return replaced(TargetMover, "_bring_share", bring)


@defect("calls begun too late", "use cases", "a call is made however long ago its row was begun")
def _begun_too_late() -> Patched:
    def begin(row: Any, now: Any) -> None:
        """There is always time."""

    return together(replaced(move_target, "begin_in_time", begin), replaced(perform, "begin_in_time", begin))


@defect("doubt forgotten", "use cases", "a call without an answer is taken for one that was not made")
def _doubt_forgotten() -> Patched:
    none = nullcontext
    return together(replaced(move_target, "call_that_may_land", none), replaced(perform, "call_that_may_land", none))


@defect("hook called again by guess", "use cases", "a workflow of which nobody heard is dispatched once more")
def _hook_called_by_guess() -> Patched:
    def call_hook(self: Performer, key: str, row: Any, effect: Any) -> Any:
        state = aggregates.load(self.store, key).application
        run = state.call(effect.call_id)
        if run is None or run.is_over or run.token is not None:
            return perform.EffectDone(row.id)
        try:
            started = self.hooks.call(run.hook.call, run.call_id, hook_body(state.name, run, self.address))
        except SlipwayError as error:
            return failure(row, error)
        return HookAnswered(row.id, started.token, started.status)

    return replaced(Performer, "_call_hook", call_hook)
