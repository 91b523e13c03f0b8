"""The parts of a release spec about time: how it is measured, and how long may pass without progress."""

from datetime import timedelta
from typing import Final

from shared.domain.rollout.measuring import Measuring
from shared.domain.rollout.spec import Deadlines, Judging, LowTraffic, Outcome, TargetKind
from shared.wire.durations import LONGEST, format_duration, parse_duration, parse_duration_or_none
from shared.wire.findings import Part, found
from shared.wire.spec_metrics_source import LAGS, SourceKind, kind_of, read_source
from shared.wire.spec_values import read_values

MINUTE: Final = timedelta(minutes=1)
GRANULARITIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 360, 720, 1440))
"""The windows that Azure Monitor has."""
SHORTEST_WINDOW: Final = timedelta(seconds=5)
LONGEST_LAG: Final = timedelta(minutes=15)

_DEFAULT: Final = Measuring()
_DEFAULT_DEADLINES: Final = Deadlines()
_BAKES_OF_PROGRESS: Final = 2
_BAKES_OF_EXTENDED_PROGRESS: Final = 5
"""A bake that is given its longest time three times again takes four of them."""


def read_measuring(part: Part, kinds: frozenset[TargetKind]) -> Measuring:
    """Read `metrics` of targets of these kinds. A window that the source cannot have is refused."""
    source = read_source(part.child("source"), kinds)
    kind = kind_of(source)
    return Measuring(
        window=part.child("window").read(lambda text: _window(text, kind), _DEFAULT.window),
        lag=part.child("lag").read(_lag, LAGS[kind]),
        source=source,
        values=read_values(part.child("values"), kind),
    )


def read_deadlines(part: Part, longest_bake: timedelta, judging: Judging) -> Deadlines:
    """Read `deadlines`. Where progress has none, it is long enough for the longest bake, also when it is extended."""
    extends = judging.low_traffic is LowTraffic.EXTEND
    bakes = _BAKES_OF_EXTENDED_PROGRESS if extends else _BAKES_OF_PROGRESS
    enough = min(max(_DEFAULT_DEADLINES.progress, bakes * longest_bake), LONGEST)
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


def _window(text: str, kind: SourceKind) -> timedelta:
    window = parse_duration(text)
    if window in GRANULARITIES or (SHORTEST_WINDOW <= window < MINUTE and MINUTE % window == timedelta(0)):
        return window
    listed = ", ".join(format_duration(granularity) for granularity in GRANULARITIES)
    short = f"what divides 1m and is at least {format_duration(SHORTEST_WINDOW)}"
    if kind is SourceKind.AZURE_MONITOR:
        raise ValueError(f"allowed is a window that Azure Monitor has: {listed} (in the sandbox also {short})")
    raise ValueError(f"allowed is {short}, or {listed}")


def _lag(text: str) -> timedelta:
    lag = parse_duration_or_none(text)
    if lag > LONGEST_LAG:
        raise ValueError(f"allowed is a lag of at most {format_duration(LONGEST_LAG)}")
    return lag
