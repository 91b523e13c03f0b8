"""Who asks for a segment or needs a flag: what cannot go, or change in every way, while they do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from shared.domain.flags.model import (
    All,
    AnyOf,
    Clause,
    Condition,
    During,
    Flag,
    InLayer,
    InSegment,
    Not,
    Segment,
)
from shared.domain.names import FlagKey, SegmentKey


def users_of_segment(key: SegmentKey, flags: Iterable[Flag], segments: Iterable[Segment]) -> tuple[str, ...]:
    """Return the flags and the other segments that ask for a segment, in words such as `flag new-checkout`."""
    asking = [f"flag {flag.key}" for flag in flags if _asks(key, (rule.condition for rule in flag.rules))]
    others = (segment for segment in segments if segment.key != key)
    asking += [f"segment {other.key}" for other in others if _asks(key, (rule.condition for rule in other.rules))]
    return tuple(asking)


def segments_that_ask(key: SegmentKey, segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return the other segments that ask for a segment, also those that do so by another one."""
    known, meant, ahead = tuple(segments), dict[SegmentKey, Segment](), [key]
    while ahead:
        inner = ahead.pop()
        for segment in known:
            is_new = segment.key not in meant and segment.key != key
            if is_new and _asks(inner, (rule.condition for rule in segment.rules)):
                meant[segment.key] = segment
                ahead.append(segment.key)
    return tuple(meant.values())


def flags_that_ask(key: SegmentKey, flags: Iterable[Flag], segments: Iterable[Segment]) -> tuple[Flag, ...]:
    """Return the flags that ask for a segment, also those that do so by another segment."""
    meant = {key, *(segment.key for segment in segments_that_ask(key, segments))}
    return tuple(flag for flag in flags if any(_asks(each, (rule.condition for rule in flag.rules)) for each in meant))


def users_of_flag(key: FlagKey, flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """Return the flags that have this one as a prerequisite."""
    return tuple(flag for flag in flags if any(needed.flag == key for needed in flag.prerequisites))


def needed_by(flag: Flag, flags: Mapping[FlagKey, Flag]) -> tuple[Flag, ...]:
    """Return the flag with all that it needs, directly or by others; what is not there is left out."""
    found, ahead = {flag.key: flag}, [flag]
    while ahead:
        for prerequisite in ahead.pop().prerequisites:
            needed = flags.get(prerequisite.flag)
            if needed is not None and needed.key not in found:
                found[needed.key] = needed
                ahead.append(needed)
    return tuple(found.values())


def _asks(key: SegmentKey, conditions: Iterable[Condition]) -> bool:
    return any(key in _segments_in(condition) for condition in conditions)


def _segments_in(condition: Condition) -> Iterator[SegmentKey]:
    match condition:
        case InSegment():
            yield from condition.segments
        case All() | AnyOf():
            for inner in condition.conditions:
                yield from _segments_in(inner)
        case Not():
            yield from _segments_in(condition.condition)
        case Clause() | InLayer() | During():
            return
        case _:
            assert_never(condition)
