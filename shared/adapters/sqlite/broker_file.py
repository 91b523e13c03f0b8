"""The broker's file, and the only way into it: a durable transaction."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from shared.adapters.sqlite.broker_tables import SCHEMA
from shared.adapters.sqlite.layout import refuse_newer_layout
from shared.adapters.sqlite.private_file import make_private
from shared.adapters.sqlite.trouble import DamagedFileError, trouble_with
from shared.domain.errors import NewerReleaseError, TryLaterError

_BUSY_SECONDS: Final = 5.0
_MENDING: Final = (
    "stop Slipway, move it away with the -wal and -shm beside it, and start again. A new one is made, and the sweep "
    "wakes whatever waited within six minutes; alerts that stood in the queue alone are lost"
)


class BrokerFile:
    """One connection that threads take in turns. What a transaction committed survives `kill -9` and power cuts.

    A file that was put in the place of the old one is the one that is used from then on. Raises `TryLaterError`, from
    the beginning on, when the file cannot be written, or others keep it locked for 5 seconds, and its kind
    `DamagedFileError` when it is no database; each says which file, and what to do.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._turn = threading.Lock()
        self._closed = False
        self._at_opening: list[Callable[[sqlite3.Connection], None]] = []
        with self._translated():
            self._open()

    def see_to(self, rows: Callable[[sqlite3.Connection], None]) -> None:
        """Call this on every file that is opened from now on, in the place of this one."""
        with self._turn:
            self._at_opening.append(rows)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit all that is done inside, or nothing when it raises."""
        with self._turn, self._translated():
            if self._closed:
                raise TryLaterError("the queue is closed")
            if self._opened is None or self._inode() != self._opened:
                self._connection.close()
                self._open()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def close(self) -> None:
        """Wait for the transaction under way, then let go of the file. Safe to repeat."""
        with self._turn:
            self._closed = True
            self._connection.close()

    def _open(self) -> None:
        self._opened: int | None = None
        make_private(self.path)
        self._connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            refuse_newer_layout(self.path, self._connection)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(SCHEMA)
            for rows in self._at_opening:
                rows(self._connection)
        except (sqlite3.Error, NewerReleaseError):
            self._connection.close()
            raise
        self._opened = self._inode()

    def _inode(self) -> int | None:
        with suppress(OSError):
            return self.path.stat().st_ino
        return None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # a full disk may have rolled it back already
            self._connection.execute("ROLLBACK")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # our own mistake: trying again would hide it
        except sqlite3.Error as error:
            trouble = trouble_with(self.path, error, _MENDING)
            if isinstance(trouble, DamagedFileError):
                self._opened = None
            raise trouble or TryLaterError(f"{self.path} cannot be used now: {error}") from error
