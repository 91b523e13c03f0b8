"""What survives a `kill -9`: one SQLite file in the data folder.

Decisions (deployments, rules, swaps, ports) are written before they are answered. Counts (metrics, traffic) are
written twice a second, so a kill loses at most the counts of the last second, never a decision.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.cloud.app_state import ContainerApp, parse_app
from local.cloud.ledger import Heap, Kind, Ledger
from local.cloud.meter import REACH_SECONDS, Meter, Tally
from local.cloud.state import Site, parse_site

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS second (
  site TEXT, slot TEXT, at INTEGER, requests INTEGER, failures INTEGER, busy REAL, pins INTEGER,
  PRIMARY KEY (site, slot, at)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS traffic (
  site TEXT, version TEXT, requests INTEGER, failures INTEGER, PRIMARY KEY (site, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
  site TEXT, at INTEGER, slot TEXT, version TEXT, status INTEGER, at_edge INTEGER, requests INTEGER, busy REAL,
  by_time TEXT, PRIMARY KEY (site, at, slot, version, status, at_edge)) WITHOUT ROWID;
"""


class FolderInUseError(Exception):
    """Another sandbox works in this data folder, or its file cannot be used; the message says which."""


class Journal:
    """The sandbox's memory in `folder`, which is made when missing. One process at a time."""

    def __init__(self, folder: Path) -> None:
        """Open the file. Raises `FolderInUseError` when another sandbox has it, or it is damaged or not writable."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "cloud.sqlite"
        self._db = sqlite3.connect(file, isolation_level=None, timeout=1.0)
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
            self._db.execute("INSERT OR IGNORE INTO document VALUES ('folder', '1')")
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise FolderInUseError(f"another sandbox works in {folder} ({error})") from error
            raise FolderInUseError(f"{file} cannot be used now: {error}") from error
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise FolderInUseError(f"{file} is damaged ({error}): remove it, and it begins anew") from error

    def load_sites(self) -> list[Site]:
        """Return every site that was ever saved, in the order of names."""
        rows = self._db.execute("SELECT body FROM document WHERE id LIKE 'site:%' ORDER BY id")
        return [parse_site(json.loads(body)) for (body,) in rows]

    def save_site(self, site: Site) -> None:
        """Write the site down before anybody is told."""
        self.save_setting(f"site:{site.name}", asdict(site))

    def load_apps(self) -> list[ContainerApp]:
        """Return every app that was ever saved, in the order of names."""
        rows = self._db.execute("SELECT body FROM document WHERE id LIKE 'app:%' ORDER BY id")
        return [parse_app(json.loads(body)) for (body,) in rows]

    def save_app(self, app: ContainerApp) -> None:
        """Write the app down before anybody is told."""
        self.save_setting(f"app:{app.name}", asdict(app))

    def load_setting(self, name: str, default: Any) -> Any:
        """Return a JSON value saved under this name, or `default`."""
        row = self._db.execute("SELECT body FROM document WHERE id = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def save_setting(self, name: str, value: Any) -> None:
        """Write a JSON value down under a name."""
        self._db.execute("INSERT OR REPLACE INTO document VALUES (?, ?)", (name, json.dumps(value)))

    def load_meter(self, site: str, slot: str) -> Meter:
        """Return the counts of the last two hours of a slot."""
        rows = self._db.execute(
            "SELECT at, requests, failures, busy, pins FROM second WHERE site = ? AND slot = ?", (site, slot)
        )
        return Meter({at: Tally(*counts) for at, *counts in rows})

    def load_ledger(self, site: str) -> Ledger:
        """Return the answers of the last two hours of a site."""
        ledger = Ledger()
        rows = self._db.execute(
            "SELECT at, slot, version, status, at_edge, requests, busy, by_time FROM answers WHERE site = ?", (site,)
        )
        for at, slot, version, status, at_edge, requests, busy, by_time in rows:
            kind = Kind(slot, version, status, bool(at_edge))
            ledger.seconds.setdefault(at, {})[kind] = Heap(requests, busy, json.loads(by_time))
        return ledger

    def load_traffic(self, site: str) -> dict[str, Tally]:
        """Return the requests and failures of each version since the very first start."""
        rows = self._db.execute("SELECT version, requests, failures FROM traffic WHERE site = ?", (site,))
        return {version: Tally(requests, failures) for version, requests, failures in rows}

    def save_counts(
        self, site: str, meters: Iterable[tuple[str, Meter]], ledger: Ledger, traffic: dict[str, Tally]
    ) -> None:
        """Write down what was counted since the last time, and drop seconds that are out of reach."""
        seconds = [
            (site, slot, at, tally.requests, tally.failures, tally.busy, tally.pins)
            for slot, meter in meters
            for at, tally in _take_unsaved(meter)
        ]
        versions = [(site, version, tally.requests, tally.failures) for version, tally in traffic.items()]
        answers = [
            (site, at, kind.slot, kind.version, kind.status, kind.at_edge, heap.requests, heap.busy, str(heap.by_time))
            for at, kind, heap in ledger.take_unsaved()
        ]
        if not seconds:
            return
        horizon = max(row[2] for row in seconds) - REACH_SECONDS
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO second VALUES (?, ?, ?, ?, ?, ?, ?)", seconds)
        self._db.executemany("INSERT OR REPLACE INTO traffic VALUES (?, ?, ?, ?)", versions)
        self._db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", answers)
        self._db.execute("DELETE FROM second WHERE site = ? AND at < ?", (site, horizon))
        self._db.execute("DELETE FROM answers WHERE site = ? AND at < ?", (site, horizon))
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Let the folder go."""
        self._db.close()


def _take_unsaved(meter: Meter) -> list[tuple[int, Tally]]:
    taken = [(at, meter.seconds[at]) for at in sorted(meter.unsaved) if at in meter.seconds]
    meter.unsaved.clear()
    return taken
