"""Bringing what is served up to what was decided: the chunk that follows from a flag or a segment, then the head."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.application.flag_aggregates import (
    SEGMENTS,
    FlagAggregate,
    SegmentAggregate,
    commit_flag,
    commit_segment,
    is_over,
    load_flag,
    load_segment,
)
from shared.application.flag_chunks import (
    ChunkChange,
    read_slot,
    slot_of_flag,
    slot_of_segment,
    with_flag,
    with_segment,
)
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError, VersionConflictError
from shared.domain.flags.managing.commands import Distribute, Published
from shared.domain.flags.managing.decide import decide, next_look
from shared.domain.flags.managing.segments import decide_segment
from shared.domain.flags.managing.serves import bare
from shared.domain.names import EnvironmentName, FlagKey, SegmentKey, environment_of
from shared.ports.clock import Clock
from shared.ports.flag_snapshots import FlagSnapshots, Head
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import RolloutStore
from shared.wire.published_flags import name_of_chunk, write_opened_chunk

ATTEMPTS = 20
"""How often somebody else may be faster: each time one of them got on."""
PRUNED_AFTER = timedelta(hours=1)
"""A chunk that nobody refers to is kept for so long: far longer than between writing one and moving the head to it."""
PRUNED_AT_ONCE = 4
"""More than one change makes, so that what was left behind becomes less."""

PUBLISH_GRACE = timedelta(seconds=30)
"""How long after its commit what is not published is looked at by the sweep. A publication takes a fraction of that,
and one that still goes on loses nothing by a second one beside it."""

log = logging.getLogger("slipway.flags")


def look_soon(markers: OpenMarkers, key: str, clock: Clock) -> None:
    """Have the sweep look at what was just committed before long, in case this worker dies before it is published.

    Only after the commit: a marker that is due before it could be closed before there is anything to be found.
    """
    try:
        markers.open(key, clock.now() + PUBLISH_GRACE)
    except SlipwayError as error:
        log.warning("%s is looked at by the sweep later, should it not be published now: %s", key, error)


@dataclass(frozen=True, slots=True)
class SnapshotPublisher:
    """Publishes level-based: the head is read first and the aggregate after it, so an older state never wins.

    Safe to do twice, at once or late. Every method raises `TryLaterError` when the store is unwell.
    """

    store: RolloutStore
    snapshots: FlagSnapshots
    clock: Clock
    follow: Callable[[EnvironmentName, SegmentKey], None] = lambda _environment, _key: None
    """Called with a segment that is published, before that is closed: what hangs on it elsewhere is to follow."""
    tell: Callable[[FlagAggregate], None] = lambda _current: None
    """Called with a flag that is published, before that is closed: the rollouts that drive it are to hear of it."""
    is_followed: Callable[[EnvironmentName], bool] = lambda _environment: False
    """Whether anything of this environment follows its segments."""
    forget: Callable[[EnvironmentName, FlagKey], None] = lambda _environment, _key: None
    """Called with a flag that is served no more, before that is closed: what is kept of its use is to go."""

    def bring_up_flag(self, key: str) -> FlagAggregate | None:
        """Publish the flag until nothing of it is open; return it as it is then. None where there never was one."""
        for _ in range(ATTEMPTS):
            try:
                head = self.snapshots.read_head(environment_of(key))
                current = load_flag(self.store, key)
                if current is None or not current.state.effects:
                    return current
                self._publish_flag(current, head)
                self.tell(current)
                if current.state.live is None:
                    self.forget(current.environment, current.state.key)
                done = decide(current.state, Published(current.state.effects), now=self.clock.now())
                return commit_flag(self.store, current, done, alarms=current.envelope.alarms)
            except VersionConflictError:
                continue
        raise TryLaterError(f"{key} is changing too fast to be published now", after_seconds=1)

    def bring_up_segment(self, key: str, *, and_followers: bool = True) -> SegmentAggregate | None:
        """Publish the segment until nothing of it is open; as `bring_up_flag`.

        Without its followers it stays open where it may have any: they can be many, and are for who has time.
        """
        for _ in range(ATTEMPTS):
            try:
                head = self.snapshots.read_head(environment_of(key))
                current = load_segment(self.store, key)
                if current is None or not current.state.effects:
                    return current
                self._publish(current, head, slot_of_segment(current.state.key), with_segment(current.state))
                if not and_followers and self.is_followed(current.environment):
                    return current
                self.follow(current.environment, current.state.key)
                done = decide_segment(current.state, Published(current.state.effects), now=self.clock.now())
                return commit_segment(self.store, current, done)
            except VersionConflictError:
                continue
        raise TryLaterError(f"{key} is changing too fast to be published now", after_seconds=1)

    def publish_anew(self, key: str) -> bool:
        """Put the flag or segment in force as it stands, also where nothing of it is open: what was served is lost.

        Where flags are distributed, this one is to be brought there once more. Returns whether anything is to be done.
        """
        for _ in range(ATTEMPTS):
            try:
                head = self.snapshots.read_head(environment_of(key))
                return self._segment_anew(key, head) if key.startswith(SEGMENTS) else self._flag_anew(key, head)
            except VersionConflictError:
                continue
        raise TryLaterError(f"{key} is changing too fast to be published now", after_seconds=1)

    def _segment_anew(self, key: str, head: Head) -> bool:
        current = load_segment(self.store, key)
        if current is None:
            return False
        self._publish(current, head, slot_of_segment(current.state.key), with_segment(current.state))
        return bool(current.state.effects)

    def _flag_anew(self, key: str, head: Head) -> bool:
        current = load_flag(self.store, key)
        if current is None:
            return False
        self._publish_flag(current, head)
        self.tell(current)
        if current.state.flag is not None and self.is_followed(current.environment):
            again = decide(current.state, Distribute(), now=self.clock.now(), distributes=True)
            current = commit_flag(self.store, current, again, alarms=current.envelope.alarms)
        return bool(current.state.effects or current.state.distributing or next_look(current.state))

    def _publish_flag(self, current: FlagAggregate, head: Head) -> None:
        """Publish the flag; one that is killed and too long for its chunk, as far as it is needed to serve it so."""
        slot, state = slot_of_flag(current.state.key), current.state
        try:
            self._publish(current, head, slot, with_flag(state))
        except RejectedError as error:
            if state.live is None or not state.live.killed:
                raise
            log.warning("%s is killed, and published without its rules: %s", current.key, error)
            self._publish(current, head, slot, with_flag(replace(state, flag=bare(state.live))))

    def _publish(self, current: FlagAggregate | SegmentAggregate, head: Head, slot: str, change: ChunkChange) -> None:
        """Put the changed chunk in force; what else it holds stays as it is stored, also what cannot be read here.

        With that the turn of the change that is published is over. Raises `VersionConflictError` when somebody else
        moved the head.
        """
        environment = current.environment
        before = read_slot(self.snapshots, environment, head, slot)
        after = change(before)
        if after == before:
            return
        now, document = self.clock.now(), write_opened_chunk(after)
        name = name_of_chunk(document)
        self.snapshots.write_chunk(environment, name, document, now)
        chunks = {**dict(head.chunks), slot: name}
        turn = head.turn if head.turn is not None and not is_over(head.turn, current) else None
        self.snapshots.move_head(environment, Head(head.etag, tuple(sorted(chunks.items())), turn))
        log.info("published %s of %s", slot, environment)
        self._prune(environment, set(chunks.values()))

    def _prune(self, environment: EnvironmentName, keep: set[str]) -> None:
        """Forget some chunks that nobody refers to. What is not forgotten now is so after the next change."""
        try:
            self.snapshots.prune(environment, keep, self.clock.now() - PRUNED_AFTER, at_most=PRUNED_AT_ONCE)
        except SlipwayError as error:
            log.warning("old chunks of %s stay until the next change: %s", environment, error)
