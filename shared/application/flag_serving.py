"""Flags as they are served: kept compiled in memory, and looked after by the requests that ask for them.

A function app has no time between requests that it may count on, so nothing runs in the background. The first request
that finds what is kept too old reads the head, one point read, and then only the chunks that changed; the requests
beside it are given the old flags, and so are all of them while the store is unwell.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeAlias

from shared.application.stored_entries import Parts, StoredEntries
from shared.domain.errors import SlipwayError, TryLaterError
from shared.domain.flags.compile import Ruleset, ruleset_of
from shared.domain.flags.model import Flag, Segment
from shared.domain.flags.operators import Regexes
from shared.domain.names import EnvironmentName, FlagKey, SegmentKey
from shared.ports.clock import Clock
from shared.ports.flag_snapshots import FlagSnapshots, Head
from shared.wire.published_flags import (
    OpenedChunk,
    PublishedFlag,
    PublishedSegment,
    name_of_chunk,
    open_chunk,
    read_published_flag,
    read_published_segment,
)

MAX_AGE = timedelta(seconds=5)
RETRY_AFTER = timedelta(seconds=15)
"""How long the store is left alone after it failed: one request in so long waits for it, and no other."""
FIRST_RETRY_AFTER = timedelta(seconds=1)
"""The same where nothing was ever read: there is nothing to serve meanwhile."""
HEADS_TRIED = 3
READ_AT_ONCE = 8
WAITS_AT_MOST_SECONDS = 5.0
"""So long a request waits for what others read; then it is served what is kept. A store that is well takes less, and of
one that is unwell many may be waiting who change flags, one after the other."""

log = logging.getLogger("slipway.flags")


Flags: TypeAlias = StoredEntries[FlagKey, PublishedFlag]
Segments: TypeAlias = StoredEntries[SegmentKey, PublishedSegment]


@dataclass(frozen=True, slots=True)
class Content:
    """What a snapshot holds. A flag or a segment is read when it is first needed."""

    head: Head = field(default_factory=lambda: Head(None))
    """Names what this was read from."""
    flags: Flags = field(default_factory=lambda: StoredEntries({}, read_published_flag))
    """In the order of their keys."""
    segments: Segments = field(default_factory=lambda: StoredEntries({}, read_published_segment))

    @property
    def plain_flags(self) -> Mapping[FlagKey, Flag]:
        """The flags by themselves."""
        return Parts(self.flags, lambda each: each.flag)

    @property
    def plain_segments(self) -> Mapping[SegmentKey, Segment]:
        """The segments by themselves."""
        return Parts(self.segments, lambda each: each.segment)


@dataclass(frozen=True, slots=True)
class Served:
    """The flags of one environment, ready to be asked. Never changes; safe to share among threads."""

    content: Content
    ruleset: Ruleset
    stale_since: datetime | None = None
    """Since when the store could not be asked whether this is still so; None: it was, within the maximum age."""


@dataclass(slots=True)
class _Kept:
    """What is kept of one environment. Written under the lock only; read without it."""

    lock: Lock = field(default_factory=Lock)
    served: Served | None = None
    look_at: datetime | None = None
    """When the head is to be read again; None for at once."""
    changes: int = 0
    """How often this worker changed something."""
    chunks: Mapping[str, OpenedChunk] = field(default_factory=dict)
    """Those in force, by their names: what did not change is not read again."""
    trouble: TryLaterError | None = None
    """Why nothing could be read yet."""


class FlagServer:
    """Serves flags. A worker has one."""

    def __init__(
        self,
        snapshots: FlagSnapshots,
        clock: Clock,
        regexes: Regexes,
        *,
        max_age: timedelta = MAX_AGE,
        region: str = "",
    ) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._regexes = regexes
        self._max_age = max_age
        self._kept: dict[EnvironmentName, _Kept] = {}
        self._lock = Lock()
        self.region = region
        """Where this app runs: what flags take for the region of who does not say where they ask from."""

    def served(self, environment: EnvironmentName) -> Served:
        """Return the flags, at most the maximum age old while the store is well.

        One request reads the head, and those beside it are served what is kept meanwhile; unless that is older still,
        after a worker was idle, or something was changed by this worker: then they wait for that one read, for a few
        seconds at most.

        Raises `TryLaterError` only while nothing could ever be read.
        """
        kept = self._of(environment)
        served = kept.served
        if served is None:
            return self._first(environment, kept)
        patience = WAITS_AT_MOST_SECONDS if self._is_too_old(kept, served) else 0
        if self._is_due(kept) and kept.lock.acquire(timeout=patience):
            try:
                if self._is_due(kept):
                    self._refresh(environment, kept, served)
            finally:
                kept.lock.release()
        return kept.served or served

    def latest(self, environment: EnvironmentName) -> Content:
        """Return what is in force now, for those who change it, and serve it from now on.

        Raises `TryLaterError` when the store is unwell: what was served before is served on.
        """
        kept = self._of(environment)
        with kept.lock:
            served, changes = kept.served, kept.changes
            try:
                return self._read(environment, kept).content
            except SlipwayError as error:
                if served is not None and self._is_due(kept):
                    self._keep_on(environment, kept, served, changes, error)
                raise

    def look_again(self, environment: EnvironmentName) -> None:
        """Say that something changed: from now on no request is served what was read before."""
        kept = self._of(environment)
        kept.changes += 1
        kept.look_at = None

    def _of(self, environment: EnvironmentName) -> _Kept:
        with self._lock:
            return self._kept.setdefault(environment, _Kept())

    def _is_due(self, kept: _Kept) -> bool:
        return kept.look_at is None or kept.look_at <= self._clock.now()

    def _is_too_old(self, kept: _Kept, served: Served) -> bool:
        """Whether nobody is to be served this while the head is read. What an unwell store left is served on."""
        if served.stale_since is not None:
            return False
        look_at = kept.look_at
        return look_at is None or look_at + self._max_age <= self._clock.now()

    def _first(self, environment: EnvironmentName, kept: _Kept) -> Served:
        """Read everything, once for all who wait for it."""
        with kept.lock:
            if kept.served is not None:
                return kept.served
            if kept.trouble is not None and not self._is_due(kept):
                raise kept.trouble
            try:
                return self._read(environment, kept)
            except TryLaterError as error:
                kept.trouble, kept.look_at = error, self._clock.now() + FIRST_RETRY_AFTER
                raise

    def _refresh(self, environment: EnvironmentName, kept: _Kept, served: Served) -> None:
        changes = kept.changes
        try:
            self._read(environment, kept)
        except SlipwayError as error:
            self._keep_on(environment, kept, served, changes, error)

    def _keep_on(
        self, environment: EnvironmentName, kept: _Kept, served: Served, changes: int, error: SlipwayError
    ) -> None:
        """Serve on what is kept, and leave the store alone for a while: unless it took a change of ours meanwhile."""
        now = self._clock.now()
        if served.stale_since is None:
            log.warning("flags of %s stay as they were, the store does not answer: %s", environment, error)
        kept.served = replace(served, stale_since=served.stale_since or now)
        kept.look_at = now + RETRY_AFTER
        if kept.changes != changes:
            kept.look_at = None

    def _read(self, environment: EnvironmentName, kept: _Kept) -> Served:
        """Read what changed and put it in the place of what was kept."""
        changes = kept.changes
        head = self._snapshots.read_head(environment)
        before = kept.served
        if before is not None and before.content.head.chunks == head.chunks:
            served = before
            if before.content.head != head or before.stale_since is not None:
                served = replace(before, content=replace(before.content, head=head), stale_since=None)
        else:
            head, kept.chunks = self._chunks_in_force(environment, head, kept.chunks)
            content = _content_of(head, kept.chunks.values(), before.content if before is not None else Content())
            flags, segments = content.plain_flags, content.plain_segments
            earlier = before.ruleset if before is not None else None
            served = Served(content, ruleset_of(flags, segments, regexes=self._regexes, earlier=earlier))
        if before is not None and before.stale_since is not None:
            log.warning("flags of %s are read again", environment)
        kept.served, kept.trouble, kept.look_at = served, None, self._clock.now() + self._max_age
        if kept.changes != changes:
            kept.look_at = None  # what was changed after the head was read may not be in it
        return served

    def _chunks_in_force(
        self, environment: EnvironmentName, head: Head, known: Mapping[str, OpenedChunk]
    ) -> tuple[Head, Mapping[str, OpenedChunk]]:
        """Return the chunks that the head names, and the head. One that is gone says that the head moved on."""
        for _ in range(HEADS_TRIED):
            chunks = self._chunks(environment, [name for _, name in head.chunks], known)
            if chunks is not None:
                return head, chunks
            head = self._snapshots.read_head(environment)
        raise TryLaterError(f"the flags of {environment} change faster than they can be read", after_seconds=1)

    def _chunks(
        self, environment: EnvironmentName, names: list[str], known: Mapping[str, OpenedChunk]
    ) -> Mapping[str, OpenedChunk] | None:
        missing = sorted({name for name in names if name not in known})

        def read(name: str) -> OpenedChunk | None:
            document = self._snapshots.read_chunk(environment, name)
            return open_chunk(document) if document is not None and name_of_chunk(document) == name else None

        if len(missing) > 1:
            from concurrent.futures import ThreadPoolExecutor  # a cold start of one chunk does without

            with ThreadPoolExecutor(min(READ_AT_ONCE, len(missing))) as threads:
                found = dict(zip(missing, threads.map(read, missing), strict=True))
        else:
            found = {name: read(name) for name in missing}
        new = {name: chunk for name, chunk in found.items() if chunk is not None}
        return {name: known.get(name) or new[name] for name in names} if len(new) == len(missing) else None


def _content_of(head: Head, chunks: Collection[OpenedChunk], before: Content) -> Content:
    flags = {key: line for chunk in chunks for key, line in chunk.flags.items()}
    segments = {key: line for chunk in chunks for key, line in chunk.segments.items()}
    return Content(
        head,
        StoredEntries(flags, read_published_flag, before.flags),
        StoredEntries(segments, read_published_segment, before.segments),
    )
