"""Loading and committing a flag, or a segment, of one environment as one."""

from dataclasses import dataclass, replace

from shared.domain.flags.managing.decide import FlagDecision
from shared.domain.flags.managing.events import SilentInFlag
from shared.domain.flags.managing.segments import SegmentDecision, SegmentPublishClosed, SegmentState
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.turns import Turn
from shared.domain.names import EnvironmentName, FlagKey, SegmentKey, environment_of, key_of_flag, key_of_segment
from shared.ports.rollout_store import Change, HistoryEntry, OutboxEntry, Record, RolloutStore
from shared.wire.alarms import Alarm
from shared.wire.flag_documents import (
    FlagEnvelope,
    SegmentEnvelope,
    read_flag_state,
    read_segment_state,
    write_flag_event,
    write_flag_revision,
    write_flag_state,
    write_segment_event,
    write_segment_revision,
    write_segment_state,
)

FLAGS = "flag:"
SEGMENTS = "segment:"
"""What the keys of these aggregates begin with."""
PUBLISH = '"publish"'
DISTRIBUTE = '"distribute"'
"""The stored forms of the effects that they have: what each does is read from the state when it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagAggregate:
    """A flag as it was loaded."""

    key: str
    etag: str | None
    envelope: FlagEnvelope

    @property
    def state(self) -> FlagState:
        """The rules' state."""
        return self.envelope.state

    @property
    def version(self) -> int:
        """How many commits made it."""
        return self.envelope.version

    @property
    def environment(self) -> EnvironmentName:
        """Where the flag is served."""
        return environment_of(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentAggregate:
    """A segment as it was loaded."""

    key: str
    etag: str | None
    envelope: SegmentEnvelope

    @property
    def state(self) -> SegmentState:
        """The rules' state."""
        return self.envelope.state

    @property
    def version(self) -> int:
        """How many commits made it."""
        return self.envelope.version

    @property
    def environment(self) -> EnvironmentName:
        """Where the segment is asked."""
        return environment_of(self.key)


def is_over(turn: Turn, current: FlagAggregate | SegmentAggregate) -> bool:
    """Whether a turn was this aggregate's, and is no more: whoever had it has committed, or can commit no more."""
    return turn.key == current.key and turn.version < current.version


def new_flag(environment: EnvironmentName, key: FlagKey) -> FlagAggregate:
    """Return a flag of which nothing was ever committed."""
    envelope = FlagEnvelope(state=FlagState(key=key))
    return FlagAggregate(key=key_of_flag(environment, key), etag=None, envelope=envelope)


def load_flag(store: RolloutStore, key: str) -> FlagAggregate | None:
    """Return the flag's aggregate; None where nothing was ever committed. Raises `TryLaterError`."""
    loaded = store.load(key)
    if loaded.document is None:
        return None
    return FlagAggregate(key=key, etag=loaded.etag, envelope=read_flag_state(loaded.document))


def commit_flag(
    store: RolloutStore, current: FlagAggregate, decision: FlagDecision, *, alarms: tuple[Alarm, ...]
) -> FlagAggregate:
    """Write the decision in one transaction, with each revision that it made; return the flag after it.

    Raises `VersionConflictError` when somebody else committed since it was loaded.
    """
    before, after = current.envelope, decision.state
    envelope = replace(before, state=after, version=before.version + 1, alarms=alarms)
    recorded = (event for event in decision.events if not isinstance(event, SilentInFlag))
    is_new = after.revision > before.state.revision and after.flag is not None
    etag = store.commit(
        Change(
            key=current.key,
            etag=current.etag,
            document=write_flag_state(envelope),
            history=tuple(
                HistoryEntry(number, write_flag_event(event))
                for number, event in enumerate(recorded, start=before.state.sequence + 1)
            ),
            opened=tuple(
                OutboxEntry(row, DISTRIBUTE if row in after.distributing else PUBLISH) for row in decision.opened
            ),
            closed=decision.closed,
            records=(Record(revision_id(after.revision), write_flag_revision(after.flag)),)
            if is_new and after.flag is not None
            else (),
        )
    )
    return FlagAggregate(key=current.key, etag=etag, envelope=envelope)


def new_segment(environment: EnvironmentName, key: SegmentKey) -> SegmentAggregate:
    """Return a segment of which nothing was ever committed."""
    envelope = SegmentEnvelope(state=SegmentState(key=key))
    return SegmentAggregate(key=key_of_segment(environment, key), etag=None, envelope=envelope)


def load_segment(store: RolloutStore, key: str) -> SegmentAggregate | None:
    """Return the segment's aggregate; None where nothing was ever committed. Raises `TryLaterError`."""
    loaded = store.load(key)
    if loaded.document is None:
        return None
    return SegmentAggregate(key=key, etag=loaded.etag, envelope=read_segment_state(loaded.document))


def commit_segment(store: RolloutStore, current: SegmentAggregate, decision: SegmentDecision) -> SegmentAggregate:
    """Write the decision in one transaction; return the segment after it. Raises `VersionConflictError`."""
    before, after = current.envelope, decision.state
    envelope = replace(before, state=after, version=before.version + 1)
    recorded = (event for event in decision.events if not isinstance(event, SegmentPublishClosed))
    is_new = after.revision > before.state.revision and after.segment is not None
    etag = store.commit(
        Change(
            key=current.key,
            etag=current.etag,
            document=write_segment_state(envelope),
            history=tuple(
                HistoryEntry(number, write_segment_event(event))
                for number, event in enumerate(recorded, start=before.state.sequence + 1)
            ),
            opened=tuple(OutboxEntry(row, PUBLISH) for row in decision.opened),
            closed=decision.closed,
            records=(Record(revision_id(after.revision), write_segment_revision(after.segment)),)
            if is_new and after.segment is not None
            else (),
        )
    )
    return SegmentAggregate(key=current.key, etag=etag, envelope=envelope)


def revision_id(revision: int) -> str:
    """Return under which id a revision is kept beside its aggregate."""
    return f"revision-{revision}"
