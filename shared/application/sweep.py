"""The net below everything: what a crash left behind is found by its marker and woken."""

import logging
from dataclasses import dataclass

from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.open_markers import OpenMarkers

AT_ONCE = 500

log = logging.getLogger("slipway.sweep")


@dataclass(frozen=True, slots=True)
class Sweep:
    """Reads markers only, never the applications."""

    markers: OpenMarkers
    queue: CommandQueue
    clock: Clock

    def run(self) -> int:
        """Wake each application that should have moved by now; return how many."""
        overdue = self.markers.overdue(self.clock.now(), limit=AT_ONCE)
        for marker in overdue:
            self.queue.send(WakeUp(key=marker.key, fence="sweep", marker=marker.token))
        if overdue:
            log.info("woke %d applications whose time had passed", len(overdue))
        return len(overdue)
