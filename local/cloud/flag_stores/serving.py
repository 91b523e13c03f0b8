"""Serving a stand-in over HTTP on loopback, in a thread, with faults on order."""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

_HANGS_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read whole."""

    method: str
    path: str
    """As it is meant: percent-encoding is undone."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; `document` None means an empty body."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to the next call of a method instead of an answer."""

    method: str
    reply: Reply | None = None
    """None: the connection is closed without a word."""
    hangs: bool = False
    """No answer comes."""
    applied: bool = False
    """The call is carried out all the same."""


class StandIn(Protocol):
    """Answers calls, one at a time."""

    def answer(self, call: Call) -> Reply:
        """Return the answer; whatever it changes is changed then."""


@dataclass(slots=True)
class Served:
    """A stand-in that is being served."""

    url: str
    calls: list[Call] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    """Each hits one call, in their order."""
    meddle: Callable[[Call], None] = lambda _call: None
    """What somebody else does after a call was carried out, and before it is answered."""
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def methods(self) -> list[str]:
        """Return the methods that were called, and forget the calls."""
        methods = [call.method for call in self.calls]
        self.calls.clear()
        return methods


@contextmanager
def served(stand_in: StandIn, port: int = 0) -> Iterator[Served]:
    """Serve a stand-in; a port of 0 means a free one."""
    state = Served("")
    listener = _Listener(("127.0.0.1", port), _handler(stand_in, state))
    state.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        state.over.set()
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Listener(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(stand_in: StandIn, state: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            call = Call(
                method=self.command,
                path=unquote(parts.path),
                query={name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            with state.lock:
                state.calls.append(call)
                hit = next((each for each in state.troubles if each.method == call.method), None)
                if hit is not None:
                    state.troubles.remove(hit)
                reply = stand_in.answer(call) if hit is None or hit.applied else None
                state.meddle(call)
            if hit is not None and hit.hangs:
                state.over.wait(_HANGS_SECONDS)
            if hit is not None:
                reply = hit.reply
            if reply is None:
                self.close_connection = True
                return
            self._say(reply)

        do_GET = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def _say(self, reply: Reply) -> None:
            content = b"" if reply.document is None else json.dumps(reply.document).encode()
            self.send_response(reply.status)
            headers = {"Content-Type": reply.content_type, "Content-Length": str(len(content)), **reply.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    return Handler
