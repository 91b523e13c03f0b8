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
from shared.wire.archive_manifest import Manifest, manifest_document

EVERY_SECONDS = 2.0
_EXAMPLES = f"""examples:
  export {URL_SETTING}=https://slipway.example {KEY_SETTING}=...
  python -m cli backup export monday.backup
  python -m cli backup verify monday.backup
  python -m cli backup restore monday.backup --dry-run
  python -m cli backup restore monday.backup

The file holds what the store holds: keep it as you keep that. Restoring may be repeated until it went well.
exit codes: 0 done, 1 refused or not done, 2 the command line was not understood
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
    restoring = actions.add_parser("restore", help="make an empty Slipway of a file")
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


def _export(options: argparse.Namespace) -> int:
    manifest = export(service(options.url, options.wait), options.file, datetime.now(UTC), Progress())
    return _told(options, manifest, f"{options.file}: {_counts(manifest)}")


def _verify(options: argparse.Namespace) -> int:
    manifest = read_archive(options.file, lambda _entry: None)
    return _told(options, manifest, f"{options.file} is whole: {_counts(manifest)}")


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
