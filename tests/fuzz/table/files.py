"""Files and settings: backups, app settings, streams of specs; and what the command line is told by a Slipway."""

import gzip
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from cli.__main__ import main
from cli.archive_file import ArchiveError, read_archive, writing
from cli.service import KEY_SETTING
from cli.specs import documents_in
from shared.domain.errors import InvalidError, Problem
from shared.settings import Settings, SettingsError
from shared.wire.archive_entries import parse_entry
from shared.wire.spec import parse_spec
from tests.fuzz.answering import answered
from tests.fuzz.parser import Form, Parser, Read, message, of_document
from tests.fuzz.seeds import given
from tests.fuzz.table.archives import ENTRIES
from tests.unit.domain.specs import NOON
from tests.unit.wire.spec_documents import SMALLEST

SETTINGS = {
    "SLIPWAY_TABLES_ENDPOINT": "https://shop.table.core.windows.net",
    "SLIPWAY_TABLE": "slipway",
    "SLIPWAY_SOURCE_KEYS": "ci=0123456789abcdef",
    "SLIPWAY_FLAG_KEYS": "production/web=0123456789abcdef",
    "SLIPWAY_FLAG_MAX_AGE": "30",
    "SLIPWAY_EVALUATIONS_PER_SECOND": "100",
    "ServiceBus__fullyQualifiedNamespace": "shop.servicebus.windows.net",
    "SLIPWAY_ALLOW_HTTP": "false",
    "SLIPWAY_KEYS": "ann=0123456789abcdef;bob=fedcba9876543210",
    "SLIPWAY_ADDRESS": "https://slipway.example",
    "SLIPWAY_FLAG_ENVIRONMENTS": "production=2;test=0",
    "SLIPWAY_WEB_ORIGINS": "https://shop.example;*",
    "SLIPWAY_FLAG_DISTRIBUTION": json.dumps(
        {
            "production": {"kind": "app-configuration", "endpoint": "https://shop.azconfig.io", "label": "live"},
            "test": {
                "kind": "launchdarkly",
                "project": "shop",
                "environment": "test",
                "tokenSetting": "SLIPWAY_SECRET_LD",
            },
        }
    ),
    "SLIPWAY_KUBERNETES_CLUSTERS": json.dumps(
        [{"server": "https://aks.example:443", "tokenSetting": "SLIPWAY_SECRET_AKS", "ca": ""}]
    ),
}
LETTER = {
    "id": "1",
    "source": "alerts",
    "state": "open",
    "about": ["shop"],
    "at": "2026-11-23T12:00:00Z",
    "reason": "no JSON",
    "history": [
        {"type": "Refused", "at": "2026-11-23T12:00:00Z", "times": 2, "again": "2026-11-23T13:00:00Z", "reason": "x"},
        {"type": "Redriven", "at": "2026-11-23T12:00:00Z", "by": "ann", "sent": True, "reason": "x"},
    ],
    "left_out": 1,
    "is_whole": False,
    "body": "{\u0007",
    "letter": "1",
    "new": False,
    "done": {"by": "ann", "at": "2026-11-23T12:00:00Z", "reason": "x"},
    "dead_letters": [],
    "next": None,
}


def _settings(env: Any) -> Settings:
    if not isinstance(env, dict) or not all(isinstance(value, str) for value in env.values()):
        raise InvalidError(Problem("", "an environment holds texts"))
    settings = Settings.from_env(env)
    settings.check()
    return settings


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of this process, which goes with it."""
    return tempfile.TemporaryDirectory(prefix="slipway-fuzz-files-")


def in_file(read: Callable[[Path], Any]) -> Read:
    """Return the parser of a file."""

    def reader(data: bytes) -> Any:
        path = Path(_folder().name) / "file"
        path.write_bytes(data)
        return read(path)

    return reader


def _archive(path: Path) -> Any:
    return read_archive(path, lambda _entry: None)


def _lines(path: Path) -> Any:
    """What is in a backup, whose compression is whole whatever its lines say."""
    path.write_bytes(gzip.compress(path.read_bytes(), 1))
    return _archive(path)


def _written() -> bytes:
    path = Path(_folder().name) / "written"
    path.unlink(missing_ok=True)
    with writing(path, NOON) as archive:
        for entry in ENTRIES:
            archive.add(parse_entry(entry))
        archive.finish()
    return path.read_bytes()


def _specs(body: bytes) -> Any:
    return [parse_spec(each) for each in documents_in(body)]


def _commands(url: str) -> Any:
    """Each command that shows what a Slipway says of dead letters ends in order, whatever that is."""
    commands = (("list",), ("list", "--json"), ("show", "1"), ("redrive", "1", "--because", "x"))
    with _a_key(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        codes = [main(("dead-letters", *command, "--url", url)) for command in commands]
    assert {*codes} <= {0, 1}
    return codes


@contextmanager
def _a_key() -> Iterator[None]:
    """Let the environment hold an operator's key while inside."""
    before = os.environ.get(KEY_SETTING)
    os.environ[KEY_SETTING] = "a-key-of-this-test"
    try:
        yield
    finally:
        del os.environ[KEY_SETTING]
        if before is not None:
            os.environ[KEY_SETTING] = before


def _told(body: bytes) -> Any:
    """An answer without trouble, after which the command line would wait: only its body is another one each time."""
    return answered(_commands)(message({"status": "200"}, body))


FILES = (
    Parser(
        name="app-settings", read=of_document(_settings), refuses=(SettingsError, InvalidError), seeds=given(SETTINGS)
    ),
    Parser(
        name="backup-file",
        form=Form.TEXT,
        read=in_file(_archive),
        refuses=(ArchiveError,),
        seeds=lambda: (_written(), b"", gzip.compress(b"{}\n", mtime=0)),
    ),
    Parser(
        name="backup-lines",
        form=Form.TEXT,
        read=in_file(_lines),
        refuses=(ArchiveError,),
        seeds=lambda: (gzip.decompress(_written()),),
    ),
    Parser(
        name="spec-stream",
        form=Form.TEXT,
        read=_specs,
        seeds=given(SMALLEST, f"# ours\n{SMALLEST}\n---\n# nothing\n---\n{SMALLEST}"),
    ),
    Parser(
        name="dead-letter-commands",
        read=_told,
        refuses=(),
        seeds=given(LETTER, {**LETTER, "dead_letters": [LETTER]}),
        asks=True,
    ),
)
