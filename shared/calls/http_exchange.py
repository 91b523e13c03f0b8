"""One HTTP exchange on the standard library: within a deadline, however slowly the other side drips, and bounded.

Redirects are never followed here; cookies and proxies are unknown.
"""

import http.client
import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, quote, urlsplit

from shared.calls.deadline import Deadline
from shared.domain.errors import TryLaterError

_PORTS = {"https": 443, "http": 80}
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    """At most as many bytes as were asked for."""
    cut: bool
    """Whether there was more."""

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def exchange(
    method: str,
    url: str,
    deadline: Deadline,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    most_bytes: int = 0,
    trust: ssl.SSLContext | None = None,
) -> Answer:
    """Return the answer with the first `most_bytes` of its body. `url` is absolute, http or https.

    `trust` says whose certificates are good; without it those that the system trusts.

    Raises `TryLaterError` when there is no answer. Its message names the host, and nothing else of the URL.
    """
    parts = urlsplit(url)
    try:
        named = {"Host": parts.netloc.rpartition("@")[2], **headers}
        return _exchange(method, parts, deadline, named, body, most_bytes, trust)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TryLaterError(f"{parts.hostname}: {_reason(error)}") from error


def _exchange(
    method: str,
    parts: SplitResult,
    deadline: Deadline,
    headers: Mapping[str, str],
    body: bytes | None,
    most_bytes: int,
    trust: ssl.SSLContext | None,
) -> Answer:
    host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    if not host:
        raise ValueError("no host")
    connection = http.client.HTTPConnection(host, port)
    with _connect(host, port, deadline) as plain:
        connected = _encrypt(plain, host, deadline, trust) if parts.scheme == "https" else plain
        with connected:
            # http.client asks for no more of a socket than what this one has.
            connection.sock = _BoundedSocket(connected, deadline)
            connection.putrequest(method, _target(parts), skip_host=True, skip_accept_encoding=True)
            for name, value in {**headers, "Connection": "close"}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return _read(connection.getresponse(), most_bytes)


def _read(response: http.client.HTTPResponse, most_bytes: int) -> Answer:
    body = response.read(most_bytes + 1) if most_bytes else b""
    return Answer(
        status=response.status, headers=tuple(response.getheaders()), body=body[:most_bytes], cut=len(body) > most_bytes
    )


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    return f"{path}?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else path


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(min(deadline.left(), _CONNECT_SECONDS))
            connected.connect(address)
        except OSError as error:
            connected.close()
            failure = error
        except BaseException:
            connected.close()
            raise
        else:
            return connected
    raise failure or OSError("no address")


def _encrypt(plain: socket.socket, host: str, deadline: Deadline, trust: ssl.SSLContext | None) -> socket.socket:
    plain.settimeout(deadline.left())
    return (trust or _trust()).wrap_socket(plain, server_hostname=host)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


class _BoundedSocket:
    """A socket whose every step has only the time that the deadline leaves."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._deadline.left())
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self._socket, self._deadline))

    def close(self) -> None:
        """Leave the closing to whoever opened the socket."""


class _BoundedReader(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        self._socket.settimeout(self._deadline.left())
        return self._socket.recv_into(buffer)


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "the connection was refused"
        case http.client.RemoteDisconnected() | ConnectionError():
            return "the connection broke off"
        case _:
            return f"no answer that can be read ({type(error).__name__})"
