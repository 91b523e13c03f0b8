"""Backups: what a file or the API brings of an archive."""

import json
from typing import Any

from shared.domain.archive import Entry
from shared.domain.errors import InvalidError, RejectedError
from shared.wire.archive_entries import entry_document, parse_cursor, parse_entry, schema_in, write_cursor
from shared.wire.archive_manifest import Manifest, manifest_document, parse_manifest
from shared.wire.archive_rows import check_entry
from shared.wire.backup_requests import cursor_in, is_dry_run, parse_begin, parse_entries, parse_wake
from shared.wire.restore_progress import read_progress, write_progress
from tests.fuzz.parser import Form, Parser, all_of, message, of_document, of_message, of_text
from tests.fuzz.seeds import given

DIGEST = "0123456789abcdef" * 4
ENTRIES: tuple[dict[str, Any], ...] = (
    {"kind": "state", "of": "application:shop", "name": "", "text": '{"schema":1,"value":{}}'},
    {"kind": "inbox", "of": "application:shop", "name": "c1", "at": 1764150000000000, "text": "{}"},
    {"kind": "history", "of": "application:shop", "name": "7", "text": '\\"a\\u0000"'},
    {"kind": "usage", "of": "production", "name": "new-checkout", "text": "2026-11-23"},
    {"kind": "letter", "of": "", "name": "1", "text": "[]"},
)
MANIFEST = {"format": 1, "schema": 1, "sections": {"state": {"count": 1, "checksum": DIGEST}}, "sha256": DIGEST}


def _entry(value: Any) -> Entry:
    """An entry that is read either fits into a store or is refused by the limit."""
    entry = parse_entry(value)
    schema_in(entry)
    check_entry(entry)
    return entry


def _written_entry(entry: Entry) -> bytes:
    return json.dumps(entry_document(entry)).encode()


def _written_manifest(manifest: Manifest) -> bytes:
    return json.dumps(manifest_document(manifest)).encode()


ARCHIVES = (
    Parser(
        name="archive-entry",
        read=of_document(_entry),
        refuses=(InvalidError, RejectedError),
        write=_written_entry,
        seeds=given(*ENTRIES),
    ),
    Parser(name="archive-manifest", read=of_document(parse_manifest), write=_written_manifest, seeds=given(MANIFEST)),
    Parser(
        name="archive-cursor",
        form=Form.TEXT,
        read=of_text(parse_cursor),
        write=lambda cursor: write_cursor(cursor).encode(),
        seeds=given("WyJoaXN0b3J5IiwiYXBwbGljYXRpb246c2hvcCIsIjciXQ"),
    ),
    Parser(name="restore-begin", read=parse_begin, seeds=given(MANIFEST)),
    Parser(name="restore-entries", read=parse_entries, seeds=given({"archive": DIGEST, "entries": list(ENTRIES)})),
    Parser(name="restore-wake", read=parse_wake, seeds=given({"archive": DIGEST, "after": "application:shop"})),
    Parser(
        name="backup-query",
        form=Form.MESSAGE,
        read=of_message(lambda params, _: all_of(cursor_in, is_dry_run, refuses=(InvalidError,))(params)),
        seeds=given(message({"dry-run": "true", "after": "WyJoaXN0b3J5IiwiYXBwbGljYXRpb246c2hvcCIsIjciXQ"})),
    ),
    Parser(
        name="stored-restore",
        read=of_text(read_progress),
        refuses=(RejectedError,),
        write=lambda progress: write_progress(progress).encode(),
        seeds=given({"type": "restore/1", "archive": DIGEST, "phase": "writing"}),
    ),
)
