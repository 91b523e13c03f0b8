"""The times that rules speak of: how long, how often, and when there is something new to see."""

from datetime import UTC, datetime, timedelta

from shared.domain.rollout.measuring import Measuring

CALL_LIMIT = timedelta(seconds=35)
"""No call that a worker begins can land later than this: handlers end after 30 s, their calls before."""
FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=1)
PREFLIGHT_LOOK = timedelta(seconds=5)
CHECK_AT_MOST_EVERY = timedelta(seconds=15)
"""News is judged when it comes; versions and shares are read for it at most so often, or once a window."""
HELD_LOOK = timedelta(minutes=1)
"""What does not come on by itself, or has not for a long time, is looked at so often."""
CALENDAR_LOOK = timedelta(minutes=15)
"""What a release window holds asks the calendar again so often: nothing tells that the one of the house was changed."""
SWAP_LOOK = timedelta(seconds=3)
SETTLE_LOOK = timedelta(seconds=5)
HOOK_LOOK = timedelta(seconds=15)
"""A hook that takes time is asked so often how far it is; who calls back is heard at once."""
SWAP_LIMIT = timedelta(minutes=10)
"""A swap that takes longer is flagged `stuck`; Azure's own warm-up gives up after a few minutes."""
REMINDER = timedelta(hours=24)
DECISION_LIMIT = timedelta(days=30)
"""How long an experiment that is over waits for a person to promote its candidate or to take it back."""
STUCK_AFTER = 5
"""Failed attempts of one effect until a person is called."""
NOTIFY_ATTEMPTS = 8
PIN_ATTEMPTS = 30
"""Some 25 minutes: an update of a Container App is over by then. What is not pinned by then is found at preflight."""
PINNED = timedelta(hours=1)
"""App Service pins a client to a slot by a cookie for this long."""
SOURCE_SLACK = timedelta(milliseconds=250)
"""A source that closes a window on time still needs a moment to answer with it."""
SILENT = timedelta(minutes=5)
"""So long, or five windows, those held back may give nothing to compare with before they are let go."""
HISTORY = timedelta(minutes=60)
"""How much of the time before is read at preflight, to learn what the stable version is like."""
HISTORY_WINDOWS = 240
"""At most so many windows of it: an hour of quarters of a minute."""
FRESH = timedelta(minutes=2)
"""What advances rests on a window that ended at most so long, or two windows, before the newest that there can be."""
AFTERCARE_LIMIT = timedelta(minutes=10)
"""How long a count that cannot be read is tried for."""
WINDOWS_A_LOOK = 60
"""At most so many windows are read at once, the newest: after a long silence the older ones are let go."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def backoff(attempt: int, asked: float | None = None) -> timedelta:
    """Return how long to wait before attempt number `attempt` + 1: doubling, bounded, at least what was asked."""
    doubled: timedelta = FIRST_RETRY * (1 << min(attempt, 10))
    wait = min(doubled, LONGEST_RETRY)
    return max(wait, timedelta(seconds=min(asked, 300))) if asked else wait


def rarer(soon: timedelta, waited: timedelta) -> timedelta:
    """Return how long to wait for the next look at what has been waited for so long already.

    A tenth more, and at most a minute, hardly matters to who waits, and hours of waiting do not take hundreds of looks.
    """
    return max(soon, min(waited / 10, HELD_LOOK))


def window_floor(at: datetime, length: timedelta) -> datetime:
    """Return the start of the window of `length` that `at` lies in."""
    return at - (at - EPOCH) % length


def window_ceiling(at: datetime, length: timedelta) -> datetime:
    """Return the first window start that is not before `at`."""
    floor = window_floor(at, length)
    return floor if floor == at else floor + length


def visible_until(measuring: Measuring, now: datetime) -> datetime:
    """Return the end of the newest window that the source can have by now."""
    return window_floor(now - measuring.lag, measuring.window)


def settled_until(measuring: Measuring, now: datetime) -> datetime:
    """Return until when a window that the source has nothing for will stay empty."""
    return now - measuring.lag - 2 * measuring.window


def fresh_after(measuring: Measuring, now: datetime) -> datetime:
    """Return when a window must have ended, at the earliest, for a verdict on it to be fresh."""
    return now - measuring.lag - max(FRESH, 2 * measuring.window)


def next_window(measuring: Measuring, now: datetime) -> datetime:
    """Return when to look for a window next: when the source can have it.

    News that comes by itself is not asked for; then it is the time by when a window has come or is known to be lost,
    so that silence is seen too.
    """
    if measuring.is_pushed:
        return now + measuring.lag + 3 * measuring.window + SOURCE_SLACK
    return visible_until(measuring, now) + measuring.window + measuring.lag + SOURCE_SLACK
