"""A running Slipway over HTTP, with an operator's key."""

import argparse
import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
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
from shared.wire.problems import NEWER

URL_SETTING: Final = "SLIPWAY_URL"
KEY_SETTING: Final = "SLIPWAY_KEY"
TIMEOUT_SECONDS: Final = 60.0
LEAST_TIMEOUT_SECONDS: Final = 30.0
"""However little is left of the wait, who accepts gets so long for a first answer: an app that was scaled to nothing
has to start for it."""
WAIT_SECONDS: Final = 10.0
TRIES: Final = 8
LONGEST_PAUSE_SECONDS: Final = 60.0
TOLD_FROM_SECONDS: Final = 2.0
"""A pause of so long is told, so that nobody wonders what is waited for."""
LONGEST_ANSWER: Final = 64 * 1024 * 1024
_LATER: Final = frozenset({429, 500, 502, 503, 504})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS: Final = {"https": 443, "http": 80}


class ServiceError(Exception):
    """Slipway cannot be asked, or said no; the text says what, and the fix where there is one."""


@dataclass(slots=True)
class Service:
    """Asks again when the other side is unwell or does not answer: everything that is asked here may be repeated.

    Who has never answered is perhaps not there at all, so a person is told soon.
    """

    url: str
    key: str
    pause_seconds: float = 1.0
    """Before the second try; twice as long before each further one."""
    tries: int = TRIES
    wait_seconds: float = WAIT_SECONDS
    """How long a first answer is waited for."""
    _has_answered: bool = field(default=False, init=False)

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
        began, pause, number = time.monotonic(), self.pause_seconds, 0
        while True:
            had_answered = self._has_answered
            try:
                return self._exchange(method, path, body, self._time_out(began))
            except _LaterError as later:
                if self._has_answered and not had_answered:
                    pause, number = self.pause_seconds, 0  # it is there now: what was waited before does not count
                number += 1
                wait = min(max(pause, later.after_seconds), LONGEST_PAUSE_SECONDS)
                if not self._has_answered:
                    wait = min(wait, self._left(began))
                self._check_patience(later, number, wait, began)
                time.sleep(wait)
                pause *= 2

    def _left(self, began: float) -> float:
        """Return how many seconds a first answer is still waited for."""
        return began + self.wait_seconds - time.monotonic()

    def _time_out(self, began: float) -> float:
        """Return how many seconds one try may take: who accepts and stays silent starts, or is no Slipway at all."""
        if self._has_answered:
            return TIMEOUT_SECONDS
        return min(TIMEOUT_SECONDS, max(LEAST_TIMEOUT_SECONDS, self._left(began)))

    def _check_patience(self, later: "_LaterError", number: int, wait: float, began: float) -> None:
        """Say what is waited for before the next try. Raises `ServiceError` where there is none."""
        if self._has_answered and number >= self.tries:
            raise ServiceError(f"{later}; tried {number} times") from later
        if not self._has_answered and wait <= 0:
            waited = round(time.monotonic() - began, 1)
            where = f"Is {self.url} right (--url, or {URL_SETTING} in the environment)?"
            raise ServiceError(f"{later}; waited {waited:g} s. {where} --wait SECONDS waits longer") from later
        if not self._has_answered and number == 1:
            remark(f"{later}; waiting for it, at most {self.wait_seconds:g} s")
        elif wait >= TOLD_FROM_SECONDS:
            remark(f"{later}; trying again in {wait:.3g} s")

    def _exchange(self, method: str, path: str, body: Any, time_out: float) -> Any:
        data = None if body is None else json.dumps(body).encode("ascii")
        headers = {"X-API-Key": self.key, "Accept": "application/json", "Content-Type": "application/json"}
        try:
            answer = exchange(
                method,
                f"{self.url}{path}",
                Deadline(time_out),
                headers=headers,
                body=data,
                most_bytes=LONGEST_ANSWER,
            )
        except TryLaterError as error:
            raise _LaterError(_no_answer(self.url, error)) from error
        self._has_answered = True
        if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise _refusal(answer)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise ServiceError(f"{self.url} answers with something that is no JSON: is this a Slipway?") from error


def add_address(parser: argparse.ArgumentParser) -> None:
    """Add what a command asks of people to find a Slipway: `service` reads it."""
    parser.add_argument("--url", metavar="URL", help=f"where Slipway is; without it: {URL_SETTING}")
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=WAIT_SECONDS,
        help=f"how long to wait for its first answer, as of one that is being started; without it: {WAIT_SECONDS:g}",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"found {text}; allowed are seconds, 0 or more")
    return seconds


def service(url: str | None, wait_seconds: float = WAIT_SECONDS) -> Service:
    """Return the Slipway that the command line or the environment names. Raises `ServiceError` with the fix."""
    address = (url or os.environ.get(URL_SETTING, "")).rstrip("/")
    key = os.environ.get(KEY_SETTING, "")
    if not address:
        raise ServiceError(f"say where Slipway is: --url, or {URL_SETTING} in the environment")
    if not _is_safe(address):
        raise ServiceError(f"{address}: allowed is https://HOST, for a key goes with each request, or http://localhost")
    if not key:
        raise ServiceError(f"put an operator's key into {KEY_SETTING} in the environment")
    return Service(address, key, wait_seconds=wait_seconds)


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
        is_named = bool(parts.hostname) and parts.port != 0
        return is_named and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))
    except ValueError:
        return False


class _LaterError(Exception):
    """The same may go well in a moment."""

    def __init__(self, message: str, after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


def _no_answer(url: str, error: TryLaterError) -> str:
    """Say who gives no answer, with the port, which is often what is wrong, and why."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"no answer from {shown}:{parts.port or _PORTS[parts.scheme]}: {str(error).removeprefix(f'{host}: ')}"


def _refusal(answer: Answer) -> Exception:
    found = _problem(answer)
    if found.get("type") == NEWER.type:
        why = found.get("detail") or found.get("title")
        return ServiceError(f"{why}. Trying again does not help: deploy that release again, then repeat this")
    said = ": ".join(str(found[each]) for each in ("title", "detail") if isinstance(found.get(each), str))
    text = f"Slipway answers {answer.status} {said}".strip()
    if answer.status in _LATER:
        return _LaterError(text, read_retry_after(answer.header("Retry-After")) or 0.0)
    return ServiceError(text)


def _problem(answer: Answer) -> dict[str, Any]:
    """Return the problem document that came; empty where something else came."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _entry(value: Any) -> Entry:
    try:
        return parse_entry(value)
    except InvalidError as error:
        raise ServiceError(f"an entry is not what this release reads: {error}") from error


def _not_understood(answer: Any) -> ServiceError:
    return ServiceError(f"an answer is not what this release reads: {str(answer)[:200]}")
