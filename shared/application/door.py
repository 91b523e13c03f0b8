"""The one way into an inbox: marked open, stored once, then woken."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.errors import SlipwayError
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import InboxEntry, Receipt, RolloutStore

MARKER_GRACE = timedelta(minutes=5)
"""How long after it should have moved an aggregate is looked at by the sweep. Longer than any handler may run
(`functionTimeout`), so that no marker is closed between the moment it is opened and its fact is stored."""

log = logging.getLogger("slipway.accept")


@dataclass(frozen=True, slots=True)
class Door:
    """Takes facts in. Raises `TryLaterError` when the store is unwell: nothing was accepted."""

    store: RolloutStore
    markers: OpenMarkers
    queue: CommandQueue
    clock: Clock

    def accept(self, key: str, command_id: str, document: str, answer: str) -> Receipt:
        """Mark the aggregate open, store the fact, wake the aggregate; return what was answered first."""
        now = self.clock.now()
        self.markers.open(key, now + MARKER_GRACE)
        receipt = self.store.accept(key, command_id, answer, InboxEntry(command_id, document, now))
        if self.clock.now() - now > MARKER_GRACE / 2:
            # Whoever swept meanwhile found nothing, and may have closed it.
            self.markers.open(key, self.clock.now() + MARKER_GRACE)
        self.wake(key)
        return receipt

    def shut(self, key: str, command_id: str, answer: str) -> bool:
        """See to it that this fact is never taken in; return whether it had not been before."""
        return self.store.accept(key, command_id, answer, None).first

    def wake(self, key: str) -> None:
        """Wake the aggregate. A queue that is unwell delays it and loses nothing: the sweep finds the marker."""
        try:
            self.queue.send(WakeUp(key=key, fence=""))
        except SlipwayError as error:
            log.warning("%s is not woken at once, the sweep will: %s", key, error)
