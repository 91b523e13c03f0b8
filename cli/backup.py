"""`slipway backup`: copies all that a running Slipway keeps into a file, and a file into an empty one."""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.archive_file import ArchiveError, read_archive
from cli.copying import DONE, DiffersError, export, restore
from cli.service import KEY_SETTING, URL_SETTING, Service, ServiceError, add_address, service
from cli.telling import remark, tell, tell_json
from shared.domain.archive import Entry
from shared.wire.archive_entries import schema_in
from shared.wire.archive_manifest import Manifest, manifest_document
from shared.wire.stored_form import SCHEMA

EVERY_SECONDS = 2.0
_NAMED_AT_MOST = 10
_CODES = "exit codes: 0 done, 1 refused or not done, 2 the command line was not understood"
_EXAMPLES = f"""examples:
  export {URL_SETTING}=https://slipway.example {KEY_SETTING}=...
  python -m cli backup export monday.backup
  python -m cli backup verify monday.backup
  python -m cli backup restore monday.backup --dry-run
  python -m cli backup restore monday.backup

The file holds what the store holds: keep it as you keep that. Restoring may be repeated until it went well.
{_CODES}
"""
_RESTORING = f"""examples:
  export {URL_SETTING}=https://new.slipway.example {KEY_SETTING}=...     # of the empty one
  python -m cli backup restore monday.backup --dry-run     # what would be written, and is it empty?
  python -m cli backup restore monday.backup

The file is checked, written, read back and compared; only then what was under way goes on. End the old Slipway before.
An account that holds anything is refused. To try it: make serve PORT=7072 DATA=.data-2 EMPTY=1
{_CODES}
"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "backup",
        help="copy all that Slipway keeps into a file, and a file into an empty Slipway",
        description="Copy all that a running Slipway keeps, with checksums, while it goes on working.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    exporting = actions.add_parser("export", help="write everything into a new file")
    verifying = actions.add_parser("verify", help="say whether a file is whole, without asking anybody")
    restoring = actions.add_parser(
        "restore",
        help="make an empty Slipway of a file",
        description="Make an empty Slipway of a backup: all of its state, and what was under way goes on.",
        epilog=_RESTORING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    restoring.add_argument("--dry-run", action="store_true", help="check the file and the account, and write nothing")
    for action, run in ((exporting, _export), (verifying, _verify), (restoring, _restore)):
        action.add_argument("file", metavar="FILE", type=Path, help="the backup")
        action.add_argument("--json", action="store_true", help="write the result as JSON")
        action.set_defaults(run=_telling(run))
    for action in (exporting, restoring):
        add_address(action)


class Progress:
    """Says every few seconds how far it is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, count: int) -> None:
        """Take note."""
        if time.monotonic() - self._last >= EVERY_SECONDS:
            self._last = time.monotonic()
            remark(f"{count:,} {what}")


def _telling(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def told(options: argparse.Namespace) -> int:
        try:
            return run(options)
        except (ArchiveError, ServiceError, DiffersError) as error:
            if options.json:
                tell_json({"ok": False, "detail": str(error)})
            else:
                remark(str(error))
            return 1

    return told


class NewerEntries:
    """Takes note of what a newer release wrote: it is copied as it is, and this release cannot read it."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, entry: Entry) -> None:
        """Take note of an entry."""
        if schema_in(entry) > SCHEMA:
            self.names.append(" ".join(filter(None, (entry.kind, entry.place, entry.name))))

    def warn(self, schema: int) -> None:
        """Say which ones there are, and what they need; nothing where there are none."""
        if not self.names:
            return
        count, rest = len(self.names), len(self.names) - _NAMED_AT_MOST
        named = ", ".join(self.names[:_NAMED_AT_MOST]) + (f" and {rest:,} more" if rest > 0 else "")
        remark(
            f"{count:,} of them {'was' if count == 1 else 'were'} written by a newer release of Slipway, in schema "
            f"{schema} (this one reads up to {SCHEMA}): {named}. All is in the file byte for byte; only that release, "
            "or a later one, can be restored from it"
        )


def _export(options: argparse.Namespace) -> int:
    newer = NewerEntries()
    there = service(options.url, options.wait)
    manifest = export(there, options.file, datetime.now(UTC), Progress(), newer)
    return _copied(options, manifest, newer, f"{options.file}: {_counts(manifest)}")


def _verify(options: argparse.Namespace) -> int:
    newer = NewerEntries()
    manifest = read_archive(options.file, newer)
    return _copied(options, manifest, newer, f"{options.file} is whole: {_counts(manifest)}")


def _copied(options: argparse.Namespace, manifest: Manifest, newer: NewerEntries, words: str) -> int:
    code = _told(options, manifest, words, newer=newer.names)
    newer.warn(manifest.tally.schema)
    return code


def _restore(options: argparse.Namespace) -> int:
    there = service(options.url, options.wait)
    if options.dry_run:
        return _rehearse(options, there)
    restored = restore(there, options.file, Progress())
    if restored.was == DONE:
        return _told(options, restored.manifest, _already(restored.manifest), phase=DONE)
    for key in restored.unread:
        remark(f"{key} was restored and cannot be read there: the log of Slipway says why")
    words = f"restored, read back and woken: {_counts(restored.manifest)}"
    return _told(options, restored.manifest, words, phase=DONE, unread=list(restored.unread))


def _rehearse(options: argparse.Namespace, there: Service) -> int:
    """Say what would be written, also where it would be refused: then with the reason."""
    manifest = read_archive(options.file, lambda _entry: None)
    would = f"{options.file} is whole; would write {_counts(manifest)}"
    try:
        was = there.begin(manifest, dry_run=True)
    except ServiceError as error:
        if options.json:
            tell_json({"ok": False, "detail": str(error), "file": str(options.file), **manifest_document(manifest)})
        else:
            tell(would)
            remark(f"cannot be restored there: {error}")
        return 1
    words = _already(manifest) if was == DONE else f"{would}, and can be restored there"
    return _told(options, manifest, words, phase=was)


def _already(manifest: Manifest) -> str:
    counts = _counts(manifest)
    return f"this account was made of this archive before, and goes on since: nothing was written ({counts})"


def _counts(manifest: Manifest) -> str:
    sections = sorted(manifest.tally.sections.items())
    return f"{manifest.entries:,} entries ({', '.join(f'{section.count:,} {kind}' for kind, section in sections)})"


def _told(options: argparse.Namespace, manifest: Manifest, words: str, **more: Any) -> int:
    if options.json:
        tell_json({"ok": True, "file": str(options.file), **manifest_document(manifest), **more})
    else:
        tell(words)
    return 0
