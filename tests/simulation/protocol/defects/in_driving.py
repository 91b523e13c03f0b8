"""Mistakes in how a delivery drives an application: claims, answers, wake-ups and markers."""

from contextlib import AbstractContextManager, ExitStack
from typing import Any

from shared.application import drive
from shared.application.drive import Driver, _Delivery
from shared.application.perform import Performer
from shared.application.publish import ViewPublisher
from shared.application.sweep import Sweep
from shared.domain.errors import SlipwayError
from shared.domain.rollout.commands import EffectDone
from shared.domain.rollout.effects import SetWeight
from shared.domain.wake_up import WakeUp
from tests.simulation.protocol.defects.defect import defect
from tests.simulation.protocol.patching import replaced

Patched = AbstractContextManager[object]


def together(*patches: AbstractContextManager[object]) -> AbstractContextManager[object]:
    """Return one patch of several."""
    stack = ExitStack()
    for patch in patches:
        stack.enter_context(patch)
    return stack


@defect("inbox rows deleted early", "use cases", "all that waits is taken out with the first decision")
def _inbox_rows_deleted_early() -> Patched:
    real = Driver._commit

    def commit(self: Driver, current: Any, decision: Any, delivery: Any, consumed: Any) -> Any:
        return real(self, current, decision, delivery, current.inbox if consumed else ())

    return replaced(Driver, "_commit", commit)


@defect("effect before commit", "use cases", "a router is told before what it is told was decided for good")
def _effect_before_commit() -> Patched:
    real = Driver._commit

    def commit(self: Driver, current: Any, decision: Any, delivery: Any, consumed: Any) -> Any:
        live = decision.state.live
        for row in decision.opened:
            if isinstance(row.effect, SetWeight) and live is not None:
                target = live.target(row.effect.target)
                try:
                    self.performer.mover.router.set_share(live.at(row.effect.target), target.share())
                except SlipwayError:
                    continue
        return real(self, current, decision, delivery, consumed)

    return replaced(Driver, "_commit", commit)


@defect("row closed by another worker", "use cases", "an answer is taken in though somebody has taken the row over")
def _closed_by_another() -> Patched:
    def owns(self: _Delivery, row: Any) -> bool:
        return row.begun is not None and row.id in self.own

    def forget_lost(self: _Delivery, state: Any) -> None:
        """Keep them all."""

    return together(replaced(_Delivery, "owns", owns), replaced(_Delivery, "forget_lost", forget_lost))


@defect("lost lock handled twice", "use cases", "who gets a message again does what the first one is doing, unclaimed")
def _handled_twice() -> Patched:
    def owns(self: _Delivery, row: Any) -> bool:
        return row.begun is not None and (self.redelivered or self.own.get(row.id) == row.begun)

    return replaced(_Delivery, "owns", owns)


@defect("row closed without doing it", "use cases", "a row that another worker began is closed when it is found")
def _closed_without_doing() -> Patched:
    real = drive._next

    def following(current: Any, delivery: Any, now: Any) -> Any:
        found = real(current, delivery, now)
        if found is not None and type(found.command).__name__ == "ClaimEffect":
            return drive._Next(EffectDone(found.command.effect))
        return found

    return replaced(drive, "_next", following)


@defect("marker closed before the last work", "use cases", "the sweep's marker is closed while a wake-up is expected")
def _marker_closed_early() -> Patched:
    def tidy(self: Driver, current: Any, delivery: Any) -> None:
        if delivery.wake_up.marker:
            self.markers.close(current.key, delivery.wake_up.marker)

    return replaced(Driver, "_tidy", tidy)


@defect("marker never closed", "use cases", "the sweep wakes an application for ever")
def _marker_never_closed() -> Patched:
    def tidy(self: Driver, current: Any, delivery: Any) -> None:
        """Leave it open."""

    return replaced(Driver, "_tidy", tidy)


@defect("wake-up not scheduled", "use cases", "the next look is left to the sweep")
def _wake_up_not_scheduled() -> Patched:
    def schedule(self: Driver, key: str, outstanding: Any) -> None:
        """Send nothing."""

    return replaced(Driver, "_schedule", schedule)


@defect("early wake-up dropped", "use cases", "a wake-up that finds nothing due is not followed by another one")
def _early_wake_up_dropped() -> Patched:
    def planned(outstanding: Any, wake_at: Any, fence: str) -> Any:
        return (outstanding, None) if outstanding else real(outstanding, wake_at, fence)

    real = drive.planned
    keep_all = replaced(drive, "without", lambda outstanding, fence, now: outstanding)
    return together(replaced(drive, "planned", planned), keep_all)


@defect("wake-ups without end", "use cases", "each delivery schedules another wake-up, whatever is outstanding")
def _wake_ups_without_end() -> Patched:
    def planned(outstanding: Any, wake_at: Any, fence: str) -> Any:
        if wake_at is None:
            return outstanding, None
        new = drive.Alarm(fence, wake_at)
        return (*outstanding, new), new

    return replaced(drive, "planned", planned)


@defect("a clock behind goes round in circles", "use cases", "a wake-up that came early is sent for the same moment")
def _circles() -> Patched:
    return replaced(drive, "at_proven_time", lambda clock, outstanding, fence: clock)


@defect("the sweep forgets the marker", "use cases", "a wake-up of the sweep does not say which marker it is for")
def _sweep_forgets_the_marker() -> Patched:
    def run(self: Sweep) -> int:
        overdue = self.markers.overdue(self.clock.now(), limit=500)
        for marker in overdue:
            self.queue.send(WakeUp(key=marker.key, fence="sweep"))
        return len(overdue)

    return replaced(Sweep, "run", run)


@defect("lists not brought up to date", "use cases", "the line of an application is not written when it has ended")
def _lists_not_brought_up() -> Patched:
    real = ViewPublisher.publish

    def publish(self: ViewPublisher, aggregate: Any) -> None:
        if aggregate.application.live is not None:
            real(self, aggregate)

    return replaced(ViewPublisher, "publish", publish)


@defect("notification given up at once", "use cases", "a webhook that refuses a message once is never told")
def _notification_given_up() -> Patched:
    real = Performer._notify

    def notify(self: Performer, row: Any, effect: Any) -> Any:
        real(self, row, effect)
        return EffectDone(row.id)

    return replaced(Performer, "_notify", notify)
