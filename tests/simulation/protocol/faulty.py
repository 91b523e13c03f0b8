"""Faults as they meet a port call: refused, lost, late, lied about, and workers that stall or die there."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError, UnansweredError, VersionConflictError
from tests.simulation.protocol.faults import UNANSWERED, Weather
from tests.simulation.protocol.schedule import Fault, Move
from tests.simulation.protocol.tasks import KilledError, Task

if TYPE_CHECKING:
    from tests.simulation.protocol.world import World


class Faulty:
    """Lets the faults of a schedule happen."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.weather = Weather.of(world.schedule.faults)
        self._switches = frozenset(world.schedule.switches)
        self._moves_at: dict[int, list[Move]] = {}
        self._moves_before: dict[str, list[Move]] = {}
        for move in world.schedule.moves:
            if move.before:
                self._moves_before.setdefault(move.before, []).append(move)
            elif move.call is not None:
                self._moves_at.setdefault(move.call, []).append(move)

    def at(self, call: int, method: str) -> tuple[list[Fault], bool]:
        """Return what this port call meets, and whether somebody else has a turn before it.

        Who asks for something just then, asks.
        """
        count, faults = self.weather.next(method)
        moves = self._moves_at.get(call, [])
        if self._moves_before:
            moves = [*moves, *self._moves_before.get(f"{method} {count}", ())]
        for move in moves:
            self._world.moves.make(move)
        return faults, bool(moves) or call in self._switches

    def meet(
        self, task: Task, faults: list[Fault], method: str, do: Callable[..., Any], args: Any, options: Any
    ) -> Any:
        """Carry out the call as the first fault has it, the others around it."""
        fault, *others = faults
        self._world.note("fault", f"{task.name}: {fault}")

        def carry_out() -> Any:
            if others:
                return self.meet(task, others, method, do, args, options)
            return self._world.carry_out(task, method, do, args, options)

        call = _Call(task, fault, method, do, args, options, carry_out)
        meet: Callable[[_Call], Any] = getattr(self, "_" + fault.kind.replace(" ", "_"))
        return meet(call)

    def _happens(self, call: "_Call", kind: str = "") -> None:
        """Count the fault: it has its effect now, and not each one has that comes up."""
        self._world.watch.met(call.task, replace(call.fault, kind=kind or call.fault.kind))

    def _crash_before(self, call: "_Call") -> Any:
        self._happens(call)
        self._world.crashing = call.task.worker
        raise KilledError(call.task.name)

    def _crash_after(self, call: "_Call") -> Any:
        call.carry_out()
        return self._crash_before(call)

    def _stall_before(self, call: "_Call") -> Any:
        self._stall(call, is_before=True)
        return call.carry_out()

    def _stall_after(self, call: "_Call") -> Any:
        result = call.carry_out()
        self._stall(call)
        return result

    def _freeze_before(self, call: "_Call") -> Any:
        self._stall(call, is_before=True, frozen=True)
        return call.carry_out()

    def _freeze_after(self, call: "_Call") -> Any:
        result = call.carry_out()
        self._stall(call, frozen=True)
        return result

    def _stall(self, call: "_Call", *, is_before: bool = False, frozen: bool = False) -> None:
        """Stand still; before a call that changes what users meet no longer than such a call may take."""
        seconds = self._at_most(call) if is_before else call.fault.seconds
        until, delivery = self._world.time + timedelta(seconds=seconds), call.task.delivery
        if seconds > 0:
            loses_lock = delivery is not None and delivery.locked_until <= until
            self._happens(call, "" if loses_lock else call.fault.kind.replace("freeze", "stall"))
        self._world.tasks.stall(until, frozen=frozen)

    def _lose_lock(self, call: "_Call") -> Any:
        """The link breaks: the message comes again at once, and this delivery of it goes on all the same."""
        delivery = call.task.delivery
        if delivery is not None and delivery.session_id is not None:
            broker, session = self._world.store.broker, delivery.session_id
            if any(message.session == session and message.lock_token for message in broker.messages(delivery.queue)):
                self._happens(call)
            broker.drop_session(delivery.queue, session)
            self._world.deliver()
            self._world.tasks.give_way()
        return call.carry_out()

    def _refuse(self, call: "_Call") -> Any:
        self._happens(call)
        raise TryLaterError("503")

    def _lose_answer(self, call: "_Call") -> Any:
        call.carry_out()
        self._happens(call)
        raise UnansweredError("no answer") if call.method in UNANSWERED else TryLaterError("no answer")

    def _unanswered(self, call: "_Call") -> Any:
        self._happens(call)
        raise UnansweredError("no answer")

    def _late(self, call: "_Call") -> Any:
        """Nobody hears of it, and it is done a little later all the same."""

        def land() -> None:
            try:
                call.do(*call.args)
            except SlipwayError as error:
                self._world.note("late", f"{call.method} came to nothing: {error}")
                return
            self._world.note("late", f"{call.method} lands")
            seen = self._world.watch.seen.get(call.method)
            if seen is not None:
                seen(call.task, call.args, {}, None)

        self._happens(call)
        self._world.land(self._at_most(call), land)
        raise UnansweredError("no answer")

    def _at_most(self, call: "_Call") -> float:
        """Return the seconds of the fault, or those that are left for the call to land in."""
        lands_by = call.task.lands_by
        left = (lands_by - self._world.time).total_seconds() if lands_by is not None else math.inf
        return min(call.fault.seconds, max(left, 0.0))

    def _lie(self, call: "_Call") -> Any:
        """Say that it was done."""
        self._happens(call)
        if call.method == "notifier.notify":
            self._world.watch.notified.add(call.args[1])
        return "swap-of-nothing" if call.method == "promoter.begin_swap" else None

    def _reject(self, call: "_Call") -> Any:
        self._happens(call)
        raise RejectedError("AuthorizationFailed")

    def _conflict(self, call: "_Call") -> Any:
        self._happens(call)
        raise VersionConflictError("somebody else was first")

    def _duplicate(self, call: "_Call") -> Any:
        call.carry_out()
        self._happens(call)
        return call.carry_out()

    def _delay(self, call: "_Call") -> Any:
        """The broker hands it out later than it was asked to."""
        self._happens(call)
        asked = call.options.get("at") or self._world.time
        call.do(*call.args, at=asked + timedelta(seconds=call.fault.seconds))

    def _no_data(self, call: "_Call") -> Any:
        return self._windows_with(Missing(Lack.NO_DATA, "no value"), call)

    def _broken_data(self, call: "_Call") -> Any:
        return self._windows_with(Sample(requests=1_000, failures=math.nan), call)

    def _windows_with(self, candidate: Missing | Sample, call: "_Call") -> tuple[Window, ...]:
        windows: tuple[Window, ...] = call.do(*call.args, **call.options)
        if windows:
            self._happens(call)
        return tuple(replace(window, candidate=candidate) for window in windows)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call that meets a fault."""

    task: Task
    fault: Fault
    method: str
    do: Callable[..., Any]
    args: Any
    options: Any
    carry_out: Callable[[], Any]
    """Does it after all, with whatever else it meets."""
