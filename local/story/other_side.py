"""The other side of a story's hooks: a small server that believes signed calls only, works a while, and calls back.

It also takes the pages that are meant for people on duty.
"""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.json_calls import NoAnswerError, exchange

MOST_SECONDS_OFF = 300
PAGER = "/pager"


@dataclass(slots=True)
class Called:
    """One call, by the id that stays the same however often it is made."""

    id: str
    hook: str
    version: str
    began: datetime
    times: int = 1
    ended: datetime | None = None
    """When it was done; None until its result was taken."""


@dataclass(slots=True)
class OtherSide:
    """What was called and paged. Each hook takes `work_seconds` after its answer, 202."""

    key: str
    work_seconds: float
    url: str = ""
    calls: dict[str, Called] = field(default_factory=dict)
    pages: list[tuple[datetime, str]] = field(default_factory=list)
    refused: int = 0
    """Calls and pages that were not signed with the key."""
    troubles: list[str] = field(default_factory=list)
    """What went wrong when it called back."""

    def called(self, hook: str, version: str) -> Called | None:
        """Return the call of a hook for a version, if it was made."""
        return next((each for each in self.calls.values() if (each.hook, each.version) == (hook, version)), None)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> HTTPStatus:
        """Answer one request."""
        signed = (
            body if path == PAGER else f"{headers['X-Slipway-Timestamp']}.{headers['X-Slipway-Id']}.".encode() + body
        )
        if not self._is_signed(headers, signed, is_dated=path != PAGER):
            self.refused += 1
            return HTTPStatus.UNAUTHORIZED
        document = json.loads(body)
        if path == PAGER:
            self.pages.append((datetime.now(UTC), document["text"]))
            return HTTPStatus.NO_CONTENT
        if known := self.calls.get(document["id"]):
            known.times += 1
        else:
            self._begin(document)
        return HTTPStatus.ACCEPTED

    def _begin(self, document: Any) -> None:
        call = Called(document["id"], document["hook"], document["version"], datetime.now(UTC))
        self.calls[call.id] = call
        threading.Thread(target=self._work, args=(call, document["callback"]), daemon=True).start()

    def _work(self, call: Called, callback: str) -> None:
        """Work, tell once how far it is, then what it came to."""
        time.sleep(self.work_seconds / 2)
        self._call_back(call, callback, {"status": "running", "progress": "1 of 2 tables"})
        time.sleep(self.work_seconds / 2)
        done = datetime.now(UTC)
        if self._call_back(call, callback, {"status": "succeeded", "detail": "2 of 2 tables"}):
            call.ended = done

    def _call_back(self, call: Called, callback: str, said: Mapping[str, str]) -> bool:
        body = json.dumps(said).encode()
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Slipway-Timestamp": timestamp,
            "X-Slipway-Signature": self._sign(f"{timestamp}.{call.id}.".encode() + body),
        }
        try:
            answer = exchange("POST", callback, body=body, headers=headers)
        except NoAnswerError as error:
            self.troubles.append(str(error))
            return False
        if answer.status != HTTPStatus.ACCEPTED:
            self.troubles.append(f"a callback of {call.hook} was answered {answer.status}: {answer.body}")
        return answer.status == HTTPStatus.ACCEPTED

    def _is_signed(self, headers: Mapping[str, str], signed: bytes, *, is_dated: bool) -> bool:
        is_same = hmac.compare_digest(self._sign(signed), headers.get("X-Slipway-Signature") or "")
        return is_same and (not is_dated or abs(time.time() - int(headers["X-Slipway-Timestamp"])) <= MOST_SECONDS_OFF)

    def _sign(self, content: bytes) -> str:
        return f"sha256={hmac.new(self.key.encode(), content, hashlib.sha256).hexdigest()}"


@contextmanager
def answering(side: OtherSide) -> Iterator[OtherSide]:
    """Answer on a free port of loopback while inside."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(side.take(self.path, {name: self.headers[name] for name in self.headers}, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing: the terminal is the story's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    side.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield side
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
