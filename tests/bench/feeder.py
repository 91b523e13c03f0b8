"""Alerts from a process of their own, as Azure Monitor's come: on time, whether or not anybody takes them.

A broker commits what many producers send at one moment together; so does the feeder, which stands for all of them:
whatever came due while it was busy goes into the next commit. One alert a commit waits for the disk each time.
"""

import json
import multiprocessing
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

from shared.adapters.sqlite import broker_tables as tables
from shared.adapters.sqlite.broker_file import BrokerFile
from shared.ports.clock import Clock
from tests.functions.alerts import alert

PAUSE_SECONDS = 0.01
"""Between two commits, so that the worker gets its turns at the file."""
STARTS_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Feed:
    """An alert about each resource, evenly over so many seconds."""

    path: Path
    queue: str
    resources: Sequence[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Fed:
    """When each alert was due, and when its commit was over, by resource, as `time.monotonic` says in any process."""

    due: dict[str, float]
    stored: dict[str, float]
    commits: int


class Feeder:
    """The other process, ready to begin."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, clock: Clock) -> float:
        """Let the alerts come from now on, dated by `clock`; return the monotonic time of the first."""
        began = time.monotonic()
        self._connection.send((clock, began))
        return began

    def fed(self, patience: float) -> Fed:
        """Wait for the last alert, at most so many seconds."""
        assert self._connection.poll(patience), "the alerts are not all on the queue"
        fed: Fed = self._connection.recv()
        return fed


@contextmanager
def feeder(feed: Feed) -> Iterator[Feeder]:
    """Start the process, and end it with the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(feed, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(STARTS_WITHIN_SECONDS), "the feeder does not start"
        ours.recv()
        yield Feeder(ours)
    finally:
        ours.close()
        process.terminate()
        process.join()


def _run(feed: Feed, connection: Connection) -> None:
    file = BrokerFile(feed.path)
    connection.send("ready")
    clock, began = connection.recv()
    due = [began + feed.seconds * place / len(feed.resources) for place in range(len(feed.resources))]
    stored: dict[str, float] = {}
    commits = 0
    while len(stored) < len(due):
        time.sleep(max(PAUSE_SECONDS, due[len(stored)] - time.monotonic()))
        ready = feed.resources[len(stored) : bisect_right(due, time.monotonic())]
        _put(file, feed.queue, ready, clock)
        commits += 1
        stored |= dict.fromkeys(ready, time.monotonic())
    file.close()
    connection.send(Fed(dict(zip(feed.resources, due, strict=True)), stored, commits))


def _put(file: BrokerFile, queue: str, resources: Sequence[str], clock: Clock) -> None:
    """Store what `SqliteBroker.send` stores for each, in one commit."""
    with file.transaction() as db:
        for resource in resources:
            now, message = clock.now(), uuid4().hex
            body = json.dumps(alert(target=resource, alert_id=uuid4().hex, firedDateTime=now.isoformat())).encode()
            sequence = tables.insert_message(db, queue, body, message_id=message, session=None, due=now, properties={})
            tables.remember_id(db, queue, message, sequence, now)
