"""The chunks that flags and segments are served from: which of them holds what, and what a change makes of one."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from shared.domain.errors import RejectedError, VersionConflictError
from shared.domain.flags.managing.segments import SegmentState
from shared.domain.flags.managing.state import FlagState
from shared.domain.names import EnvironmentName, FlagKey, SegmentKey
from shared.ports.clock import Clock
from shared.ports.flag_snapshots import FlagSnapshots, Head
from shared.wire.flag_snapshot_rows import check_room
from shared.wire.published_flags import (
    OpenedChunk,
    PublishedFlag,
    PublishedSegment,
    line_of_flag,
    line_of_segment,
    name_of_chunk,
    open_chunk,
    write_opened_chunk,
)

FLAG_CHUNKS = 64
SEGMENT_CHUNKS = 16

ChunkChange: TypeAlias = Callable[[OpenedChunk], OpenedChunk]


def read_slot(snapshots: FlagSnapshots, environment: EnvironmentName, head: Head, slot: str) -> OpenedChunk:
    """Return the chunk that a head has in a slot. Raises `VersionConflictError` where the head is too old for that."""
    name = dict(head.chunks).get(slot)
    if name is None:
        return OpenedChunk(flags={}, segments={})
    document = snapshots.read_chunk(environment, name)
    if document is None or name_of_chunk(document) != name:
        raise VersionConflictError(f"chunk {name} of {environment} is not in force any more")
    return open_chunk(document)


@dataclass(frozen=True, slots=True)
class Room:
    """Says whether what people want can be kept. What makes nothing longer is never in the way."""

    snapshots: FlagSnapshots
    clock: Clock

    def refusal(self, environment: EnvironmentName, head: Head, after: FlagState | SegmentState) -> str | None:
        """Return why there is no room for a flag or a segment as it would be, or None.

        Raises `VersionConflictError` when the head moved on.
        """
        if isinstance(after, FlagState):
            slot, change = slot_of_flag(after.key), with_flag(after)
        else:
            slot, change = slot_of_segment(after.key), with_segment(after)
        before = read_slot(self.snapshots, environment, head, slot)
        document = write_opened_chunk(change(before))
        if len(document) <= len(write_opened_chunk(before)):
            return None
        try:
            check_room(environment, name_of_chunk(document), document, self.clock.now())
        except RejectedError as error:
            return str(error)
        return None


def slot_of_flag(key: str) -> str:
    """Return which chunk a flag belongs to."""
    return f"f{_bucket(key, FLAG_CHUNKS):02d}"


def slot_of_segment(key: str) -> str:
    """Return which chunk a segment belongs to."""
    return f"s{_bucket(key, SEGMENT_CHUNKS):02d}"


def _bucket(key: str, count: int) -> int:
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % count


def with_flag(state: FlagState) -> ChunkChange:
    """Return what puts a flag into its chunk as it is served, or out of it."""
    own: dict[FlagKey, str] = {}
    if state.live is not None and state.changed is not None:
        own[state.key] = line_of_flag(
            PublishedFlag(
                flag=state.live,
                revision=state.revision,
                changed=state.changed,
                changed_by=state.changed_by,
                driven_by=state.drivers[0].rollout if state.drivers else None,
            )
        )

    def change(chunk: OpenedChunk) -> OpenedChunk:
        others = {key: line for key, line in chunk.flags.items() if key != state.key}
        return replace(chunk, flags={**others, **own})

    return change


def with_segment(state: SegmentState) -> ChunkChange:
    """Return what puts a segment into its chunk, or out of it."""
    own: dict[SegmentKey, str] = {}
    if state.segment is not None and state.changed is not None:
        own[state.key] = line_of_segment(
            PublishedSegment(
                segment=state.segment, revision=state.revision, changed=state.changed, changed_by=state.changed_by
            )
        )

    def change(chunk: OpenedChunk) -> OpenedChunk:
        others = {key: line for key, line in chunk.segments.items() if key != state.key}
        return replace(chunk, segments={**others, **own})

    return change
