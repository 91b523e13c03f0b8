"""Loading and committing an application as one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.names import ApplicationName, application_key
from shared.domain.rollout.draft import Decision
from shared.domain.rollout.events import SILENT
from shared.domain.rollout.state import Application
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry, OutboxEntry, Record, RolloutStore
from shared.wire.alarms import Alarm
from shared.wire.documents import (
    Envelope,
    read_envelope,
    write_effect,
    write_envelope,
    write_event,
    write_rollout,
)

REMEMBERED = timedelta(days=30)
"""How long a command id is known after it was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """An application as it was loaded."""

    key: str
    etag: str | None
    envelope: Envelope
    inbox: tuple[InboxEntry, ...] = ()

    @property
    def application(self) -> Application:
        """The rules' state."""
        return self.envelope.application


def load(store: RolloutStore, key: str) -> Aggregate:
    """Return the application; a fresh one where nothing was ever committed. Raises `TryLaterError`."""
    loaded = store.load(key)
    if loaded.document is None:
        name = ApplicationName(key.removeprefix(application_key(ApplicationName(""))))
        envelope = Envelope(application=Application(name=name))
    else:
        envelope = read_envelope(loaded.document)
    return Aggregate(key=key, etag=loaded.etag, envelope=envelope, inbox=loaded.inbox)


def commit(
    store: RolloutStore,
    aggregate: Aggregate,
    decision: Decision,
    *,
    alarms: tuple[Alarm, ...],
    consumed: tuple[InboxEntry, ...] = (),
    now: datetime,
) -> Aggregate:
    """Write the decision in one transaction and return the aggregate after it.

    Raises `VersionConflictError` when somebody else committed since it was loaded.
    """
    before = aggregate.envelope
    envelope = replace(before, application=decision.state, version=before.version + 1, alarms=alarms)
    etag = store.commit(
        Change(
            key=aggregate.key,
            etag=aggregate.etag,
            document=write_envelope(envelope),
            history=tuple(_history(before.application.sequence, decision)),
            opened=tuple(OutboxEntry(row.id, write_effect(row.effect)) for row in decision.opened),
            closed=decision.closed,
            consumed=consumed,
            records=tuple(Record(rollout.id, write_rollout(rollout)) for rollout in decision.archived),
            forget_before=now - REMEMBERED if consumed else None,
        )
    )
    inbox = tuple(entry for entry in aggregate.inbox if entry not in consumed)
    return Aggregate(key=aggregate.key, etag=etag, envelope=envelope, inbox=inbox)


def _history(sequence: int, decision: Decision) -> Iterable[HistoryEntry]:
    recorded = (event for event in decision.events if not isinstance(event, SILENT))
    return (HistoryEntry(number, write_event(event)) for number, event in enumerate(recorded, start=sequence + 1))
