"""One durable SQLite file, safe to use from many threads and several processes at once.

WAL, so that readers never wait for the writer; `synchronous` FULL, so that a commit that returned is on disk.
Each use takes a connection of its own from a small pool, so no two threads ever share one.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.adapters.sqlite.layout import refuse_newer_layout
from shared.adapters.sqlite.line import Line
from shared.adapters.sqlite.private_file import make_private
from shared.adapters.sqlite.trouble import primary_code, trouble_with
from shared.domain.errors import TryLaterError
from shared.wire.stored_form import refusing_broken

_IDLE_CONNECTIONS = 16
_RETRY_PAUSE_SECONDS = 0.02
_MENDING = "stop Slipway, put a backup in its place without the -wal and -shm beside it, and start again"


@dataclass(slots=True)
class _Session:
    connection: sqlite3.Connection
    file: int | None
    """The inode that was opened: a file that was replaced or removed since must not be written to."""
    schemas: int = 0
    """How many of the required schemas this connection has seen to."""


class Database:
    """One SQLite file with transactions.

    Nothing is opened before the first use. Raises `TryLaterError` when the file is locked for longer than
    `patience`, read-only, out of reach or the disk is full, and its kind `DamagedFileError` when it is no database any
    more; each says which file, and what to do. Who writes may wait for twice `patience`: for the other threads, and
    then for other processes.
    """

    def __init__(self, path: Path | str, *, patience: timedelta = timedelta(seconds=5)) -> None:
        self.path = Path(path)
        self._patience = patience.total_seconds()
        self._schemas: list[str] = []
        self._idle: list[_Session] = []
        self._lock = threading.Lock()
        self._writers = Line()

    def require(self, schema: str) -> None:
        """See to it that these `CREATE ... IF NOT EXISTS` statements ran before anything else does."""
        with self._lock:
            if schema not in self._schemas:
                self._schemas.append(schema)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read one consistent state of the file, however many statements it takes.

        Raises `RejectedError` when what stands there cannot be read within the block.
        """
        with self._transaction("BEGIN DEFERRED") as connection, refusing_broken(f"a row of {self.path}"):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing: on disk when the block ends, undone when it raises.

        Threads that write to this object take turns in the order in which they came, each waiting at most `patience`.
        """
        if not self._writers.enter(self._patience):
            raise TryLaterError(f"{self.path} cannot be used now: too many wait to write, and it goes on by itself")
        try:
            with self._transaction("BEGIN IMMEDIATE") as connection:
                yield connection
        finally:
            self._writers.leave()

    def close(self) -> None:
        """Close the connections that are not in use. The next use opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._translated_errors(), self._session() as connection:
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        session = self._take()
        try:
            self._see_to_schemas(session)
            yield session.connection
        except BaseException:
            if session.connection.in_transaction:
                session.connection.close()
            else:
                self._give_back(session)
            raise
        self._give_back(session)

    def _take(self) -> _Session:
        file = self._inode()
        while True:
            with self._lock:
                session = self._idle.pop() if self._idle else None
            if session is None:
                connection = self._connect()
                return _Session(connection, self._inode())
            if session.file == file:
                return session
            session.connection.close()

    def _inode(self) -> int | None:
        with suppress(OSError):
            return self.path.stat().st_ino
        return None

    def _give_back(self, session: _Session) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(session)
                return
        session.connection.close()

    def _connect(self) -> sqlite3.Connection:
        make_private(self.path)
        connection = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        try:
            refuse_newer_layout(self.path, connection)
            self._turn_on_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _turn_on_wal(self, connection: sqlite3.Connection) -> None:
        """SQLite does not wait by itself when two processes turn it on for a new file at the same moment."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_PAUSE_SECONDS)
            else:
                return

    def _see_to_schemas(self, session: _Session) -> None:
        while session.schemas < len(self._schemas):
            session.connection.executescript(self._schemas[session.schemas])
            session.schemas += 1

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            trouble = trouble_with(self.path, error, _MENDING)
            if trouble is None:
                raise
            raise trouble from error
