"""A server on loopback whose answer is the input: what adapters, and the SDKs within them, make of any bytes at all."""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

from tests.fuzz.parser import Read, of_message

ITSELF: Final = "http://answering.test"
"""Stands in an input for the server's own address, which is another one each time."""
_PATIENCE_SECONDS: Final = 5.0
_OURS: Final = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers that say where an answer ends: each lie about that would wait for time to run out."""


class Answering:
    """Answers each request, whatever it asks, with the bytes that were set last, and hangs up."""

    def __init__(self) -> None:
        self.answer = b""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, name="answering", daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            # Who hangs up before the end of an answer has seen enough of it.
            with connection, suppress(OSError):
                connection.settimeout(_PATIENCE_SECONDS)
                _take_request(connection)
                connection.sendall(self.answer)


@cache
def answering() -> Answering:
    """Return the server of this process, which runs as long as the process."""
    return Answering()


def of_response(act: Callable[[str], Any]) -> Read:
    """Return the parser of an HTTP response as it goes over the wire; `act` asks the server at the URL it is given."""

    def read(data: bytes) -> Any:
        server = answering()
        server.answer = data
        return act(server.url)

    return read


def answered(act: Callable[[str], Any]) -> Read:
    """Return the parser of the answer to `act`: headers, one of them named `status`, and a body."""

    def read(headers: Mapping[str, str], body: bytes) -> Any:
        server = answering()
        server.answer = _response(headers, body).replace(ITSELF.encode(), server.url.encode())
        return act(server.url)

    return of_message(read)


def _response(headers: Mapping[str, str], body: bytes) -> bytes:
    status = headers.get("status", "200")
    told = {name: value for name, value in headers.items() if name.lower() not in {"status", *_OURS}}
    lines = (f"{name}: {value}\r\n" for name, value in {"Content-Type": "application/json", **told}.items())
    ends = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return f"HTTP/1.1 {status} Told\r\n{''.join(lines)}{ends}".encode("utf-8", "surrogatepass") + body


def _take_request(connection: socket.socket) -> None:
    """Read a request to its end: a connection that is closed before takes the answer with it."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65_536)
        if not more:
            return
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = (line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    left = int(next(lengths, b"0")) - len(body)
    while left > 0 and (more := connection.recv(65_536)):
        left -= len(more)
