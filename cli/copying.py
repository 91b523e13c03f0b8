"""Copying an account into a file, and a file into an empty account, page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from cli.archive_file import read_archive, writing
from shared.domain.archive import Entry
from shared.wire.archive_entries import entry_line
from shared.wire.archive_manifest import Manifest, Tally

BYTES_A_REQUEST: Final = 1_000_000
ENTRIES_A_REQUEST: Final = 200
"""Each may need a transaction of its own, and no request is to take long."""
DONE: Final = "done"
WRITING: Final = "writing"
Progress = Callable[[str, int], None]
"""Told what is being done, and how many entries are."""


class DiffersError(Exception):
    """What was read back is not what was written; the text says where they differ."""


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Some entries, and where the next ones begin; empty: these were the last."""

    entries: tuple[Entry, ...]
    next: str


@dataclass(frozen=True, slots=True)
class WokenPage:
    """How many were woken; go on after `next`, empty: all are. `unread` cannot be read there."""

    count: int
    next: str
    unread: tuple[str, ...]


class Account(Protocol):
    """What is copied from and to: a Slipway that answers. Each method may be repeated."""

    def page(self, after: str) -> EntryPage:
        """Return a page of all that is kept; `after` empty: the first."""
        ...

    def begin(self, manifest: Manifest, *, dry_run: bool) -> str:
        """Begin to make the account of this archive; return how far that is."""
        ...

    def write(self, archive: str, entries: Sequence[Entry]) -> None:
        """Write entries of the archive."""
        ...

    def wake(self, archive: str, after: str) -> WokenPage:
        """Wake some of what was written."""
        ...


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to."""

    manifest: Manifest
    was: str
    """How far it was when it began: `writing`, `waking` or `done`."""
    unread: tuple[str, ...] = ()


def export(
    account: Account,
    path: Path,
    at: datetime,
    progress: Progress,
    seen: Callable[[Entry], object] = lambda _entry: None,
) -> Manifest:
    """Write everything that the account keeps into a new file; `seen` is handed each entry too."""

    def take(entry: Entry) -> None:
        archive.add(entry)
        seen(entry)

    with writing(path, at) as archive:
        _read_all(account, take, lambda count: progress("read", count))
        return archive.finish()


def restore(account: Account, path: Path, progress: Progress) -> Restored:
    """Make the account of what is in the file: check it, write, read back, and only then wake.

    Raises `DiffersError` when what was read back is something else: nothing was woken.
    """
    manifest = read_archive(path, lambda _entry: None)
    was = account.begin(manifest, dry_run=False)
    if was == DONE:
        return Restored(manifest, was)
    if was == WRITING:
        _write_all(account, path, manifest, progress)
        _read_back(account, manifest, progress)
    return Restored(manifest, was, _wake_all(account, manifest.sha256, progress))


def _read_all(account: Account, take: Callable[[Entry], object], progress: Callable[[int], None]) -> None:
    after, count = "", 0
    while True:
        page = account.page(after)
        for entry in page.entries:
            take(entry)
        count += len(page.entries)
        progress(count)
        if not page.next:
            return
        after = page.next


def _write_all(account: Account, path: Path, manifest: Manifest, progress: Progress) -> None:
    waiting: list[Entry] = []
    size, count = 0, 0

    def send() -> None:
        nonlocal size, count
        if waiting:
            account.write(manifest.sha256, tuple(waiting))
        count, size = count + len(waiting), 0
        waiting.clear()
        progress("written", count)

    def take(entry: Entry) -> None:
        nonlocal size
        length = len(entry_line(entry))
        if waiting and (size + length > BYTES_A_REQUEST or len(waiting) == ENTRIES_A_REQUEST):
            send()
        waiting.append(entry)
        size += length

    read_archive(path, take)
    send()


def _read_back(account: Account, manifest: Manifest, progress: Progress) -> None:
    tally = Tally()
    _read_all(account, tally.add, lambda count: progress("read back", count))
    differences = manifest.tally.differences(tally, "in the archive", "in the account")
    if differences:
        raise DiffersError(
            f"what stands there now is not what was written ({'; '.join(differences)}): something else writes into "
            "this account. Nothing was woken. Keep it away, empty the account, and restore again"
        )


def _wake_all(account: Account, archive: str, progress: Progress) -> tuple[str, ...]:
    after, count, unread = "", 0, list[str]()
    while True:
        page = account.wake(archive, after)
        unread += page.unread
        count += page.count
        progress("looked at", count)
        if not page.next:
            return tuple(unread)
        after = page.next
