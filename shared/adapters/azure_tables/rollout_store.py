"""The rollout store in Azure Table Storage: a partition for each aggregate, a transaction for each change.

Every write carries a nonce. When its reply was lost and it is sent again, the service answers that the row is in
another state by now; the nonce in that row then tells that it was this very write.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import Operation, create, delete, put, replace
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.domain.errors import TryLaterError, VersionConflictError
from shared.ports.rollout_store import (
    Change,
    HistoryEntry,
    InboxEntry,
    Loaded,
    OutboxEntry,
    Receipt,
)
from shared.wire import aggregate_rows
from shared.wire.table_keys import moment, unescape_key
from shared.wire.table_limits import ROWS_A_TRANSACTION, TableRow
from shared.wire.table_text import join, unpack

_INBOX_ENTRIES_A_LOAD = 20
_ROWS_A_LOAD = 32
"""Rows a page: the state, the inbox and what an outbox usually holds."""
_ANSWERS_FORGOTTEN_A_COMMIT = 10
_ROWS_AN_ANSWER = 2
_ACCEPTANCES_TRIED = 3


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TableRolloutStore:
    """Implements `RolloutStore` and `RolloutArchive`.

    A load is one request while the outbox is short, a commit one (two when answers are to be forgotten), an
    acceptance one (two when the command is known). `now` dates only the answers that were given without an inbox
    entry, which bring no time of their own.
    """

    def __init__(self, table: Table, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._table = table
        self._now = now

    def load(self, key: str) -> Loaded:
        """Read the open rows: the state first, so that a commit meanwhile makes the loaded etag an old one."""
        low, high = aggregate_rows.OPEN_ROWS
        rows = self._table.between(aggregate_rows.partition_of(key), low, high, a_page=_ROWS_A_LOAD)
        open_rows = _OpenRows.read(rows)
        return Loaded(
            key,
            open_rows.state.etag if open_rows.state else None,
            open_rows.state.text() if open_rows.state else None,
            tuple(row.read(_inbox_entry) for row in open_rows.inbox),
            tuple(sorted((row.read(_outbox_entry) for row in open_rows.outbox), key=lambda entry: entry.id)),
        )

    def accept(self, key: str, command_id: str, answer: str, entry: InboxEntry | None) -> Receipt:
        nonce = uuid4().hex
        accepted = entry.accepted if entry else self._now()
        acceptance = [
            create(aggregate_rows.answer_row(key, command_id, answer, nonce)),
            put(aggregate_rows.age_row(key, command_id, accepted)),
        ]
        if entry:
            row = aggregate_rows.inbox_row(key, entry.command_id, entry.accepted, entry.document)
            acceptance.append(put(row))
        for _ in range(_ACCEPTANCES_TRIED):
            try:
                self._table.transact(acceptance)
            except RowConflictError:
                known = self._find_answer(key, command_id)
                if known:
                    ours = known.properties.get("nonce") == nonce
                    return Receipt(first=ours, answer=known.text())
            else:
                return Receipt(first=True, answer=answer)
        raise TryLaterError(f"the answer to {command_id!r} comes and goes")

    def commit(self, change: Change) -> str:
        nonce = uuid4().hex
        operations = _operations_of(change, nonce)
        if change.forget_before:
            room = ROWS_A_TRANSACTION - len(operations)
            operations.extend(self._forget_answers(change.key, change.forget_before, room))
        try:
            return self._table.transact(operations)[0]
        except RowConflictError as conflict:
            return self._etag_if_ours(change, nonce, operations[min(conflict.row, len(operations) - 1)].row, conflict)

    def history(self, key: str, *, after: int, up_to: int, limit: int) -> tuple[HistoryEntry, ...]:
        first, last = max(after + 1, 1), min(up_to, after + limit)
        if last < first:
            return ()
        low, high = aggregate_rows.history_key(first), aggregate_rows.history_key(last) + "~"
        rows = self._table.between(aggregate_rows.partition_of(key), low, high, a_page=last - first + 1)
        return tuple(row.read(_history_entry) for row in rows)

    def record(self, key: str, record_id: str) -> str | None:
        row = self._find(aggregate_rows.record_row(key, record_id, None))
        return row.text() if row else None

    def answer(self, key: str, command_id: str) -> str | None:
        row = self._find_answer(key, command_id)
        return row.text() if row else None

    def _find(self, row: TableRow) -> StoredRow | None:
        return self._table.find(row.partition, row.key)

    def _find_answer(self, key: str, command_id: str) -> StoredRow | None:
        return self._table.find(aggregate_rows.partition_of(key), aggregate_rows.answer_key(command_id))

    def _forget_answers(self, key: str, before: datetime, room: int) -> Iterator[Operation]:
        count = min(_ANSWERS_FORGOTTEN_A_COMMIT, room // _ROWS_AN_ANSWER)
        if count <= 0:
            return
        partition = aggregate_rows.partition_of(key)
        low, high = aggregate_rows.ages_before(before)
        for age, _ in zip(self._table.between(partition, low, high, a_page=count), range(count), strict=False):
            yield delete(TableRow(partition, age.key))
            yield delete(TableRow(partition, aggregate_rows.answer_key_of_age(age.key)))

    def _etag_if_ours(self, change: Change, nonce: str, row: TableRow, conflict: RowConflictError) -> str:
        state = self._table.find(aggregate_rows.partition_of(change.key), aggregate_rows.STATE)
        if state and state.properties.get("nonce") == nonce:
            return state.etag
        raise VersionConflictError(
            f"{change.key} changed since it was loaded: row {row.key!r} is in another state"
        ) from conflict


@dataclass(frozen=True, slots=True)
class _OpenRows:
    state: StoredRow | None
    outbox: tuple[StoredRow, ...]
    inbox: tuple[StoredRow, ...]

    @classmethod
    def read(cls, rows: Iterator[StoredRow]) -> "_OpenRows":
        """Take rows in the order of their keys and stop at the last inbox entry that is wanted."""
        state = None
        outbox = []
        inbox: list[StoredRow] = []
        for row in rows:
            if row.key == aggregate_rows.STATE:
                state = row
            elif row.key.startswith(aggregate_rows.OUTBOX):
                outbox.append(row)
            else:
                inbox.append(row)
            if len(inbox) == _INBOX_ENTRIES_A_LOAD:
                break
        return cls(state, tuple(outbox), tuple(inbox))


def _operations_of(change: Change, nonce: str) -> list[Operation]:
    """The state comes first: its etag decides, and its new etag is the answer."""
    key = change.key
    state = aggregate_rows.state_row(key, change.document, nonce)
    opened = {entry.id for entry in change.opened}
    closed = dict.fromkeys(entry_id for entry_id in change.closed if entry_id not in opened)
    consumed = dict.fromkeys((entry.command_id, entry.accepted) for entry in change.consumed)
    return [
        create(state) if change.etag is None else replace(state, change.etag),
        *(put(aggregate_rows.outbox_row(key, entry.id, entry.document)) for entry in change.opened),
        *(delete(aggregate_rows.outbox_row(key, entry_id, None)) for entry_id in closed),
        *(delete(aggregate_rows.inbox_row(key, command, accepted, None)) for command, accepted in consumed),
        *(create(aggregate_rows.history_row(key, entry.sequence, entry.document)) for entry in change.history),
        *(put(aggregate_rows.record_row(key, record.id, record.document)) for record in change.records),
    ]


def _inbox_entry(row: StoredRow) -> InboxEntry:
    command = unpack(row.properties["command"])
    return InboxEntry(command, join(row.properties), moment(aggregate_rows.accepted_of(row.key)))


def _outbox_entry(row: StoredRow) -> OutboxEntry:
    return OutboxEntry(unescape_key(row.key.removeprefix(aggregate_rows.OUTBOX)), join(row.properties))


def _history_entry(row: StoredRow) -> HistoryEntry:
    return HistoryEntry(int(row.key.removeprefix(aggregate_rows.HISTORY)), join(row.properties))
