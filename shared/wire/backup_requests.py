"""Backups over the API: pages of entries out, and entries in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.archive import Chunk, Cursor, Entry
from shared.domain.errors import InvalidError, Problem
from shared.wire.archive_entries import entry_document, parse_cursor, parse_entry, write_cursor
from shared.wire.archive_manifest import Manifest, parse_manifest
from shared.wire.fields import Fields
from shared.wire.findings import shown
from shared.wire.json_source import read_json

LONGEST: Final = 8 * 1024 * 1024
"""In bytes: so long a body with entries may be. One entry takes less than half of it, however it is written."""
ENTRIES_AT_MOST: Final = 500
_LONGEST_AFTER: Final = 2000
_DIGEST_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class EntriesRequest:
    """Entries of an archive that are to be written."""

    archive: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class WakeRequest:
    """What was written of an archive is to be woken, from here on."""

    archive: str
    after: str


def cursor_in(params: Mapping[str, str]) -> Cursor | None:
    """Return where a page begins. Raises `InvalidError` for what no page ever said."""
    text = params.get("after")
    return parse_cursor(text) if text else None


def page_view(page: Chunk) -> dict[str, Any]:
    """Return a page of entries for the API; `next` is where the next one begins, None at the end."""
    after = write_cursor(page.next) if page.next is not None else None
    return {"entries": [entry_document(entry) for entry in page.entries], "next": after}


def parse_begin(body: bytes) -> Manifest:
    """Return the manifest of the archive that is to be restored. Raises `InvalidError`."""
    return parse_manifest(read_json(body))


def parse_entries(body: bytes) -> EntriesRequest:
    """Return what `{"archive", "entries"}` asks to write. Raises `InvalidError` naming what is wrong."""
    fields = Fields(read_json(body, at_most=LONGEST))
    fields.refuse_others(("archive", "entries"))
    archive, found = fields.text("archive", longest=_DIGEST_LENGTH), fields.get("entries")
    if not isinstance(found, list) or not 1 <= len(found) <= ENTRIES_AT_MOST:
        fields.refuse("entries", f"found {shown(found)}; allowed are 1 to {ENTRIES_AT_MOST} entries of an archive")
        fields.done()
    entries: list[Entry] = []
    problems: list[Problem] = []
    for number, value in enumerate(found):
        try:
            entries.append(parse_entry(value, f"entries[{number}]"))
        except InvalidError as error:
            problems += error.problems
    fields.done()
    if problems:
        raise InvalidError(*problems[:100])
    return EntriesRequest(archive, tuple(entries))


def parse_wake(body: bytes) -> WakeRequest:
    """Return what `{"archive", "after"?}` asks to wake. Raises `InvalidError` naming what is wrong."""
    fields = Fields(read_json(body))
    fields.refuse_others(("archive", "after"))
    archive = fields.text("archive", longest=_DIGEST_LENGTH)
    after = fields.text("after", longest=_LONGEST_AFTER, required=False)
    fields.done()
    return WakeRequest(archive, after)


def is_dry_run(params: Mapping[str, str]) -> bool:
    """Whether only to say what would come of it. Raises `InvalidError`."""
    text = params.get("dry-run") or "false"
    if text not in ("true", "false"):
        raise InvalidError(Problem("dry-run", f"found {shown(text)}; allowed is true or false"))
    return text == "true"
