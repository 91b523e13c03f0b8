"""What wakes a flag or a segment: a scheduled change whose time has come, and what a crash left open."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.application.alarms import at_proven_time, planned, without
from shared.application.door import MARKER_GRACE
from shared.application.flag_aggregates import SEGMENTS, FlagAggregate, commit_flag
from shared.application.flag_distribute import FlagDistributor
from shared.application.flag_publish import SnapshotPublisher
from shared.application.flag_turns import Turns
from shared.application.flags import FlagRules
from shared.domain.errors import TryLaterError, VersionConflictError
from shared.domain.flags.managing.commands import Lapse
from shared.domain.flags.managing.decide import FlagDecision, next_change, next_look
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import RolloutStore

STEPS_AT_MOST = 20
"""So often a delivery decides, publishes, and looks again; and so often others may be faster."""
AHEAD_AT_MOST = timedelta(days=30)
"""A wake-up is not scheduled further ahead: an earlier one is scheduled again."""

log = logging.getLogger("slipway.flags")


@dataclass(frozen=True, slots=True)
class FlagDriver:
    """Handles wake-ups. Safe to run twice at once for one flag: the second to commit decides again."""

    store: RolloutStore
    queue: CommandQueue
    markers: OpenMarkers
    rules: FlagRules
    publisher: SnapshotPublisher
    distributor: FlagDistributor
    turns: Turns
    clock: Clock

    def drive(self, wake_up: WakeUp, *, redelivered: bool = False) -> None:
        """Do what is due, bring what is served up to it, and see to the next wake-up.

        Raises `TryLaterError` when store or queue are unwell: nothing is lost, deliver it again.
        """
        if wake_up.key.startswith(SEGMENTS):
            self.publisher.bring_up_segment(wake_up.key)
            self._close(wake_up)
            return
        for _ in range(STEPS_AT_MOST):
            try:
                current = self.publisher.bring_up_flag(wake_up.key)
                if current is None:
                    self._close(wake_up)
                    return
                self._at_its_time(current, wake_up)._go_on(current, wake_up, redelivered=redelivered)
            except VersionConflictError:
                continue
            return
        raise TryLaterError(f"{wake_up.key} is changing too fast to be looked at now", after_seconds=1)

    def _at_its_time(self, current: FlagAggregate, wake_up: WakeUp) -> "FlagDriver":
        """Return what handles the wake-up by the time that it was scheduled for."""
        clock = at_proven_time(self.clock, current.envelope.alarms, wake_up.fence)
        rules, distributor = replace(self.rules, clock=clock), replace(self.distributor, clock=clock)
        return replace(self, clock=clock, rules=rules, distributor=distributor)

    def _go_on(self, current: FlagAggregate, wake_up: WakeUp, *, redelivered: bool) -> None:
        """Do what is due with a flag that is served as it is."""
        current = self.distributor.bring_up(self._changed(current, wake_up))
        self._answer_sweep(self._with_alarms(current, wake_up, redelivered=redelivered), wake_up)

    def _changed(self, current: FlagAggregate, wake_up: WakeUp) -> FlagAggregate:
        """Make the changes whose time has come and publish; return the flag with nothing left to do."""
        change = next_change(current.state)
        if change is None or change > self.clock.now():
            return current
        among = self.rules.among(current.environment, Lapse())
        decision = self.rules.decide(current, Lapse(), among)
        alarms = without(current.envelope.alarms, wake_up.fence, self.clock.now())
        with self.turns.turn_of_flag(current, decision, among.head if among is not None else None):
            commit_flag(self.store, current, decision, alarms=alarms)
        for event in decision.events:
            log.info("%s %s", type(event).__name__, wake_up.key)
        return self.publisher.bring_up_flag(wake_up.key) or current

    def _with_alarms(self, current: FlagAggregate, wake_up: WakeUp, *, redelivered: bool) -> FlagAggregate:
        """See to the next wake-up: what is outstanding is committed first, and sent after that."""
        now = self.clock.now()
        before = without(current.envelope.alarms, wake_up.fence, now)
        look = next_look(current.state)
        wake_at = min(look, now + AHEAD_AT_MOST) if look is not None else None
        alarms, new = planned(before, wake_at, f"{current.envelope.version + 1}")
        if alarms != current.envelope.alarms:
            current = commit_flag(self.store, current, FlagDecision(state=current.state), alarms=alarms)
        for alarm in alarms if redelivered else (new,) if new else ():
            self.queue.send(WakeUp(key=current.key, fence=alarm.fence), at=alarm.at)
        return current

    def _answer_sweep(self, current: FlagAggregate, wake_up: WakeUp) -> None:
        """Say until when this flag need not be looked at, or that nothing of it is open."""
        look = next_look(current.state)
        if wake_up.marker and look is not None:
            self.markers.put_off(current.key, wake_up.marker, max(look, self.clock.now()) + MARKER_GRACE)
        else:
            self._close(wake_up)

    def _close(self, wake_up: WakeUp) -> None:
        if wake_up.marker:
            self.markers.close(wake_up.key, wake_up.marker)
