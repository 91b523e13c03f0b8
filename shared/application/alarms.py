"""Which scheduled wake-ups an aggregate has outstanding: one that comes early enough, seldom two, never many."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.ports.clock import Clock
from shared.wire.alarms import Alarm

LOST_AFTER = timedelta(minutes=1)
"""A wake-up that is this late is not coming any more."""
OUTSTANDING = 2
AHEAD_AT_MOST = timedelta(seconds=30)
"""Clocks that differ by more are not believed."""


def without(alarms: tuple[Alarm, ...], fence: str, now: datetime) -> tuple[Alarm, ...]:
    """Return what is still outstanding after the wake-up with this fence came."""
    return tuple(alarm for alarm in alarms if alarm.fence != fence and alarm.at > now - LOST_AFTER)


@dataclass(frozen=True, slots=True)
class _ClockAhead:
    """Somebody's clock, and how far the broker's is ahead of it."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.by


def at_proven_time(clock: Clock, alarms: tuple[Alarm, ...], fence: str) -> Clock:
    """Return the clock to handle this wake-up by: at least the time that it was scheduled for, since it came.

    A worker whose clock is behind the broker's would find nothing due, send it again for the same moment, get it again
    at once, and so on until its own clock gets there.
    """
    now = clock.now()
    early = max((alarm.at - now for alarm in alarms if alarm.fence == fence), default=timedelta(0))
    return _ClockAhead(clock, early) if timedelta(0) < early <= AHEAD_AT_MOST else clock


def planned(alarms: tuple[Alarm, ...], wake_at: datetime | None, fence: str) -> tuple[tuple[Alarm, ...], Alarm | None]:
    """Return the alarms that should be outstanding, and the new one to send, if any.

    A wake-up that comes earlier than `wake_at` is enough: it will be scheduled again when it comes.
    """
    if wake_at is None or any(alarm.at <= wake_at for alarm in alarms):
        return alarms, None
    new = Alarm(fence, wake_at)
    kept = sorted((*alarms, new), key=lambda alarm: alarm.at)[:OUTSTANDING]
    return tuple(kept), new
