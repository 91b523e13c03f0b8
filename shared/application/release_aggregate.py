"""Loading and committing a release of several applications as one."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.application.aggregate import REMEMBERED
from shared.domain.names import ReleaseId, release_key
from shared.domain.releases.decide import ReleaseDecision
from shared.domain.releases.events import SILENT_IN_RELEASE
from shared.domain.releases.state import Release
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry, OutboxEntry, RolloutStore
from shared.wire.alarms import Alarm
from shared.wire.release_documents import (
    ReleaseEnvelope,
    read_release,
    write_open_row,
    write_release,
    write_release_event,
)

RELEASES = release_key(ReleaseId(""))
"""What the key of every release begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAggregate:
    """A release as it was loaded."""

    key: str
    etag: str | None
    envelope: ReleaseEnvelope
    inbox: tuple[InboxEntry, ...] = ()

    @property
    def release(self) -> Release:
        """The rules' state."""
        return self.envelope.release


def load(store: RolloutStore, key: str) -> ReleaseAggregate:
    """Return the release; a fresh one where nothing was ever committed. Raises `TryLaterError`."""
    loaded = store.load(key)
    if loaded.document is None:
        envelope = ReleaseEnvelope(release=Release(id=ReleaseId(key.removeprefix(RELEASES))))
    else:
        envelope = read_release(loaded.document)
    return ReleaseAggregate(key=key, etag=loaded.etag, envelope=envelope, inbox=loaded.inbox)


def commit(
    store: RolloutStore,
    current: ReleaseAggregate,
    decision: ReleaseDecision,
    *,
    alarms: tuple[Alarm, ...],
    consumed: tuple[InboxEntry, ...] = (),
    now: datetime,
) -> ReleaseAggregate:
    """Write the decision in one transaction and return the release after it.

    Raises `VersionConflictError` when somebody else committed since it was loaded.
    """
    before = current.envelope
    envelope = replace(before, release=decision.state, version=before.version + 1, alarms=alarms)
    recorded = (event for event in decision.events if not isinstance(event, SILENT_IN_RELEASE))
    etag = store.commit(
        Change(
            key=current.key,
            etag=current.etag,
            document=write_release(envelope),
            history=tuple(
                HistoryEntry(number, write_release_event(event))
                for number, event in enumerate(recorded, start=before.release.sequence + 1)
            ),
            opened=tuple(OutboxEntry(row.id, write_open_row(row)) for row in decision.opened),
            closed=decision.closed,
            consumed=consumed,
            forget_before=now - REMEMBERED if consumed else None,
        )
    )
    inbox = tuple(entry for entry in current.inbox if entry not in consumed)
    return ReleaseAggregate(key=current.key, etag=etag, envelope=envelope, inbox=inbox)
