"""The windows of what is pushed: opened by the first that is told of them, closed by the last, and kept.

Nothing hangs on the wake-ups sent here. Whoever reads the windows later works out again which of them are closed, so
a wake-up that was lost costs at most the time to the next one: each window has one of its own at its latest end.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.errors import SlipwayError
from shared.domain.names import application_key
from shared.domain.observations import (
    KEPT_WINDOWS,
    Observation,
    Spot,
    close_window,
    grace_ends,
    is_complete,
    lateness,
)
from shared.domain.rollout.measuring import ValueQuery
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.observations import ClosedWindows, Observations

SLACK = timedelta(seconds=1)
"""How long after the latest end of a window its application is woken: a clock a little behind sees it closed too."""
OVERDUE_WINDOWS = 3
"""So many windows before the newest are closed if nobody did, when a window is opened."""
SPARE_WINDOWS = 4
"""So many windows longer than they may be late, what was told is kept: the window after one needs its senders."""

FORGOTTEN_AT_LEAST = 300
"""So many old rows may be forgotten when a window is opened, and more where the newest windows have more."""

log = logging.getLogger("slipway.observed")


@dataclass(frozen=True, slots=True)
class ObservedPlace:
    """Where observations belong, and whether anybody waits for them."""

    spot: Spot
    values: tuple[ValueQuery, ...]
    is_watched: bool


@dataclass(frozen=True, slots=True)
class WindowKeeper:
    """Looks after the windows that something was told of."""

    observations: Observations
    windows: ClosedWindows
    queue: CommandQueue
    clock: Clock

    def see_to(self, place: ObservedPlace, starts: Sequence[datetime]) -> None:
        """Open the windows that nobody told of before, and close those that everybody has told of.

        Also for what was told before: the worker that stored it may have come no further.
        """
        if not starts:
            return
        length = place.spot.length
        told = self.observations.told(place.spot, starts[0] - length, starts[-1] + length)
        is_closed = False
        for start in starts:
            rows = _of(told.rows, start)
            if start not in told.opened and self.windows.open(place.spot, start):
                self._wake(place, at=grace_ends(start, length) + SLACK)
                self._keep_house(place, start)
            if is_complete(_of(told.rows, start - length), rows):
                is_closed |= self.windows.close(place.spot, close_window(start, length, rows, place.values))
        if is_closed:
            self._wake(place)

    def _keep_house(self, place: ObservedPlace, newest: datetime) -> None:
        """Close what is overdue, and forget what is old: once a window, however many senders there are.

        As much is forgotten as the last windows came to together, which is more than one window brings.
        """
        spot, now = place.spot, self.clock.now()
        since = newest - OVERDUE_WINDOWS * spot.length
        closed = {window.start for window in self.windows.closed(spot, since, newest)}
        rows = self.observations.told(spot, since, newest).rows
        for start in sorted({row.start for row in rows} - closed):
            if grace_ends(start, spot.length) <= now:
                self.windows.close(spot, close_window(start, spot.length, _of(rows, start), place.values))
        self.observations.prune(
            spot,
            told_before=now - lateness(spot.length) - SPARE_WINDOWS * spot.length,
            closed_before=now - KEPT_WINDOWS * spot.length,
            at_most=max(FORGOTTEN_AT_LEAST, len(rows)),
        )

    def _wake(self, place: ObservedPlace, at: datetime | None = None) -> None:
        """Wake the application, if there is anything to decide there. A queue that is unwell delays it only."""
        if not place.is_watched:
            return
        key = application_key(place.spot.application)
        try:
            self.queue.send(WakeUp(key=key, fence="", observed=True), at=at)
        except SlipwayError as error:
            log.warning("%s is not woken for a window, the next look sees it: %s", key, error)


def _of(rows: Iterable[Observation], start: datetime) -> list[Observation]:
    return [row for row in rows if row.start == start]
