"""Runs the sample app in a host on a free port, with a broker in a file of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from local.host import FunctionsHost
from local.hosting.keys import HostKeys
from shared.adapters.sqlite.broker import SqliteBroker
from tests.functions.sample_app.function_app import app
from tests.functions.sample_app.journal import behaviour, calls

FOLDER = Path(__file__).parent / "sample_app"
KEYS = HostKeys(master="master-key", function="function-key", event_grid="system-key")
SETTINGS = {
    "COMMANDS_QUEUE": "commands",
    "EVERY": "0 0 3 * * *",
    "PYTHON_THREADPOOL_THREAD_COUNT": "6",
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleHost:
    """A running host, its broker, and a client for it."""

    host: FunctionsHost
    broker: SqliteBroker

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = HTTPConnection(urlsplit(self.host.url).netloc, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            return _read(connection.getresponse())
        finally:
            connection.close()

    def send(self, queue: str, body: bytes, *, session: str | None = None, **options) -> None:
        self.broker.send(queue, body, message_id=str(uuid4()), session_id=session, **options)


def _read(response: HTTPResponse) -> Answer:
    return Answer(
        response.status,
        {name.lower(): value for name, value in response.getheaders()},
        response.read(),
        tuple(response.headers.get_all("Set-Cookie") or ()),
    )


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def running_host(
    folder: Path,
    *,
    settings: dict[str, str] | None = None,
    lock_duration: timedelta = timedelta(seconds=30),
    max_delivery_count: int = 3,
    **options,
) -> Iterator[SampleHost]:
    calls.clear()
    behaviour.clear()
    broker = SqliteBroker(
        folder / "queue.db", now=utc_now, lock_duration=lock_duration, max_delivery_count=max_delivery_count
    )
    host = FunctionsHost(
        app,
        settings=SETTINGS | (settings or {}),
        broker=broker,
        host_json=FOLDER / "host.json",
        port=0,
        keys=KEYS,
        timer_file=folder / "timers.json",
        **options,
    )
    host.start()
    try:
        yield SampleHost(host, broker)
    finally:
        host.stop()
        broker.close()
