"""One delivery drives a release as far as it can go without waiting, then schedules the next look and sleeps."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from shared.application import release_aggregate
from shared.application.alarms import at_proven_time, planned, without
from shared.application.door import MARKER_GRACE
from shared.application.release_aggregate import ReleaseAggregate
from shared.application.release_commands import MemberCommander
from shared.application.release_list import ReleaseList
from shared.application.release_tidings import ReleaseTeller
from shared.domain.errors import VersionConflictError
from shared.domain.releases.commands import Lapse, ReleaseCommand, RowDone
from shared.domain.releases.decide import ReleaseDecision, decide, next_look
from shared.domain.releases.state import OpenCommand, OpenListing, OpenRow, OpenTiding, Release
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import InboxEntry, RolloutStore
from shared.wire.release_documents import read_release_command

STEPS_AT_MOST = 60
CONFLICTS_AT_MOST = 20
BUDGET = timedelta(seconds=20)
"""No new step is begun in one delivery after this; the rest follows by a wake-up of its own."""

log = logging.getLogger("slipway.drive")


@dataclass(frozen=True, slots=True)
class ReleaseDriver:
    """Handles wake-ups. Safe to run twice at once for one release: the second to commit decides again.

    Nobody claims an outbox row: handing a command over twice is handing it over once.
    """

    store: RolloutStore
    queue: CommandQueue
    markers: OpenMarkers
    commander: MemberCommander
    teller: ReleaseTeller
    listing: ReleaseList
    clock: Clock

    def drive(self, wake_up: WakeUp, *, redelivered: bool = False) -> None:
        """Decide and hand over all that is due.

        `redelivered` says that an earlier delivery of this message did not end well: what it may not have scheduled
        is scheduled again. Raises `TryLaterError` when store or queue are unwell: nothing is lost, deliver it again.
        """
        current = release_aggregate.load(self.store, wake_up.key)
        clock = at_proven_time(self.clock, current.envelope.alarms, wake_up.fence)
        replace(self, clock=clock)._go_on(current, wake_up, redelivered=redelivered)

    def _go_on(self, current: ReleaseAggregate, wake_up: WakeUp, *, redelivered: bool) -> None:
        """Drive it from here as far as it goes now."""
        began, conflicts = self.clock.now(), 0
        for _ in range(STEPS_AT_MOST):
            if self.clock.now() - began > BUDGET:
                break
            try:
                after = self._step(current, wake_up)
                if after is None and self._rest(current, wake_up, redelivered=redelivered):
                    return
                current = after or release_aggregate.load(self.store, wake_up.key)
            except VersionConflictError:
                conflicts += 1
                if conflicts > CONFLICTS_AT_MOST:
                    raise
                current = release_aggregate.load(self.store, wake_up.key)
        self.queue.send(WakeUp(key=wake_up.key, fence=""))

    def _step(self, current: ReleaseAggregate, wake_up: WakeUp) -> ReleaseAggregate | None:
        """Decide the next thing: what was accepted, then time, then what is to be done outside; None: nothing."""
        release, look = current.release, next_look(current.release)
        if current.inbox:
            entry = current.inbox[0]
            return self._decide(current, read_release_command(entry.document), wake_up, (entry,))
        if look is not None and look <= self.clock.now():
            return self._decide(current, Lapse(), wake_up)
        if release.rows:
            return self._decide(current, self._perform(current, release.rows[0]), wake_up)
        return None

    def _perform(self, current: ReleaseAggregate, row: OpenRow) -> ReleaseCommand:
        """Do what a row asks for. Raises `TryLaterError` when the store is unwell: the row stays open."""
        match row:
            case OpenCommand():
                return self.commander.give(current.key, row)
            case OpenTiding():
                return self.teller.tell(current.key, row)
            case OpenListing():
                self.listing.publish(current)
                return RowDone(row.id)
            case _:
                assert_never(row)

    def _decide(
        self,
        current: ReleaseAggregate,
        command: ReleaseCommand,
        wake_up: WakeUp,
        consumed: tuple[InboxEntry, ...] = (),
    ) -> ReleaseAggregate:
        now = self.clock.now()
        decision = decide(current.release, command, now=now)
        alarms = without(current.envelope.alarms, wake_up.fence, now)
        for event in decision.events:
            log.info("%s %s", type(event).__name__, current.key)
        return release_aggregate.commit(self.store, current, decision, alarms=alarms, consumed=consumed, now=now)

    def _rest(self, current: ReleaseAggregate, wake_up: WakeUp, *, redelivered: bool) -> bool:
        """See to the next wake-up; return False when something was accepted meanwhile."""
        now = self.clock.now()
        before = without(current.envelope.alarms, wake_up.fence, now)
        alarms, new = planned(before, next_look(current.release), f"{current.envelope.version + 1}")
        if alarms != current.envelope.alarms:
            decision = ReleaseDecision(state=current.release)
            current = release_aggregate.commit(self.store, current, decision, alarms=alarms, now=now)
        for alarm in alarms if redelivered else (new,) if new else ():
            self.queue.send(WakeUp(key=current.key, fence=alarm.fence), at=alarm.at)
        latest = release_aggregate.load(self.store, current.key)
        if latest.inbox:
            return False
        if wake_up.marker:
            self._answer_sweep(latest.key, wake_up.marker, latest.release)
        return True

    def _answer_sweep(self, key: str, marker: str, release: Release) -> None:
        """Say until when this release need not be looked at, or that it has no open work."""
        look = self.clock.now() if release.rows else next_look(release)
        if look is None:
            self.markers.close(key, marker)
        else:
            self.markers.put_off(key, marker, max(look, self.clock.now()) + MARKER_GRACE)
