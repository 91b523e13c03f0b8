"""The chunks that flags are served from: a stored line for each flag and segment, read when somebody asks for it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from shared.domain.errors import RejectedError
from shared.domain.flags.model import Flag, Segment
from shared.domain.names import FlagKey, RolloutId, SegmentKey
from shared.wire.flag_form import model_converter
from shared.wire.stored_form import SCHEMA, checked_value, read_value


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
    """Return the chunk.

    Raises `RejectedError` for a text that is broken, also in one flag of it, and `NewerReleaseError`.
    """
    opened = open_chunk(text)
    return Chunk(
        flags=tuple(map(read_published_flag, opened.flags.values())),
        segments=tuple(map(read_published_segment, opened.segments.values())),
    )


def open_chunk(text: str) -> OpenedChunk:
    """Return the chunk with what it holds as it is stored. A broken line does not keep the others from being read.

    Raises `RejectedError` for a text that is broken, and `NewerReleaseError` for one of a newer version of Slipway.
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


@cache
def _converter() -> Any:
    return model_converter()
