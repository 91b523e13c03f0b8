"""The embedded store and queue: SQLite on this machine's disk, every write on the disk before it is answered."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry
from tests.bench.measurement import Measurement, summarize, timed

COMMITS = 2000
LOADS = 10_000
MESSAGES = 1000
KEY = "application:shop"
STATE_BYTES = 8_000
"""About what an application in the middle of a rollout comes to."""


def measure(folder: Path) -> Iterator[Measurement]:
    """Measure commits, loads, acceptances, and messages sent and received."""
    folder.mkdir()
    store = SqliteRolloutStore(Database(folder / "store.db"))
    state = "x" * STATE_BYTES
    etags = [store.commit(Change(key=KEY, etag=None, document=state))]

    def commit(number: int) -> None:
        history = (HistoryEntry(number, "y" * 500),)
        etags.append(store.commit(Change(key=KEY, etag=etags[-1], document=state, history=history)))

    def accept(number: int) -> None:
        entry = InboxEntry(f"command-{number}", "z" * 300, datetime.now(UTC))
        store.accept(f"application:other-{number}", entry.command_id, "rollout", entry)

    size = f"state of {STATE_BYTES // 1000} KB and one line of history"
    numbers = range(1, COMMITS + 1)
    yield summarize("commit to the SQLite store", timed(lambda n=n: commit(n) for n in numbers), note=size)
    yield summarize("load from the SQLite store", timed(lambda: store.load(KEY) for _ in range(LOADS)), note=size)
    yield summarize("accept a fact into an inbox", timed(lambda n=n: accept(n) for n in numbers))
    yield _messages(folder)


def _messages(folder: Path) -> Measurement:
    broker = SqliteBroker(folder / "queue.db", now=lambda: datetime.now(UTC))
    broker.declare("commands", sessions=True)

    def send_and_receive() -> None:
        broker.send("commands", b'{"key": "application:shop"}', message_id=uuid4().hex, session_id=KEY)
        session = broker.accept_next_session("commands", "bench")
        delivery = broker.receive("commands", session=session, owner="bench")
        assert delivery is not None
        broker.complete(delivery)
        broker.release_session("commands", KEY, "bench")

    took = timed(send_and_receive for _ in range(MESSAGES))
    broker.close()
    return summarize("send, receive and complete a message", took, note="with a session taken and released")
