"""The parts of a release spec about time: how it is measured, and how long may pass without progress."""

from datetime import timedelta
from typing import Final

from shared.domain.rollout.spec import Deadlines, Measuring, Outcome
from shared.wire.durations import LONGEST, format_duration, parse_duration, parse_duration_or_none
from shared.wire.findings import Part, found

MINUTE: Final = timedelta(minutes=1)
GRANULARITIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 360, 720, 1440))
"""The windows that Azure Monitor has."""
LONGEST_LAG: Final = timedelta(minutes=15)

_DEFAULT: Final = Measuring()
_DEFAULT_DEADLINES: Final = Deadlines()


def read_measuring(part: Part) -> Measuring:
    """Read `metrics`. A window that no source has is refused."""
    return Measuring(
        window=part.child("window").read(_window, _DEFAULT.window),
        lag=part.child("lag").read(_lag, _DEFAULT.lag),
    )


def read_deadlines(part: Part, longest_bake: timedelta) -> Deadlines:
    """Read `deadlines`. Where progress has none, it is long enough for the longest bake."""
    enough = min(max(_DEFAULT_DEADLINES.progress, 2 * longest_bake), LONGEST)
    return Deadlines(
        preflight=part.child("preflight").read(parse_duration, _DEFAULT_DEADLINES.preflight),
        progress=part.child("progress").read(parse_duration, enough),
        otherwise=part.child("otherwise").read(Outcome, _DEFAULT_DEADLINES.otherwise),
    )


def is_multiple(duration: timedelta, window: timedelta) -> bool:
    """Whether a time holds a whole number of windows, at least one."""
    return duration >= window and duration % window == timedelta(0)


def is_window_known(part: Part) -> bool:
    """Whether the document says well how it is measured, so that other parts can be held against it."""
    return not part.findings.concern(("metrics",))


def refuse_duration(part: Part, duration: timedelta, message: str) -> None:
    """Refuse a part that is a duration, or that has one by default."""
    part.refuse(f"{found(part.path, part.value) if part.exists else f'is {format_duration(duration)}; '}{message}")


def _window(text: str) -> timedelta:
    window = parse_duration(text)
    if window in GRANULARITIES or (window < MINUTE and MINUTE % window == timedelta(0)):
        return window
    allowed = ", ".join(format_duration(granularity) for granularity in GRANULARITIES)
    raise ValueError(f"allowed is a window that Azure Monitor has: {allowed} (in the sandbox also what divides 1m)")


def _lag(text: str) -> timedelta:
    lag = parse_duration_or_none(text)
    if lag > LONGEST_LAG:
        raise ValueError(f"allowed is a lag of at most {format_duration(LONGEST_LAG)}")
    return lag
