"""Where aggregates live: state, history, inbox, outbox and deduplication as one partition, one transaction.

Documents are JSON text made by `shared.wire`; the store never looks inside them. A key such as
`application:shop` names one aggregate.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A fact that was accepted and waits to be decided."""

    command_id: str
    document: str
    accepted: datetime


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An effect that a commit asked for and that no follow-up has closed yet."""

    id: str
    document: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One recorded event; sequence numbers of an aggregate start at 1 and have no gaps."""

    sequence: int
    document: str


@dataclass(frozen=True, slots=True)
class Record:
    """A document kept beside the aggregate under an id of its own, such as a rollout that ended."""

    id: str
    document: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """One aggregate as it stands: `document` and `etag` are None before its first commit.

    Inbox entries come in the order in which they were accepted (at most 20, the oldest), outbox entries by id.
    """

    key: str
    etag: str | None
    document: str | None
    inbox: tuple[InboxEntry, ...] = ()
    outbox: tuple[OutboxEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """All that one decision changes, written together or not at all."""

    key: str
    etag: str | None
    """The etag that was loaded; None says that the aggregate must not exist yet."""
    document: str
    history: tuple[HistoryEntry, ...] = ()
    opened: tuple[OutboxEntry, ...] = ()
    closed: tuple[str, ...] = ()
    """Ids of outbox entries that are done."""
    consumed: tuple[InboxEntry, ...] = ()
    """Inbox entries that this decision answers. Their deduplication rows stay."""
    records: tuple[Record, ...] = ()
    forget_before: datetime | None = None
    """Prune a bounded number (at most 10) of deduplication rows accepted before this time."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an acceptance."""

    first: bool
    """False when the command id was known already: nothing was stored."""
    answer: str
    """What was answered the first time that this command id was accepted."""


class RolloutStore(Protocol):
    """Keeps aggregates, each with its inbox and outbox, so that no accepted fact is lost or counted twice.

    Every method raises `TryLaterError` when the store is unwell, after a bounded time.
    """

    def load(self, key: str) -> Loaded:
        """Return the aggregate with its inbox and outbox, in one read of bounded size."""
        ...

    def accept(self, key: str, command_id: str, answer: str, entry: InboxEntry | None) -> Receipt:
        """Store a fact and its deduplication row, once for each command id.

        `entry` None stores only the deduplication row: there is nothing to decide, but the same
        command id gets the same answer from now on. Does not conflict with commits.
        """
        ...

    def commit(self, change: Change) -> str:
        """Write the change in one transaction and return the new etag.

        Raises `VersionConflictError` when the change does not fit what stands there: the aggregate's etag
        is not `change.etag` any more, a consumed or closed entry is gone, a history number is taken.
        Raises `RejectedError`, naming the limit, when the change cannot be stored by the real service
        (100 rows, 4 MiB, 1 MiB an entity in UTF-16). In both cases nothing was written. After a
        `TryLaterError` the change may have been written all the same: load again before deciding again.
        An effect that is both closed and opened is open.
        """
        ...


class RolloutArchive(Protocol):
    """Reads what commits left behind, without touching the aggregate."""

    def history(self, key: str, *, after: int, up_to: int, limit: int) -> tuple[HistoryEntry, ...]:
        """Return the entries with `after < sequence <= up_to`, ascending, at most `limit`."""
        ...

    def record(self, key: str, record_id: str) -> str | None:
        """Return the record's document, or None."""
        ...

    def answer(self, key: str, command_id: str) -> str | None:
        """Return what a command id was answered, or None when it was never accepted (or was pruned)."""
        ...
