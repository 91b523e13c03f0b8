"""Files as they are named on the command line; `-` is the standard input."""

import sys
from pathlib import Path

from shared.wire.json_source import MAX_BODY_BYTES

STANDARD_INPUT = "-"


class UnreadableError(Exception):
    """A file could not be read; the text says which, and why."""


def read_file(name: str, *, at_most: int = MAX_BODY_BYTES) -> bytes:
    """Return what a file holds, cut a byte after the longest that is taken. Raises `UnreadableError`."""
    try:
        if name == STANDARD_INPUT:
            return sys.stdin.buffer.read(at_most + 1)
        with Path(name).open("rb") as file:
            return file.read(at_most + 1)
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror or error}") from error


def shown_name(name: str) -> str:
    """Return the name of a file for people."""
    return "standard input" if name == STANDARD_INPUT else name
