"""A backup as a file: gzip of lines of JSON, the first says what it is, the last how much there is, with checksums.

It is written beside its name and gets it when it is whole, so a file that was torn off has another name. One that is
torn later, or changed in one bit, is known by its checksums. No more than a line of it is held in memory.
"""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from shared.domain.archive import Entry
from shared.domain.errors import InvalidError
from shared.wire.archive_entries import parse_entry
from shared.wire.archive_manifest import FORMAT, Manifest, Tally, manifest_document, parse_manifest
from shared.wire.backup_requests import LONGEST
from shared.wire.findings import shown

KIND: Final = "slipway-backup"
_MANIFEST: Final = "manifest"


class ArchiveError(Exception):
    """A file cannot be written, or is no whole archive; the text says which, and why."""


class ArchiveWriter:
    """Takes entries. What it has come to is known when `finish` returns."""

    def __init__(self, lines: gzip.GzipFile, at: datetime) -> None:
        self._lines = lines
        self._digest = hashlib.sha256()
        self.tally = Tally()
        self._write(_line({"kind": KIND, "format": FORMAT, "at": at.isoformat(timespec="seconds")}))

    def add(self, entry: Entry) -> None:
        """Write an entry."""
        self._write(self.tally.add(entry))

    def finish(self) -> Manifest:
        """Write the last line."""
        manifest = Manifest(sha256=self._digest.hexdigest(), tally=self.tally)
        self._lines.write(_line({_MANIFEST: manifest_document(manifest)}))
        return manifest

    def _write(self, line: bytes) -> None:
        self._digest.update(line)
        self._lines.write(line)


@contextmanager
def writing(path: Path, at: datetime) -> Iterator[ArchiveWriter]:
    """Write a file that is only there, under its name, when all of it is on disk; only its owner can read it.

    Raises `ArchiveError` where there is one of this name, or where it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        if path.exists():
            raise ArchiveError(f"{path} is there already: name another file, or remove it")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with gzip.GzipFile(fileobj=file, filename="", mode="wb", mtime=0) as lines:
                yield ArchiveWriter(lines, at)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def read_archive(path: Path, take: Callable[[Entry], None]) -> Manifest:
    """Hand over each entry and return the manifest, once everything is as it says.

    Raises `ArchiveError` for a file that is torn, was changed, or is none of ours; entries were handed over by then, so
    read it for nothing first.
    """
    try:
        with gzip.open(path, "rb") as lines:
            return _read(path, lines, take)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"torn, changed, or no backup at all ({error})") from error
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror or error}") from error


def _read(path: Path, lines: gzip.GzipFile, take: Callable[[Entry], None]) -> Manifest:
    digest, tally = hashlib.sha256(), Tally()
    for number, line in enumerate(iter(lambda: lines.readline(LONGEST), b""), start=1):
        value = _value(path, number, line)
        if number == 1:
            _check_first(path, value)
        elif _MANIFEST in value:
            if lines.read(1):
                raise _damaged(path, "it goes on after its last line")
            return _checked(path, value, digest.hexdigest(), tally)
        else:
            entry = _entry(path, number, value)
            tally.add(entry)
            take(entry)
        digest.update(line)
    raise _damaged(path, "it is torn: its last line, with the checksums, is missing")


def _damaged(path: Path, how: str) -> ArchiveError:
    return ArchiveError(f"{path} is damaged: {how}. Take another copy of it, or another backup")


def _value(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"line {number} cannot be read") from error
    if not isinstance(value, dict):
        raise _damaged(path, f"line {number} is {shown(value)} instead of an object")
    return value


def _check_first(path: Path, value: dict[str, Any]) -> None:
    if value.get("kind") != KIND:
        raise ArchiveError(f"{path} is no backup of Slipway, or its first line is damaged")
    if value.get("format") != FORMAT:
        raise ArchiveError(f"{path} is of format {shown(value.get('format'))}: this release reads format {FORMAT}")


def _entry(path: Path, number: int, value: dict[str, Any]) -> Entry:
    try:
        return parse_entry(value)
    except InvalidError as error:
        raise _damaged(path, f"line {number} is no entry ({error})") from error


def _checked(path: Path, value: dict[str, Any], digest: str, tally: Tally) -> Manifest:
    try:
        manifest = parse_manifest(value[_MANIFEST], _MANIFEST)
    except InvalidError as error:
        raise _damaged(path, f"its last line cannot be read ({error})") from error
    differences = list(manifest.tally.differences(tally, "by its last line", "in it"))
    if manifest.tally.schema != tally.schema:
        differences.append(f"schema: {manifest.tally.schema} by its last line, {tally.schema} in it")
    if not differences and manifest.sha256 != digest:
        differences.append("the same entries in another order, or written in another way")
    if differences:
        raise _damaged(path, f"something in it was changed ({'; '.join(differences)})")
    return manifest


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
