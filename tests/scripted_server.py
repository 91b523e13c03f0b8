"""An HTTP server on loopback that answers by a script, or misbehaves by one, and remembers what it was asked."""

import json
import socket
import ssl
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    target: str
    """Path and query as they came."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Say:
    """One answer: a document as JSON, or bytes as they are."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer until the server stops."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The connection is closed without an answer."""


@dataclass(frozen=True, slots=True)
class Drip:
    """An answer that goes on for 5 seconds, a byte every 50 ms."""


Step = Say | Silence | HangUp | Drip


@dataclass(slots=True)
class ScriptedServer:
    """Meets each request with the next step of its script; the last step stays."""

    url: str
    script: deque[Step] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]

    def play(self, *steps: Step) -> None:
        """Begin a new script, with nothing asked so far."""
        self.script = deque(steps)
        self.asked.clear()

    def next_step(self) -> Step:
        return self.script.popleft() if len(self.script) > 1 else self.script[0]


@contextmanager
def scripted_server(*steps: Step, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Run a server on a free port, with TLS where a context with a certificate is given."""
    server = ScriptedServer("", deque(steps))
    listener = _Listener(("127.0.0.1", 0), _handler(server))
    if tls is not None:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        listener.shutdown()
        listener.server_close()
        thread.join()


def closed_port() -> int:
    """Return a port that refuses connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class _Listener(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up is part of many a script.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            names = {name.lower(): value for name, value in self.headers.items()}
            server.asked.append(Asked(self.command, self.path, names, body))
            match server.next_step():
                case Say() as say:
                    self._say(say)
                case Silence():
                    server.over.wait(30)
                    self.close_connection = True
                case HangUp():
                    self.close_connection = True
                case Drip():
                    self._drip()

        do_GET = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815

        def _say(self, say: Say) -> None:
            content = say.content()
            self.send_response(say.status)
            kind = "application/json"
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **say.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _drip(self) -> None:
            self.close_connection = True
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                for _ in range(100):
                    self.wfile.write(b"a")
                    if server.over.wait(0.05):
                        break
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            return

    return Handler
