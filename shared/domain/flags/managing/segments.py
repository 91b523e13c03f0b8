"""Changing segments: versioned as flags are, and deleted only when no flag or segment of the environment uses them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from shared.domain.effect_ids import next_effect_id
from shared.domain.errors import RejectedError
from shared.domain.flags.managing.commands import NEW, Expected, Published, Unread
from shared.domain.flags.managing.refusals import RevisionError, RevisionUnsaidError, UnknownFlagError
from shared.domain.flags.model import Segment
from shared.domain.names import EffectId, SegmentKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentState:
    """All that is decided about one segment of one environment, loaded and committed as one."""

    key: SegmentKey
    segment: Segment | None = None
    """None before it was ever saved, and after it was deleted."""
    revision: int = 0
    """Rises by one with each change, a deletion too; 0: there never was one."""
    changed: datetime | None = None
    changed_by: str = ""
    sequence: int = 0
    effects_made: int = 0
    effects: tuple[EffectId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveSegment:
    """Let the segment be this."""

    segment: Segment
    by: str
    why: str
    expected: Expected
    restored: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSegment:
    """Have it no more."""

    by: str
    why: str
    expected: Expected
    used_by: tuple[str, ...]
    """Who asks for it, in words such as `flag new-checkout`."""


SegmentCommand = SaveSegment | DeleteSegment | Published


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSaved:
    at: datetime
    by: str
    why: str
    revision: int
    segment: Segment
    restored: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDeleted:
    at: datetime
    by: str
    why: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPublishClosed:
    at: datetime
    effects: tuple[EffectId, ...]


RecordedInSegment = SegmentSaved | SegmentDeleted
SegmentEvent = RecordedInSegment | SegmentPublishClosed


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDecision:
    """What a command comes to."""

    state: SegmentState
    events: tuple[SegmentEvent, ...] = ()
    opened: tuple[EffectId, ...] = ()
    closed: tuple[EffectId, ...] = ()


def decide_segment(state: SegmentState, command: SegmentCommand, *, now: datetime) -> SegmentDecision:
    """Return what the command comes to. Pure. Raises what the door tells the caller; `Published` never raises."""
    match command:
        case SaveSegment():
            if repr(state.segment) == repr(command.segment):
                return SegmentDecision(state=state)
            _check_expected(state, command.expected)
            return _after(
                state,
                SegmentSaved(
                    at=now,
                    by=command.by,
                    why=command.why,
                    revision=state.revision + 1,
                    segment=command.segment,
                    restored=command.restored,
                ),
            )
        case DeleteSegment():
            if state.segment is None:
                raise UnknownFlagError(f"there is no segment {state.key}")
            _check_expected(state, command.expected)
            if command.used_by:
                raise RejectedError(f"segment {state.key} is asked for by {', '.join(command.used_by)}")
            deleted = SegmentDeleted(at=now, by=command.by, why=command.why, revision=state.revision + 1)
            return _after(state, deleted)
        case Published():
            closed = tuple(row for row in command.effects if row in state.effects)
            if not closed:
                return SegmentDecision(state=state)
            event = SegmentPublishClosed(at=now, effects=closed)
            return SegmentDecision(state=evolve_segment(state, event), events=(event,), closed=closed)
        case _:
            assert_never(command)


def evolve_segment(state: SegmentState, event: SegmentEvent) -> SegmentState:
    """Apply one fact and return the state after it. Never refuses."""
    match event:
        case SegmentSaved() | SegmentDeleted():
            return replace(
                state,
                segment=event.segment if isinstance(event, SegmentSaved) else None,
                revision=event.revision,
                changed=event.at,
                changed_by=event.by,
                sequence=state.sequence + 1,
            )
        case SegmentPublishClosed():
            return replace(state, effects=tuple(row for row in state.effects if row not in event.effects))
        case _:
            assert_never(event)


def _after(state: SegmentState, event: RecordedInSegment) -> SegmentDecision:
    after = evolve_segment(state, event)
    if after.effects:
        return SegmentDecision(state=after, events=(event,))
    row = next_effect_id(after.effects_made)
    after = replace(after, effects=(row,), effects_made=after.effects_made + 1)
    return SegmentDecision(state=after, events=(event,), opened=(row,))


def _check_expected(state: SegmentState, expected: Expected) -> None:
    stands = state.revision if state.segment is not None else NEW
    if expected is Unread.ANY and stands == NEW:
        raise RevisionError(f"there is no segment {state.key}")
    if expected is Unread.UNSAID and stands != NEW:
        raise RevisionUnsaidError(
            f"segment {state.key} is there, in revision {stands}: say with If-Match which one you read"
        )
    if isinstance(expected, int) and expected != stands:
        what = f"in revision {stands}" if stands else "not there"
        read = f"revision {expected}" if expected else "that it is not there"
        raise RevisionError(f"segment {state.key} is {what}, and the request expects {read}: read it again")
