"""Which scheduled wake-ups an aggregate has outstanding: one that comes early enough, seldom two, never many."""

from datetime import datetime, timedelta

from shared.wire.alarms import Alarm

LOST_AFTER = timedelta(minutes=1)
"""A wake-up that is this late is not coming any more."""
OUTSTANDING = 2


def without(alarms: tuple[Alarm, ...], fence: str, now: datetime) -> tuple[Alarm, ...]:
    """Return what is still outstanding after the wake-up with this fence came."""
    return tuple(alarm for alarm in alarms if alarm.fence != fence and alarm.at > now - LOST_AFTER)


def planned(alarms: tuple[Alarm, ...], wake_at: datetime | None, fence: str) -> tuple[tuple[Alarm, ...], Alarm | None]:
    """Return the alarms that should be outstanding, and the new one to send, if any.

    A wake-up that comes earlier than `wake_at` is enough: it will be scheduled again when it comes.
    """
    if wake_at is None or any(alarm.at <= wake_at for alarm in alarms):
        return alarms, None
    new = Alarm(fence, wake_at)
    kept = sorted((*alarms, new), key=lambda alarm: alarm.at)[:OUTSTANDING]
    return tuple(kept), new
