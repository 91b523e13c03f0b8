"""An account made of a backup: everything is written first, and woken after that.

Nothing that is written is worked on before all of it is there, for there are no markers and no messages until then. So
a restore that broke off is begun again from the start, and what is there already is left as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from shared.application.backup import RESTORED
from shared.application.revive import Reviver
from shared.domain.errors import RejectedError
from shared.ports.archive import Archive, Entry
from shared.ports.clock import Clock
from shared.ports.rollout_store import Change, RolloutStore
from shared.wire.archive_entries import schema_in
from shared.wire.archive_manifest import Manifest
from shared.wire.restore_progress import RestorePhase, RestoreProgress, read_progress, write_progress
from shared.wire.stored_form import SCHEMA

BUDGET: Final = timedelta(seconds=8)
"""Nothing further is woken in one call after this."""
WOKEN_AT_MOST: Final = 200
NAMED_AT_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Woken:
    """What one call woke: go on after `next`; None: all is awake."""

    count: int
    next: str | None
    unread: tuple[str, ...] = ()
    """What was written but cannot be read by this release: it is marked, and the sweep goes on trying."""


@dataclass(frozen=True, slots=True)
class Restore:
    """Every method is safe to repeat, and raises `TryLaterError` when the store is unwell: then repeat it."""

    archive: Archive
    store: RolloutStore
    reviver: Reviver
    clock: Clock

    def begin(self, manifest: Manifest, *, dry_run: bool = False) -> RestorePhase:
        """Take this archive as the one that the account is made of; return how far it is with it.

        Raises `RejectedError` where something else is kept here already, naming it, or where a newer release of
        Slipway has stored what is in the archive. A dry run finds the same, and takes nothing.
        """
        if manifest.tally.schema > SCHEMA:
            raise RejectedError(_newer(manifest.tally.schema))
        held = self._held()
        if held is not None:
            if held.progress.archive != manifest.sha256:
                raise RejectedError(f"this account is made of another archive already: {held.progress.archive}")
            return held.progress.phase
        there = list(islice(self._names(), NAMED_AT_MOST + 1))
        if there:
            more = " and more" if len(there) > NAMED_AT_MOST else ""
            raise RejectedError(
                f"the account is not empty: it holds {', '.join(there[:NAMED_AT_MOST])}{more}: restore into one that is"
            )
        if not dry_run:
            self._commit(RestoreProgress(manifest.sha256, RestorePhase.WRITING), None)
        return RestorePhase.WRITING

    def write(self, archive: str, entries: Sequence[Entry]) -> None:
        """Write some of the archive's entries.

        Raises `RejectedError` when that is not what goes on here, or when something else stands where one belongs.
        """
        held = self._of(archive)
        if held.progress.phase is not RestorePhase.WRITING:
            raise RejectedError("all of this archive was written here before, and is worked on since")
        for entry in entries:
            if entry.place == RESTORED:
                raise RejectedError(f"an entry of {RESTORED} is of no archive")
            if schema_in(entry) > SCHEMA:
                raise RejectedError(_newer(schema_in(entry)))
        self.archive.write(entries)

    def wake(self, archive: str, after: str) -> Woken:
        """Wake some of what has open work, and make anew what follows from the rest; `after` empty: the first.

        From the first call on nothing more is written. Raises `RejectedError` when no such restore is under way.
        """
        held = self._of(archive)
        if held.progress.phase is RestorePhase.DONE:
            return Woken(0, None)
        if held.progress.phase is RestorePhase.WRITING:
            held = self._moved(held, RestorePhase.WAKING)
        began, unread, last, count = self.clock.now(), [], after, 0
        for name in self.reviver.names(after):
            if name != RESTORED and not self.reviver.revive(name):
                unread.append(name)
            last, count = name, count + 1
            if count == WOKEN_AT_MOST or self.clock.now() - began > BUDGET:
                return Woken(count, last, tuple(unread))
        self._moved(held, RestorePhase.DONE)
        return Woken(count, None, tuple(unread))

    def _names(self) -> Iterator[str]:
        """Yield what is kept here, for people."""
        cursor, first = None, True
        while cursor is not None or first:
            chunk = self.archive.read(cursor)
            yield from dict.fromkeys(entry.place or f"{entry.kind} {entry.name}" for entry in chunk.entries)
            cursor, first = chunk.next, False

    def _of(self, archive: str) -> "_Held":
        held = self._held()
        if held is None or held.progress.archive != archive:
            raise RejectedError(f"no restore of the archive {archive[:64]} is under way here: begin it first")
        return held

    def _held(self) -> "_Held | None":
        loaded = self.store.load(RESTORED)
        if loaded.document is None or loaded.etag is None:
            return None
        return _Held(read_progress(loaded.document), loaded.etag)

    def _moved(self, held: "_Held", phase: RestorePhase) -> "_Held":
        return self._commit(RestoreProgress(held.progress.archive, phase), held.etag)

    def _commit(self, progress: RestoreProgress, etag: str | None) -> "_Held":
        change = Change(key=RESTORED, etag=etag, document=write_progress(progress))
        return _Held(progress, self.store.commit(change))


@dataclass(frozen=True, slots=True)
class _Held:
    progress: RestoreProgress
    etag: str


def _newer(schema: int) -> str:
    return f"a newer release of Slipway stored this, in schema {schema}: this one reads up to {SCHEMA}"
