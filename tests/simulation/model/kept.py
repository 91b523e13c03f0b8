"""Where aggregates are kept, as a value: what each call of the store comes to, all of it or nothing.

`test_model_world.py` holds this to what the embedded store does with the same calls.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.errors import VersionConflictError
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry, Loaded, OutboxEntry, Receipt, Record

LOADED_AT_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """One aggregate's rows. Equal rows are one object, if they went through `one`."""

    key: str
    version: int = 0
    """How many commits made this; the etag."""
    document: str | None = None
    inbox: tuple[InboxEntry, ...] = ()
    outbox: tuple[OutboxEntry, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    records: tuple[Record, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    taken: frozenset[str] = frozenset()
    """Command ids that were accepted with a fact to decide: what the laws of acceptance are about."""

    def one(self, known: dict[object, "Kept"]) -> "Kept":
        """Return the one object among `known` that stands for these rows."""
        fields = (self.key, self.version, self.document, self.inbox, self.outbox, self.history, self.records)
        return known.setdefault((*fields, self.answers, self.taken), self)

    def load(self) -> Loaded:
        """Return what a load sees."""
        etag = f"v{self.version}" if self.version else None
        return Loaded(self.key, etag, self.document, self.inbox[:LOADED_AT_MOST], self.outbox)

    def answer(self, command_id: str) -> str | None:
        """Return what a command id was answered."""
        return next((answer for known, answer in self.answers if known == command_id), None)

    def accept(self, command_id: str, answer: str, entry: InboxEntry | None) -> tuple["Kept", Receipt]:
        """Return the rows after an acceptance, and its receipt."""
        known = self.answer(command_id)
        if known is not None:
            return self, Receipt(first=False, answer=known)
        taken = self.taken | {command_id} if entry is not None else self.taken
        inbox = (*self.inbox, entry) if entry is not None else self.inbox
        ordered = tuple(sorted(inbox, key=_accepted))
        answers = tuple(sorted((*self.answers, (command_id, answer))))
        after = replace(self, inbox=ordered, answers=answers, taken=taken)
        return after, Receipt(first=True, answer=answer)

    def commit(self, change: Change) -> "Kept":
        """Return the rows after a change. Raises `VersionConflictError` when it does not fit what stands here."""
        if change.etag != self.load().etag:
            raise VersionConflictError(f"{change.key} changed since it was loaded: its etag is another one")
        opened = {entry.id for entry in change.opened}
        closed = {row for row in change.closed if row not in opened}
        numbers = {entry.sequence for entry in self.history}
        if not set(change.consumed) <= set(self.inbox) or not closed <= {row.id for row in self.outbox}:
            raise VersionConflictError(f"{change.key} changed since it was loaded: an entry is gone")
        if numbers & {entry.sequence for entry in change.history}:
            raise VersionConflictError(f"{change.key} changed since it was loaded: a line of history stands already")
        return self.overwritten(change)

    def overwritten(self, change: Change) -> "Kept":
        """Return the rows after a change, whatever stands here."""
        opened = {entry.id for entry in change.opened}
        outbox = (*(row for row in self.outbox if row.id not in {*change.closed, *opened}), *change.opened)
        kept = {record.id: record for record in (*self.records, *change.records)}
        lines = {line.sequence: line for line in (*self.history, *change.history)}
        return replace(
            self,
            version=self.version + 1,
            document=change.document,
            inbox=tuple(entry for entry in self.inbox if entry not in change.consumed),
            outbox=tuple(sorted(outbox, key=lambda row: row.id)),
            history=tuple(lines[number] for number in sorted(lines)),
            records=tuple(kept[each] for each in sorted(kept)),
        )


def _accepted(entry: InboxEntry) -> datetime:
    return entry.accepted
