"""The broker's file, and the only way into it: a durable transaction."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared.adapters.sqlite.broker_tables import SCHEMA
from shared.domain.errors import TryLaterError

_BUSY_SECONDS: Final = 5.0


class BrokerFile:
    """One connection that threads take in turns. What a transaction committed survives `kill -9` and power cuts."""

    def __init__(self, path: Path | str) -> None:
        self._turn = threading.Lock()
        self._closed = False
        with _translated():
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._connection.row_factory = sqlite3.Row
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=FULL")
                self._connection.executescript(SCHEMA)
            except sqlite3.Error:
                self._connection.close()
                raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit all that is done inside, or nothing when it raises.

        Raises `TryLaterError` when the file cannot be written, or others keep it locked for 5 seconds.
        """
        with self._turn, _translated():
            if self._closed:
                raise TryLaterError("the queue is closed")
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

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # a full disk may have rolled it back already
            self._connection.execute("ROLLBACK")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # our own mistake: trying again would hide it
    except sqlite3.Error as error:
        raise TryLaterError(f"the queue's file is unwell: {error}") from error
