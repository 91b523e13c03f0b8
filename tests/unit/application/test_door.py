"""The one way into an inbox: what is stored there is marked, however long that took."""

from datetime import timedelta

import pytest

from shared.adapters.memory.open_markers import MemoryOpenMarkers
from shared.adapters.memory.rollout_store import MemoryRolloutStore
from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.command_queue import SqliteCommandQueue
from shared.application.door import MARKER_GRACE, Door
from tests.scenario.world import VirtualClock

KEY = "application:shop"


class SlowStore(MemoryRolloutStore):
    """Takes its time to accept a fact; meanwhile the sweep closes the marker, if it is due: there is nothing to do."""

    def __init__(self, clock, markers, takes):
        super().__init__(now=clock.now)
        self.clock, self.markers, self.takes = clock, markers, takes

    def accept(self, *asked):
        self.clock.time += self.takes
        for marker in self.markers.overdue(self.clock.now(), limit=1):
            self.markers.close(marker.key, marker.token)
        return super().accept(*asked)


@pytest.mark.parametrize("takes", [timedelta(0), MARKER_GRACE / 2, MARKER_GRACE, 3 * MARKER_GRACE])
def test_what_is_stored_is_marked_however_long_it_took_to_store_it(tmp_path, takes):
    clock, markers = VirtualClock(), MemoryOpenMarkers()
    queue = SqliteCommandQueue(SqliteBroker(tmp_path / "queue.db", now=clock.now), "slipway-commands")
    door = Door(SlowStore(clock, markers, takes), markers, queue, clock)

    assert door.accept(KEY, "c1", "{}", "answer").first
    assert markers.find(KEY) is not None
    assert markers.find(KEY).due <= clock.now() + MARKER_GRACE
