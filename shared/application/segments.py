"""Changing segments, in the same way as flags."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from shared.application.door import MARKER_GRACE
from shared.application.flag_aggregates import (
    SegmentAggregate,
    commit_segment,
    load_segment,
    new_segment,
    revision_id,
)
from shared.application.flag_chunks import Room
from shared.application.flag_publish import SnapshotPublisher, look_soon
from shared.application.flag_serving import Content, FlagServer
from shared.application.flag_turns import Turns
from shared.application.flags import CONFLICTS_AT_MOST, LINES_AT_MOST
from shared.domain.errors import InvalidError, RejectedError, SlipwayError, TryLaterError, VersionConflictError
from shared.domain.flags.managing.breaking import problems_of_saving_segment
from shared.domain.flags.managing.commands import Expected
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.segments import (
    DeleteSegment,
    SaveSegment,
    SegmentCommand,
    SegmentState,
    decide_segment,
)
from shared.domain.flags.managing.uses import users_of_segment
from shared.domain.flags.model import Segment
from shared.domain.flags.operators import Regexes
from shared.domain.names import EnvironmentName, SegmentKey, key_of_segment
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import HistoryEntry, RolloutArchive, RolloutStore
from shared.wire.flag_documents import read_segment_revision

log = logging.getLogger("slipway.flags")


@dataclass(frozen=True, slots=True)
class Segments:
    """What people ask of segments. Every method raises `TryLaterError` when the store is unwell."""

    store: RolloutStore
    archive: RolloutArchive
    markers: OpenMarkers
    queue: CommandQueue
    server: FlagServer
    publisher: SnapshotPublisher
    turns: Turns
    room: Room
    regexes: Regexes
    clock: Clock

    def save(
        self,
        environment: EnvironmentName,
        segment: Segment,
        *,
        by: str,
        why: str,
        expected: Expected,
        restored: int | None = None,
    ) -> SegmentState:
        """Save the segment. Raises `InvalidError` with what is wrong with it, or would be with what asks for it."""
        command = SaveSegment(segment=segment, by=by, why=why, expected=expected, restored=restored)

        def looked_at(content: Content) -> SaveSegment:
            problems = problems_of_saving_segment(
                segment, content.plain_flags, content.plain_segments, regexes=self.regexes
            )
            if problems:
                raise InvalidError(*problems)
            return command

        return self._tell(environment, segment.key, looked_at)

    def delete(
        self, environment: EnvironmentName, key: SegmentKey, *, by: str, why: str, expected: Expected
    ) -> SegmentState:
        """Delete the segment. Raises `RejectedError` while flags or segments that are served ask for it."""

        def looked_at(content: Content) -> DeleteSegment:
            used_by = users_of_segment(key, content.plain_flags.values(), content.plain_segments.values())
            return DeleteSegment(by=by, why=why, expected=expected, used_by=used_by)

        return self._tell(environment, key, looked_at)

    def is_there(self, environment: EnvironmentName, key: SegmentKey) -> bool:
        """Whether there is such a segment."""
        current = load_segment(self.store, key_of_segment(environment, key))
        return current is not None and current.state.segment is not None

    def state(self, environment: EnvironmentName, key: SegmentKey) -> SegmentState:
        """Return the segment as it was decided. Raises `UnknownFlagError`, also for one that was deleted."""
        state = self._state(environment, key)
        if state.segment is None:
            raise UnknownFlagError(f"there is no segment {key} in {environment}")
        return state

    def revision(self, environment: EnvironmentName, key: SegmentKey, revision: int) -> Segment:
        """Return the segment as it was in a revision. Raises `UnknownFlagError`."""
        document = self.archive.record(key_of_segment(environment, key), revision_id(revision))
        if document is None:
            raise UnknownFlagError(f"segment {key} has no revision {revision} in {environment}")
        return read_segment_revision(document)

    def history(
        self, environment: EnvironmentName, key: SegmentKey, after: int
    ) -> tuple[tuple[HistoryEntry, ...], int | None]:
        """Return lines of the segment's history, and where the next page begins; of a deleted one too."""
        last = self._state(environment, key).sequence
        entries = self.archive.history(key_of_segment(environment, key), after=after, up_to=last, limit=LINES_AT_MOST)
        more = bool(entries) and entries[-1].sequence < last
        return entries, entries[-1].sequence if more else None

    def _state(self, environment: EnvironmentName, key: SegmentKey) -> SegmentState:
        current = load_segment(self.store, key_of_segment(environment, key))
        if current is None or not current.state.sequence:
            raise UnknownFlagError(f"there is no segment {key} in {environment}")
        return current.state

    def _tell(
        self, environment: EnvironmentName, key: SegmentKey, looked_at: Callable[[Content], SegmentCommand]
    ) -> SegmentState:
        """Decide and commit what is wanted, once it was looked at among what is served."""
        for _ in range(CONFLICTS_AT_MOST):
            try:
                return self._told(environment, key, looked_at)
            except VersionConflictError:
                continue
        raise TryLaterError(f"segment {key} is changing too fast to be changed now", after_seconds=1)

    def _told(
        self, environment: EnvironmentName, key: SegmentKey, looked_at: Callable[[Content], SegmentCommand]
    ) -> SegmentState:
        current = load_segment(self.store, key_of_segment(environment, key)) or new_segment(environment, key)
        content = self.server.latest(environment)
        decision = decide_segment(current.state, looked_at(content), now=self.clock.now())
        if not decision.events:
            return self._bring_up(current)
        why_not = self.room.refusal(environment, content.head, decision.state)
        if why_not is not None:
            raise RejectedError(f"there is no room for segment {key} so: {why_not}")
        self.markers.open(current.key, self.clock.now() + MARKER_GRACE)
        try:
            with self.turns.turn(current, content.head):
                after = commit_segment(self.store, current, decision)
                look_soon(self.markers, current.key, self.clock)
        except RejectedError as error:
            raise RejectedError(f"segment {key} cannot be kept so: {error}") from error
        log.info("%s %s", type(decision.events[0]).__name__, current.key)
        return self._bring_up(after)

    def _bring_up(self, after: SegmentAggregate) -> SegmentState:
        if not after.state.effects:
            return after.state
        try:
            after = self.publisher.bring_up_segment(after.key, and_followers=False) or after
            self.server.look_again(after.environment)
        except SlipwayError as error:
            log.warning("%s is not served as it is yet: %s", after.key, error)
        if not after.state.effects:
            return after.state
        try:
            self.queue.send(WakeUp(key=after.key, fence=""))
        except SlipwayError as error:
            log.warning("%s is not woken at once, the sweep will: %s", after.key, error)
        return after.state
