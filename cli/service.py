"""A running Slipway over HTTP, with an operator's key."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from cli.copying import EntryPage, WokenPage
from cli.telling import remark
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import Answer, exchange
from shared.calls.retry_after import read_retry_after
from shared.domain.archive import Entry
from shared.domain.errors import InvalidError, TryLaterError
from shared.wire.archive_entries import entry_document, parse_entry
from shared.wire.archive_manifest import Manifest, manifest_document

URL_SETTING: Final = "SLIPWAY_URL"
KEY_SETTING: Final = "SLIPWAY_KEY"
TIMEOUT_SECONDS: Final = 60.0
TRIES: Final = 8
LONGEST_PAUSE_SECONDS: Final = 60.0
TOLD_FROM_SECONDS: Final = 2.0
"""A pause of so long is told, so that nobody wonders what is waited for."""
LONGEST_ANSWER: Final = 64 * 1024 * 1024
_LATER: Final = frozenset({429, 500, 502, 503, 504})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class ServiceError(Exception):
    """Slipway cannot be asked, or said no; the text says what, and the fix where there is one."""


@dataclass(frozen=True, slots=True)
class Service:
    """Asks again when the other side is unwell or does not answer: everything that is asked here may be repeated."""

    url: str
    key: str
    pause_seconds: float = 1.0
    """Before the second try; twice as long before each further one."""
    tries: int = TRIES

    def page(self, after: str) -> EntryPage:
        """Return a page of all that is kept; `after` empty: the first."""
        match self.ask("GET", f"/api/backup?after={quote(after)}" if after else "/api/backup"):
            case {"entries": list(entries), "next": None | str() as following}:
                return EntryPage(tuple(_entry(each) for each in entries), following or "")
            case other:
                raise _not_understood(other)

    def begin(self, manifest: Manifest, *, dry_run: bool) -> str:
        """Begin to make the account of this archive; return how far that is."""
        asked = "?dry-run=true" if dry_run else ""
        match self.ask("POST", f"/api/backup/restore{asked}", manifest_document(manifest)):
            case {"phase": str(phase)}:
                return phase
            case other:
                raise _not_understood(other)

    def write(self, archive: str, entries: Sequence[Entry]) -> None:
        """Write entries of the archive."""
        body = {"archive": archive, "entries": [entry_document(entry) for entry in entries]}
        self.ask("POST", "/api/backup/restore/entries", body)

    def wake(self, archive: str, after: str) -> WokenPage:
        """Wake some of what was written."""
        body = {"archive": archive, **({"after": after} if after else {})}
        match self.ask("POST", "/api/backup/restore/wake", body):
            case {"woken": int(count), "next": None | str() as following, "unread": list(unread)}:
                return WokenPage(count, following or "", tuple(map(str, unread)))
            case other:
                raise _not_understood(other)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of the answer. Raises `ServiceError` for a no, and when nothing came of several tries."""
        pause = self.pause_seconds
        for number in range(1, self.tries + 1):
            try:
                return self._exchange(method, path, body)
            except _LaterError as later:
                if number == self.tries:
                    raise ServiceError(f"{later}; tried {self.tries} times") from later
                wait = min(max(pause, later.after_seconds), LONGEST_PAUSE_SECONDS)
                if wait >= TOLD_FROM_SECONDS:
                    remark(f"{later}; trying again in {wait:g} s")
                time.sleep(wait)
                pause *= 2
        raise AssertionError("the last try returns or raises")

    def _exchange(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode("ascii")
        headers = {"X-API-Key": self.key, "Accept": "application/json", "Content-Type": "application/json"}
        try:
            answer = exchange(
                method,
                f"{self.url}{path}",
                Deadline(TIMEOUT_SECONDS),
                headers=headers,
                body=data,
                most_bytes=LONGEST_ANSWER,
            )
        except TryLaterError as error:
            raise _LaterError(f"no answer from {error}") from error
        if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise _refusal(answer)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise ServiceError(f"{self.url} answers with something that is no JSON: is this a Slipway?") from error


def service(url: str | None) -> Service:
    """Return the Slipway that the command line or the environment names. Raises `ServiceError` with the fix."""
    address = (url or os.environ.get(URL_SETTING, "")).rstrip("/")
    key = os.environ.get(KEY_SETTING, "")
    if not address:
        raise ServiceError(f"say where Slipway is: --url, or {URL_SETTING} in the environment")
    if not _is_safe(address):
        raise ServiceError(f"{address}: allowed is https://HOST, for a key goes with each request, or http://localhost")
    if not key:
        raise ServiceError(f"put an operator's key into {KEY_SETTING} in the environment")
    return Service(address, key)


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        return False


class _LaterError(Exception):
    """The same may go well in a moment."""

    def __init__(self, message: str, after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


def _refusal(answer: Answer) -> Exception:
    text = f"Slipway answers {answer.status} {_detail(answer)}".strip()
    if answer.status in _LATER:
        return _LaterError(text, read_retry_after(answer.header("Retry-After")) or 0.0)
    return ServiceError(text)


def _detail(answer: Answer) -> str:
    try:
        match json.loads(answer.body):
            case {"title": str(title), "detail": str(detail)}:
                return f"{title}: {detail}"
            case {"title": str(title)}:
                return title
    except (ValueError, RecursionError):
        pass
    return ""


def _entry(value: Any) -> Entry:
    try:
        return parse_entry(value)
    except InvalidError as error:
        raise ServiceError(f"an entry is not what this release reads: {error}") from error


def _not_understood(answer: Any) -> ServiceError:
    return ServiceError(f"an answer is not what this release reads: {str(answer)[:200]}")
