"""Which layout the tables of a file have: its `user_version` says so; a file that says nothing has the first one."""

import sqlite3
from pathlib import Path
from typing import Final

from shared.domain.errors import NewerReleaseError

LAYOUT: Final = 1
"""Rises when tables change so that an older release could not use them; the release that changes them sets it."""


def refuse_newer_layout(path: Path, connection: sqlite3.Connection) -> None:
    """Raise `NewerReleaseError` for a file whose tables a newer release has changed, before anything is done to it."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > LAYOUT:
        raise NewerReleaseError.of(f"{path}, a file", found, LAYOUT)
