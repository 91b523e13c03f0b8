"""What SQLite's errors mean: which file is in trouble, and what a person can do about it."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.domain.errors import TryLaterError

_PRIMARY_CODE: Final = 0xFF
_NOT_WRITABLE: Final = "make its folder, it and the files beside it writable for this process"
_DISK: Final = "look at the disk under it"
_BY_ITSELF: Final = "others use it, and it goes on by itself"
_ADVICE: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_FULL: "make room there, and it goes on by itself",
    sqlite3.SQLITE_READONLY: _NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: f"{_NOT_WRITABLE}, and make room there where the disk is full",
    sqlite3.SQLITE_PERM: _NOT_WRITABLE,
    sqlite3.SQLITE_AUTH: _NOT_WRITABLE,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_NOMEM: "this process needs more memory",
    sqlite3.SQLITE_BUSY: _BY_ITSELF,
    sqlite3.SQLITE_LOCKED: _BY_ITSELF,
    sqlite3.SQLITE_PROTOCOL: _BY_ITSELF,
    sqlite3.SQLITE_INTERRUPT: _BY_ITSELF,
    sqlite3.SQLITE_SCHEMA: _BY_ITSELF,
}
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class DamagedFileError(TryLaterError):
    """The file is no intact SQLite database. Nothing was decided, and nothing will be until a person has mended it."""


def trouble_with(path: Path, error: sqlite3.Error, mending: str) -> TryLaterError | None:
    """Return what is wrong with the file and what to do; None for an error that is a mistake of ours.

    `mending` says how the file is mended once it is damaged.
    """
    code = primary_code(error)
    if code in _DAMAGED:
        return DamagedFileError(f"{path} is damaged ({error}): {mending}")
    if code in _ADVICE:
        return TryLaterError(f"{path} cannot be used now ({error}): {_ADVICE[code]}")
    return None


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; errors that Python's module makes itself have none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY_CODE
