"""Everything that is kept, page by page, while it is being worked on: what a backup is made of."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from shared.ports.archive import Archive, Chunk, Cursor, Entry
from shared.ports.clock import Clock

RESTORED: Final = "backup:restore"
"""The key under which a restore keeps how far it is. It is of this account, and goes into no backup."""
CHARACTERS_A_PAGE: Final = 2_000_000
BUDGET: Final = timedelta(seconds=8)
"""No further chunk is read for a page after this."""


@dataclass(frozen=True, slots=True)
class Backup:
    """Reads what is there and writes nothing. Raises `TryLaterError` when the store is unwell: ask again."""

    archive: Archive
    clock: Clock

    def page(self, cursor: Cursor | None) -> Chunk:
        """Return the next entries, perhaps none, and where to go on; all that belongs together is on one page.

        What one call reads is bounded, however much is kept: some two million characters, and one chunk more.
        """
        page = _Page()
        began = self.clock.now()
        while True:
            chunk = self.archive.read(cursor)
            page.add(chunk)
            cursor = chunk.next
            if cursor is None or page.characters > CHARACTERS_A_PAGE or self.clock.now() - began > BUDGET:
                return Chunk(tuple(page.entries), cursor)


@dataclass(slots=True)
class _Page:
    entries: list[Entry] = field(default_factory=list)
    characters: int = 0

    def add(self, chunk: Chunk) -> None:
        own = [entry for entry in chunk.entries if entry.place != RESTORED]
        self.entries += own
        self.characters += sum(len(entry.text) for entry in own)
