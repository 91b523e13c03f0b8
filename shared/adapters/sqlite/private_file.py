"""New files of SQLite's are for their owner alone: bodies, reasons and people's names stand in them."""

import os
import threading
from contextlib import suppress
from pathlib import Path


def make_private(path: Path) -> None:
    """Make an empty file with mode 600 where there is none: to SQLite it is a new database.

    What SQLite puts beside it (-wal, -shm) gets the same mode. A file that is there keeps the mode that somebody gave
    it. Nothing is raised: who opens the file next is told what is wrong with its folder.
    """
    with suppress(OSError):
        if path.exists():
            return
        # Made under another name first: to close a file takes away the locks that the whole process has on it, and
        # another thread may be working with this one by then.
        new = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT, 0o600))
        try:
            os.link(new, path)
        finally:
            new.unlink()
