"""Backups of worlds in memory: the command line's own copying, on the use cases instead of over HTTP."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cli.archive_file import read_archive
from cli.copying import EntryPage, Restored, WokenPage, export, restore
from shared.adapters.sqlite.broker import SqliteBroker
from shared.application.backup import Backup
from shared.bootstrap import App, Keeping
from shared.domain.archive import Entry
from shared.domain.errors import TryLaterError
from shared.wire.archive_entries import entry_document, parse_entry
from shared.wire.archive_manifest import Manifest, manifest_document
from shared.wire.backup_requests import cursor_in, page_view, parse_begin, parse_entries, parse_wake
from tests.scenario.world import NOON, World


class AccountOf:
    """What an app keeps, by way of the bytes that the API would send and be sent."""

    def __init__(
        self, app: App, between: Callable[[str], None] = lambda _call: None, backup: Backup | None = None
    ) -> None:
        """`between` is called before each call, with its name; `backup` reads instead of the app's own."""
        self._app = app
        self._between = between
        self._backup = backup or app.backup

    def page(self, after: str) -> EntryPage:
        self._between("page")
        view = _as_sent(page_view(self._backup.page(cursor_in({"after": after}))))
        return EntryPage(tuple(map(parse_entry, view["entries"])), view["next"] or "")

    def begin(self, manifest: Manifest, *, dry_run: bool) -> str:
        self._between("begin")
        body = json.dumps(manifest_document(manifest)).encode()
        return self._app.restore.begin(parse_begin(body), dry_run=dry_run)

    def write(self, archive: str, entries: Sequence[Entry]) -> None:
        self._between("write")
        body = json.dumps({"archive": archive, "entries": [entry_document(entry) for entry in entries]}).encode()
        request = parse_entries(body)
        self._app.restore.write(request.archive, request.entries)

    def wake(self, archive: str, after: str) -> WokenPage:
        self._between("wake")
        body = json.dumps({"archive": archive, **({"after": after} if after else {})}).encode()
        request = parse_wake(body)
        woken = self._app.restore.wake(request.archive, request.after)
        return WokenPage(woken.count, woken.next or "", woken.unread)


class LeapingClock:
    """No call that looks at it has any time left."""

    def __init__(self) -> None:
        self._now = NOON

    def now(self) -> datetime:
        self._now += timedelta(minutes=1)
        return self._now


def back_up(
    world: World,
    path: Path,
    between: Callable[[str], None] = lambda _call: None,
    *,
    a_chunk_a_page: bool = False,
    archive: Any = None,
) -> Manifest:
    """Copy all that the world's app keeps into a file."""
    clock = LeapingClock() if a_chunk_a_page else world.clock
    account = AccountOf(world.app, between, Backup(archive or world.keeping.archive, clock))
    return export(account, path, world.clock.now(), lambda _what, _count: None)


def move_into(world: World, folder: Path) -> None:
    """Give the world a new app with an empty store and an empty queue; what is outside of it stays as it is."""
    folder.mkdir()
    world.folder = folder
    world.broker = SqliteBroker(folder / "queue.db", now=world.clock.now)
    world.start()


def restored(world: World, path: Path, between: Callable[[str], None] = lambda _call: None) -> Restored:
    """Make the world's app of the file."""
    return restore(AccountOf(world.app, between), path, lambda _what, _count: None)


def rehearsed(world: World, path: Path) -> str:
    """Ask the world's app whether it could be made of the file; return how far it is with that."""
    return AccountOf(world.app).begin(read_archive(path, lambda _entry: None), dry_run=True)


def _as_sent(view: Any) -> Any:
    return json.loads(json.dumps(view))


class LostError(Exception):
    """A call failed, and nobody knows whether it was carried out."""


def back_up_of(app: App, path: Path, world: World) -> Manifest:
    """Copy all that an app keeps that is no more the world's."""
    return export(AccountOf(app), path, world.clock.now(), lambda _what, _count: None)


def breaks_at(number: int) -> Callable[[str], None]:
    """Fail at the call of this number, as a connection that is lost."""
    calls = iter(range(1, number + 1))

    def call(_name: str) -> None:
        if next(calls, number + 1) == number:
            raise LostError("lost")

    return call


def never_asked(name: str) -> None:
    """Fail at any call."""
    raise AssertionError(f"{name} was asked")


class FailsOnce:
    """Has each call that writes fail the first time with these arguments, before it is carried out or after."""

    def __init__(self, is_done_before: bool) -> None:
        self.is_done_before = is_done_before
        self.is_awake = True
        self.failed: set[str] = set()
        self._seen: set[str] = set()

    def keeping(self, keeping: Keeping) -> Keeping:
        return replace(
            keeping,
            archive=_Failing(keeping.archive, self, "write"),
            store=_Failing(keeping.store, self, "commit"),
            index=_Failing(keeping.index, self, "put"),
            markers=_Failing(keeping.markers, self, "open"),
            queue=_Failing(keeping.queue, self, "send"),
        )

    def call(self, name: str, do: Callable[[], Any], given: str) -> Any:
        key = f"{name} {given}"
        if not self.is_awake or key in self._seen:
            return do()
        self._seen.add(key)
        self.failed.add(name)
        if self.is_done_before:
            do()
        raise TryLaterError(f"{name} fails")


class _Failing:
    def __init__(self, inner: Any, fails: FailsOnce, *methods: str) -> None:
        self._inner = inner
        self._fails = fails
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self._methods:
            return method
        return lambda *args, **more: self._fails.call(name, lambda: method(*args, **more), str(args)[:200])
