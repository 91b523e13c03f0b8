"""The rollout store in memory: the same contract as the durable ones, and nothing outlives the process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, islice
from threading import RLock

from shared.domain.errors import VersionConflictError
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry, Loaded, OutboxEntry, Receipt
from shared.wire import aggregate_rows as rows
from shared.wire.table_limits import TableRow, check_transaction

_INBOX_ENTRIES_A_LOAD = 20
_ANSWERS_FORGOTTEN_A_COMMIT = 10
_ANY_NONCE = 32 * "0"
"""The durable stores name each write; here it only counts towards the size of a row."""
_InboxKey = tuple[datetime, str]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Aggregate:
    etag: str | None = None
    document: str | None = None
    inbox: dict[_InboxKey, InboxEntry] = field(default_factory=dict)
    outbox: dict[str, OutboxEntry] = field(default_factory=dict)
    answers: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    history: dict[int, HistoryEntry] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)


class MemoryRolloutStore:
    """Implements `RolloutStore` and `RolloutArchive`. Safe to use from several threads.

    `now` dates only the answers that were given without an inbox entry. `checks_limits` False takes what the real
    service would not: for those who measure something else, since counting takes most of the time.
    """

    def __init__(self, *, now: Callable[[], datetime] = _utc_now, checks_limits: bool = True) -> None:
        self._now = now
        self._checks_limits = checks_limits
        self._etags = count(1)
        self._aggregates: dict[str, _Aggregate] = {}
        self._lock = RLock()

    def load(self, key: str) -> Loaded:
        with self._lock:
            found = self._aggregates.get(key)
            if found is None:
                return Loaded(key, None, None)
            inbox = sorted(found.inbox.values(), key=lambda entry: entry.accepted)[:_INBOX_ENTRIES_A_LOAD]
            outbox = sorted(found.outbox.values(), key=lambda entry: entry.id)
            return Loaded(key, found.etag, found.document, tuple(inbox), tuple(outbox))

    def accept(self, key: str, command_id: str, answer: str, entry: InboxEntry | None) -> Receipt:
        if self._checks_limits:
            check_transaction(_rows_of_acceptance(key, command_id, answer, entry))
        with self._lock:
            aggregate = self._aggregates.setdefault(key, _Aggregate())
            known = aggregate.answers.get(command_id)
            if known is not None:
                return Receipt(first=False, answer=known[1])
            aggregate.answers[command_id] = (entry.accepted if entry else self._now(), answer)
            if entry:
                aggregate.inbox[entry.accepted, entry.command_id] = entry
            return Receipt(first=True, answer=answer)

    def commit(self, change: Change) -> str:
        if self._checks_limits:
            check_transaction(_rows_of_change(change))
        with self._lock:
            aggregate = self._aggregates.get(change.key) or _Aggregate()
            consumed = {(entry.accepted, entry.command_id) for entry in change.consumed}
            opened = {entry.id: entry for entry in change.opened}
            closed = set(change.closed) - opened.keys()
            _check_fits(aggregate, change, consumed, closed)
            self._aggregates[change.key] = aggregate
            aggregate.etag, aggregate.document = f"{next(self._etags)}", change.document
            for inbox_key in consumed:
                del aggregate.inbox[inbox_key]
            for closed_id in closed:
                del aggregate.outbox[closed_id]
            aggregate.outbox |= opened
            aggregate.history |= {entry.sequence: entry for entry in change.history}
            aggregate.records |= {record.id: record.document for record in change.records}
            if change.forget_before is not None:
                _forget_answers(aggregate, change.forget_before)
            return aggregate.etag

    def history(self, key: str, *, after: int, up_to: int, limit: int) -> tuple[HistoryEntry, ...]:
        with self._lock:
            known = self._aggregates.get(key, _Aggregate()).history
            wanted = sorted(number for number in known if after < number <= up_to)
            return tuple(known[number] for number in wanted[: max(0, limit)])

    def record(self, key: str, record_id: str) -> str | None:
        with self._lock:
            return self._aggregates.get(key, _Aggregate()).records.get(record_id)

    def answer(self, key: str, command_id: str) -> str | None:
        with self._lock:
            known = self._aggregates.get(key, _Aggregate()).answers.get(command_id)
            return known[1] if known is not None else None


def _check_fits(aggregate: _Aggregate, change: Change, consumed: set[_InboxKey], closed: set[str]) -> None:
    """Raise `VersionConflictError` where the change was made for another state than the one that stands there."""
    why = ""
    if change.etag != aggregate.etag:
        why = "its etag is another one"
    elif not consumed <= aggregate.inbox.keys():
        why = "an inbox entry is gone"
    elif not closed <= aggregate.outbox.keys():
        why = "an outbox entry is gone"
    elif any(entry.sequence in aggregate.history for entry in change.history):
        why = "a history entry stands already"
    if why:
        raise VersionConflictError(f"{change.key} changed since it was loaded: {why}")


def _forget_answers(aggregate: _Aggregate, before: datetime) -> None:
    old = sorted((at, command) for command, (at, _) in aggregate.answers.items() if at < before)
    for _, command in islice(old, _ANSWERS_FORGOTTEN_A_COMMIT):
        del aggregate.answers[command]


def _rows_of_acceptance(key: str, command_id: str, answer: str, entry: InboxEntry | None) -> list[TableRow]:
    answered = [rows.answer_row(key, command_id, answer, _ANY_NONCE)]
    if entry is None:
        return answered
    aged = rows.age_row(key, command_id, entry.accepted)
    return [*answered, aged, rows.inbox_row(key, entry.command_id, entry.accepted, entry.document)]


def _rows_of_change(change: Change) -> list[TableRow]:
    """Return what the change would be in a table: only its limits matter here."""
    key = change.key
    opened = {entry.id for entry in change.opened}
    consumed = {(entry.command_id, entry.accepted) for entry in change.consumed}
    return [
        rows.state_row(key, change.document, _ANY_NONCE),
        *(rows.outbox_row(key, entry.id, entry.document) for entry in change.opened),
        *(rows.outbox_row(key, entry_id, None) for entry_id in set(change.closed) - opened),
        *(rows.inbox_row(key, command, accepted, None) for command, accepted in consumed),
        *(rows.history_row(key, entry.sequence, entry.document) for entry in change.history),
        *(rows.record_row(key, record.id, record.document) for record in change.records),
    ]
