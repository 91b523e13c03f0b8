"""A lean HTTP/1.1 client for one loopback server whose answers always carry Content-Length.

It carries the hop from the edge to a slot's process and the load generator's requests: both need thousands of
exchanges a second on a fraction of a core, and both know the server on the other side.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response; header names as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


def encode_request(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """Return the bytes of a request. `headers` must not contain Content-Length."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + _HEAD_END + body


class _Connection(asyncio.Protocol):
    """One connection, one exchange at a time."""

    def __init__(self) -> None:
        self.open = True
        self._buffer = bytearray()
        self._bodiless = False
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            answer = self._take_answer()
        except ValueError as error:
            self._fail(ConnectionError(f"not an answer this client can read: {error}"))
            return
        if answer is not None and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the server closed the connection"))

    async def exchange(self, request: bytes, *, bodiless: bool) -> Answer:
        if self._transport is None:
            raise ConnectionError("the connection was never made")
        self._bodiless = bodiless
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.close()

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def _take_answer(self) -> Answer | None:
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("utf-8", "surrogateescape").split("\r\n")
        headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        status, length = int(first.split(" ", 2)[1]), _content_length(headers)
        size = 0 if self._bodiless or status in (204, 304) else length
        start = end + len(_HEAD_END)
        if len(self._buffer) < start + size:
            return None
        body = bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return Answer(status, headers, body)


def _content_length(headers: tuple[tuple[str, str], ...]) -> int:
    for name, value in headers:
        match name.lower():
            case "content-length":
                return int(value)
            case "transfer-encoding":
                raise ValueError(f"transfer-encoding {value}")
    return 0


class KeepAliveClient:
    """Exchanges requests with one server, over as many kept connections as are needed at once."""

    def __init__(self, port: int, *, timeout: float) -> None:
        self._port = port
        self._timeout = timeout
        self._idle: list[_Connection] = []
        self._closed = False

    async def exchange(self, request: bytes, *, bodiless: bool = False) -> Answer:
        """Send the bytes of a request and return the answer. `bodiless` says that it is a HEAD.

        Raises `OSError` when there is no complete answer, `TimeoutError` (one too) when none came in time.
        """
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(self._timeout):
                connection = self._take_idle() or await self._connect()
                answer = await connection.exchange(request, bodiless=bodiless)
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        self._put_back(connection, answer)
        return answer

    def close(self) -> None:
        """Close the idle connections now and the others after their exchange."""
        self._closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _put_back(self, connection: _Connection, answer: Answer) -> None:
        if self._closed or not connection.open or (answer.header("Connection") or "").lower() == "close":
            connection.close()
        else:
            self._idle.append(connection)

    def _take_idle(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return connection
