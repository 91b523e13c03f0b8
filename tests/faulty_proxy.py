"""An HTTP proxy before a service that misbehaves on demand, so that a test can lose a reply at will."""

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Forward = Callable[[], Reply]


@dataclass(slots=True)
class FaultyProxy:
    """Forwards to a port on loopback; each request takes the next planned fault, if there is one."""

    upstream: int
    port: int = 0
    requests: list[str] = field(default_factory=list)
    """Method and path of each request that arrived."""
    faults: deque[Callable[[Forward], Reply | None]] = field(default_factory=deque)

    def plan(self, *faults: Callable[[Forward], Reply | None]) -> None:
        """Let the next requests meet these faults, one each."""
        self.faults.extend(faults)


def no_fault(forward: Forward) -> Reply | None:
    return forward()


def lose_the_reply(forward: Forward) -> Reply | None:
    """The service does its work, and the connection breaks before the answer."""
    forward()
    return None


def lose_the_request(forward: Forward) -> Reply | None:
    """The connection breaks before the service has seen anything."""
    return None


def cut_the_reply(forward: Forward) -> Reply | None:
    """The service does its work, and the connection breaks in the middle of the answer."""
    reply = forward()
    headers = (*reply.headers, ("Content-Length", str(len(reply.body) + 100)), ("Connection", "close"))
    return Reply(reply.status, headers, reply.body[: len(reply.body) // 2])


def stall(seconds: float) -> Callable[[Forward], Reply | None]:
    """The service does its work at once, and the answer comes late."""

    def fault(forward: Forward) -> Reply | None:
        reply = forward()
        time.sleep(seconds)
        return reply

    return fault


def answer(status: int, **headers: str) -> Callable[[Forward], Reply | None]:
    """The service has seen nothing; something before it answers."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())

    def fault(forward: Forward) -> Reply | None:
        return Reply(status, (*pairs, ("Content-Length", "0")), b"")

    return fault


@contextmanager
def faulty_proxy(upstream: int) -> Iterator[FaultyProxy]:
    proxy = FaultyProxy(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(proxy))
    server.daemon_threads = True
    proxy.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler_for(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            proxy.requests.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            fault = proxy.faults.popleft() if proxy.faults else no_fault
            reply = fault(lambda: self.forward(body))
            if reply is None:
                self.close_connection = True
                self.connection.close()
                return
            self.reply_with(reply)

        do_GET = do_POST = do_PUT = do_DELETE = handle_request  # noqa: N815

        def forward(self, body: bytes) -> Reply:
            upstream = http.client.HTTPConnection("127.0.0.1", proxy.upstream, timeout=30)
            try:
                upstream.request(self.command, self.path, body, dict(self.headers))
                answered = upstream.getresponse()
                content = answered.read()
                kept = tuple(
                    (name, value)
                    for name, value in answered.getheaders()
                    if name.lower() not in ("transfer-encoding", "connection", "content-length", "keep-alive")
                )
                return Reply(answered.status, kept, content)
            finally:
                upstream.close()

        def reply_with(self, reply: Reply) -> None:
            names = {name.lower() for name, _ in reply.headers}
            self.send_response_only(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if "content-length" not in names:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            with suppress(OSError):  # the client may have hung up meanwhile
                self.wfile.write(reply.body)
            self.close_connection = ("Connection", "close") in reply.headers

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent: the test says what went wrong."""

    return Handler
