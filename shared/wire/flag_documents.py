"""The stored forms of flags and segments: state, history and revisions, and the chunks that flags are served from.

They are those of the model itself and no documents that people write: a rule that becomes stricter must not keep a
flag from being read that was saved before, and a cold start reads every flag of an environment. What is as the model
has it by default is left out.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_type_hints

from shared.domain.errors import RejectedError
from shared.domain.flags.managing.events import FlagEvent
from shared.domain.flags.managing.segments import SegmentEvent, SegmentState
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import Condition, Flag, Json, Segment, Serve, Split, Variant
from shared.domain.names import FlagKey, RolloutId, SegmentKey, VariantName
from shared.wire.documents import Alarm
from shared.wire.stored_form import SCHEMA, checked_value, plain_converter, read_stored, read_value, write_stored


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFlag:
    """A flag as it is served, and what the list of flags says beside it."""

    flag: Flag
    revision: int
    changed: datetime
    changed_by: str
    driven_by: RolloutId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSegment:
    """A segment as it is served."""

    segment: Segment
    revision: int
    changed: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Flags, or segments, that are kept and read together, in the order of their keys."""

    flags: tuple[PublishedFlag, ...] = ()
    segments: tuple[PublishedSegment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedChunk:
    """A chunk that was looked into no further than to see what is where: each entry as it is stored."""

    flags: Mapping[FlagKey, str]
    segments: Mapping[SegmentKey, str]


def write_flag_state(envelope: FlagEnvelope) -> str:
    """Return the stored form of a flag's aggregate."""
    return _write(envelope, FlagEnvelope)


def read_flag_state(text: str) -> FlagEnvelope:
    """Return the aggregate. Raises `RejectedError` for a document that is broken or of a newer version of Slipway."""
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


def write_chunk(chunk: Chunk) -> str:
    """Return the stored form of a chunk: the same chunk is the same text.

    It is one JSON document, in which each flag and each segment has a line to itself, so that it can be kept as text
    and read when somebody asks for it.
    """
    return write_opened_chunk(
        OpenedChunk(
            flags={each.flag.key: line_of_flag(each) for each in chunk.flags},
            segments={each.segment.key: line_of_segment(each) for each in chunk.segments},
        )
    )


def write_opened_chunk(chunk: OpenedChunk) -> str:
    """Return the stored form of a chunk, with each entry as it is stored, in the order of the keys."""
    written = {
        "flags": [line for _, line in sorted(chunk.flags.items())],
        "segments": [line for _, line in sorted(chunk.segments.items())],
    }
    lists = ",".join(f'"{name}":[\n{_BETWEEN.join(lines)}\n]' for name, lines in written.items() if lines)
    return f'{{"schema":{SCHEMA},"value":{{{lists}}}}}'


def line_of_flag(published: PublishedFlag) -> str:
    """Return how a flag is stored in a chunk."""
    return _line(published, PublishedFlag)


def line_of_segment(published: PublishedSegment) -> str:
    """Return how a segment is stored in a chunk."""
    return _line(published, PublishedSegment)


def read_chunk(text: str) -> Chunk:
    """Return the chunk. Raises `RejectedError` as `read_flag_state`, also where one flag of it is broken."""
    opened = open_chunk(text)
    return Chunk(
        flags=tuple(map(read_published_flag, opened.flags.values())),
        segments=tuple(map(read_published_segment, opened.segments.values())),
    )


def open_chunk(text: str) -> OpenedChunk:
    """Return the chunk with what it holds as it is stored. Raises `RejectedError` as `read_flag_state`.

    A line that is broken does not keep the others from being read.
    """
    lines: dict[str, list[str]] = {"flag": [], "segment": []}
    frame: list[str] = []
    for line in text.split("\n"):
        begin = _BEGIN_OF_LINE.match(line)
        (lines[begin[1]] if begin else frame).append(line.removesuffix(",") if begin else line)
    try:
        value = checked_value(json.loads("".join(frame)))
        for kind, found in lines.items():
            found += [_plain_text(each) for each in value.get(f"{kind}s", ())]
        return OpenedChunk(
            flags={FlagKey(_key_of(line)): line for line in lines["flag"]},
            segments={SegmentKey(_key_of(line)): line for line in lines["segment"]},
        )
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RejectedError(f"a stored chunk is not what this release writes: {error!r:.300}") from error


def read_published_flag(line: str) -> PublishedFlag:
    """Return a flag of an opened chunk. Raises `RejectedError` where it is broken."""
    flag: PublishedFlag = read_value(line, PublishedFlag, _converter())
    return flag


def read_published_segment(line: str) -> PublishedSegment:
    """Return a segment of an opened chunk. Raises `RejectedError` where it is broken."""
    segment: PublishedSegment = read_value(line, PublishedSegment, _converter())
    return segment


def name_of_chunk(text: str) -> str:
    """Return the name of a chunk: the hash of what it holds."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_BETWEEN = ",\n"
_BEGIN_OF_LINE = re.compile(r'\{"(flag|segment)":(?:\{"key":"([^"\\]+)")?')
"""No text holds a line break as it is: JSON escapes it."""


def _line(published: PublishedFlag | PublishedSegment, kind: Any) -> str:
    return _plain_text(_converter().unstructure(published, unstructure_as=kind))


def _plain_text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _key_of(line: str) -> str:
    """Return the key of what is on a line, which stands first and is found without reading the rest."""
    begin = _BEGIN_OF_LINE.match(line)
    if begin and begin[2] is not None:
        return begin[2]
    [described] = (each for name, each in json.loads(line).items() if name in ("flag", "segment"))
    return str(described["key"])


def _write(value: object, kind: Any) -> str:
    return write_stored(value, kind, _converter())


def _read(text: str, kind: Any) -> Any:
    return read_stored(text, kind, _converter())


@cache
def _converter() -> Any:
    from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

    converter = plain_converter(says_where=False)
    # Resolved where a field has it, by its name where it is in a tuple.
    json_values = (get_type_hints(Variant)["value"], Json)
    converter.register_structure_hook_func(lambda kind: kind in json_values, lambda value, _: value)
    converter.register_unstructure_hook_func(lambda kind: kind in json_values, lambda value: value)
    converter.register_structure_hook_func(
        lambda kind: kind == Serve,
        lambda value, _: VariantName(value) if isinstance(value, str) else converter.structure(value, Split),
    )
    converter.register_unstructure_hook_func(
        lambda kind: kind == Serve, lambda value: value if isinstance(value, str) else converter.unstructure(value)
    )
    for union in (Condition, FlagEvent, SegmentEvent):
        _register_union(converter, union)
    converter.register_unstructure_hook_factory(
        is_dataclass, lambda kind: make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True)
    )
    converter.register_structure_hook_factory(
        is_dataclass, lambda kind: make_dict_structure_fn(kind, converter, _cattrs_detailed_validation=False)
    )
    return converter


def _register_union(converter: Any, union: Any) -> None:
    """Tag the members of a union with their class's name: conditions hold conditions, so hooks are looked up late."""
    members = {member.__name__: member for member in get_args(union)}
    is_it: Callable[[Any], bool] = lambda kind: kind == union  # noqa: E731 - a predicate of two hooks
    converter.register_structure_hook_func(is_it, lambda value, _: converter.structure(value, members[value["type"]]))
    converter.register_unstructure_hook_func(
        is_it, lambda value: {"type": type(value).__name__, **converter.unstructure(value)}
    )
