"""The stored forms of flags and segments as aggregates: state, history and revisions."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.domain.flags.managing.events import FlagEvent
from shared.domain.flags.managing.segments import SegmentEvent, SegmentState
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import Flag, Segment
from shared.wire.alarms import Alarm
from shared.wire.flag_form import model_converter
from shared.wire.stored_form import read_stored, write_stored


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagEnvelope:
    """What is kept of a flag: the rules' state, and what only the machinery needs."""

    state: FlagState
    version: int = 0
    """How many commits made this."""
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEnvelope:
    """What is kept of a segment."""

    state: SegmentState
    version: int = 0


def write_flag_state(envelope: FlagEnvelope) -> str:
    """Return the stored form of a flag's aggregate."""
    return _write(envelope, FlagEnvelope)


def read_flag_state(text: str) -> FlagEnvelope:
    """Return the aggregate. Raises `RejectedError` for a broken document, `NewerReleaseError` for a newer one."""
    envelope: FlagEnvelope = _read(text, FlagEnvelope)
    return envelope


def write_flag_event(event: FlagEvent) -> str:
    """Return the stored form of a line of history."""
    return _write(event, FlagEvent)


def read_flag_event(text: str) -> FlagEvent:
    """Return a line of history."""
    event: FlagEvent = _read(text, FlagEvent)
    return event


def write_flag_revision(flag: Flag) -> str:
    """Return the stored form of one revision of a flag."""
    return _write(flag, Flag)


def read_flag_revision(text: str) -> Flag:
    """Return a revision of a flag."""
    flag: Flag = _read(text, Flag)
    return flag


def write_segment_state(envelope: SegmentEnvelope) -> str:
    """Return the stored form of a segment's aggregate."""
    return _write(envelope, SegmentEnvelope)


def read_segment_state(text: str) -> SegmentEnvelope:
    """Return the aggregate. Raises `RejectedError` as `read_flag_state`."""
    envelope: SegmentEnvelope = _read(text, SegmentEnvelope)
    return envelope


def write_segment_event(event: SegmentEvent) -> str:
    """Return the stored form of a line of history."""
    return _write(event, SegmentEvent)


def read_segment_event(text: str) -> SegmentEvent:
    """Return a line of history."""
    event: SegmentEvent = _read(text, SegmentEvent)
    return event


def write_segment_revision(segment: Segment) -> str:
    """Return the stored form of one revision of a segment."""
    return _write(segment, Segment)


def read_segment_revision(text: str) -> Segment:
    """Return a revision of a segment."""
    segment: Segment = _read(text, Segment)
    return segment


def _write(value: object, kind: Any) -> str:
    return write_stored(value, kind, _converter())


def _read(text: str, kind: Any) -> Any:
    return read_stored(text, kind, _converter())


@cache
def _converter() -> Any:
    return model_converter(FlagEvent, SegmentEvent)
