"""What the embedded broker promises beyond the contract: to its host, to its threads, and after a crash."""

import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.deliveries import DEAD_LETTER_SUFFIX, LockLostError
from shared.adapters.sqlite.trouble import DamagedFileError
from shared.domain.errors import RejectedError, TryLaterError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOCK = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)


class ManualClock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def broker(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteBroker]:
    broker = SqliteBroker(tmp_path / "queue.db", now=clock.now, lock_duration=LOCK, max_delivery_count=3)
    broker.declare("plain", sessions=False)
    broker.declare("commands", sessions=True)
    yield broker
    broker.close()


def send(broker: SqliteBroker, queue: str = "plain", body: bytes = b"hello", **options: object) -> int:
    return broker.send(queue, body, message_id=str(uuid.uuid4()), **options)


def test_a_delivery_says_all_that_functions_show(broker, clock):
    sequence = send(broker, "commands", session_id="application:shop", properties={"source": "alerts"})
    broker.accept_next_session("commands", "me")

    delivery = broker.receive("commands", session="application:shop", owner="me")

    assert (delivery.queue, delivery.sequence, delivery.session_id) == ("commands", sequence, "application:shop")
    assert (delivery.body, delivery.properties) == (b"hello", {"source": "alerts"})
    assert (delivery.delivery_count, delivery.enqueued, delivery.locked_until) == (1, NOON, NOON + LOCK)
    assert uuid.UUID(delivery.message_id)
    assert uuid.UUID(delivery.lock_token)


def test_a_scheduled_message_counts_as_enqueued_when_it_comes_due(broker, clock):
    send(broker, at=NOON + MINUTE)
    clock.time += 2 * MINUTE

    assert broker.receive("plain", owner="me").enqueued == NOON + MINUTE


def test_sequence_numbers_grow_and_are_not_used_again(broker):
    first = send(broker)
    broker.complete(broker.receive("plain", owner="me"))

    assert send(broker) > first


def test_names_of_queues_ignore_case(broker):
    send(broker, "PLAIN")

    assert broker.receive("Plain", owner="me").queue == "plain"


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda b: send(b, "nowhere"), "does not exist"),
        (lambda b: b.receive("nowhere", owner="me"), "does not exist"),
        (lambda b: b.declare("plain", sessions=True), "exists without sessions"),
        (lambda b: b.declare("commands", sessions=False), "exists with sessions"),
        (lambda b: b.declare("plain" + DEAD_LETTER_SUFFIX, sessions=False), "dead-letter queue"),
        (lambda b: send(b, "plain" + DEAD_LETTER_SUFFIX), "takes no messages"),
        (lambda b: send(b, "commands"), "needs one"),
        (lambda b: send(b, body=b"x" * (256 * 1024 + 1)), "at most 262144 bytes"),
        (lambda b: send(b, "commands", session_id="s" * 129), "at most 128 characters"),
        (lambda b: b.send("plain", b"", message_id=""), "needs an id"),
    ],
)
def test_what_service_bus_would_not_take_is_refused_with_the_reason(broker, act, why):
    with pytest.raises(RejectedError, match=why):
        act(broker)


def test_declaring_a_queue_again_changes_nothing(broker):
    send(broker)
    broker.declare("plain", sessions=False)

    assert broker.depth("plain") == 1


def test_a_session_is_needed_to_receive_where_the_queue_has_them(broker):
    send(broker, "commands", session_id="s")

    with pytest.raises(LockLostError):
        broker.receive("commands", owner="me")
    with pytest.raises(LockLostError):
        broker.receive("commands", session="s", owner="me")


def test_the_free_session_with_the_oldest_due_message_comes_first(broker, clock):
    send(broker, "commands", session_id="later", at=NOON + MINUTE)
    send(broker, "commands", session_id="second", at=NOON + timedelta(seconds=2))
    send(broker, "commands", session_id="first")
    clock.time += timedelta(seconds=5)

    assert [broker.accept_next_session("commands", str(n)) for n in range(3)] == ["first", "second", None]


def test_a_lost_session_cannot_be_renewed_and_releasing_it_harms_nobody(broker, clock):
    send(broker, "commands", session_id="s")
    broker.accept_next_session("commands", "old")
    clock.time += LOCK
    broker.accept_next_session("commands", "new")
    held = broker.receive("commands", session="s", owner="new")

    with pytest.raises(LockLostError):
        broker.renew_session("commands", "s", "old")
    broker.release_session("commands", "s", "old")

    broker.complete(held)
    assert broker.depth("commands") == 0


@pytest.mark.parametrize("settle", ["complete", "abandon", "release", "renew"])
def test_a_delivery_is_settled_once(broker, settle):
    send(broker)
    delivery = broker.receive("plain", owner="me")
    broker.complete(delivery)

    with pytest.raises(LockLostError):
        getattr(broker, settle)(delivery)


def test_a_released_message_is_there_again_as_though_never_delivered(broker):
    send(broker)
    broker.release(broker.receive("plain", owner="me"))

    assert broker.receive("plain", owner="me").delivery_count == 1


def test_dead_letters_keep_the_message_and_why(broker):
    sequence = send(broker, body=b"odd", properties={"source": "alerts"})
    broker.dead_letter(broker.receive("plain", owner="me"), "unknown", "no release knows it")

    (dead,) = broker.dead_letters("plain")
    assert (dead.sequence, dead.body, dead.delivery_count) == (sequence, b"odd", 1)
    assert (dead.reason, dead.description) == ("unknown", "no release knows it")
    assert dead.properties["source"] == "alerts"
    assert broker.depth("plain") == 0


def test_a_dead_letter_stays_until_it_is_completed_however_often_it_is_delivered(broker):
    send(broker)
    broker.dead_letter(broker.receive("plain", owner="me"), "unknown", "")

    for _ in range(5):
        broker.abandon(broker.receive("plain" + DEAD_LETTER_SUFFIX, owner="me"))
    last = broker.receive("plain" + DEAD_LETTER_SUFFIX, owner="me")
    with pytest.raises(RejectedError):
        broker.dead_letter(last, "again", "")
    broker.complete(last)

    assert broker.dead_letters("plain") == ()


def test_next_due_is_the_time_of_the_first_message_that_nobody_holds(broker, clock):
    assert broker.next_due("commands") is None

    send(broker, "commands", session_id="one", at=NOON + MINUTE)
    send(broker, "commands", session_id="two", at=NOON + 2 * MINUTE)
    assert broker.next_due("commands") == NOON + MINUTE

    clock.time += MINUTE
    broker.accept_next_session("commands", "me")
    assert broker.next_due("commands") == NOON + 2 * MINUTE


def test_depth_counts_what_is_due_scheduled_and_on_loan(broker):
    send(broker)
    send(broker)
    send(broker, at=NOON + MINUTE)
    broker.receive("plain", owner="me")

    assert broker.depth("plain") == 3


def test_a_waiting_host_wakes_at_once_when_a_message_is_sent(broker):
    seen = broker.revision
    sender = threading.Timer(0.05, send, (broker,))
    sender.start()

    began = time.monotonic()
    broker.wait(10, seen=seen)

    assert time.monotonic() - began < 5
    assert broker.receive("plain", owner="me") is not None
    sender.join()


def test_a_host_that_looked_before_the_message_came_does_not_sleep_through_it(broker):
    seen = broker.revision
    assert broker.receive("plain", owner="me") is None
    send(broker)

    began = time.monotonic()
    assert broker.wait(10, seen=seen) != seen
    assert time.monotonic() - began < 5


def test_a_host_that_waits_in_vain_wakes_after_its_time(broker):
    assert broker.wait(0.01) == broker.revision


def test_a_starting_host_has_at_once_what_a_killed_one_held(broker, tmp_path, clock):
    send(broker)
    send(broker, "commands", session_id="s")
    broker.receive("plain", owner="killed")
    broker.accept_next_session("commands", "killed")
    broker.receive("commands", session="s", owner="killed")

    broker.release_locks()

    assert broker.receive("plain", owner="me").delivery_count == 2
    assert broker.accept_next_session("commands", "me") == "s"
    assert broker.receive("commands", session="s", owner="me").delivery_count == 2


def test_a_message_that_kills_its_host_every_time_is_dead_lettered(broker):
    send(broker)
    for _ in range(3):
        assert broker.receive("plain", owner="killed") is not None
        broker.release_locks()

    assert broker.receive("plain", owner="me") is None
    assert broker.dead_letters("plain")[0].reason == "MaxDeliveryCountExceeded"


def test_many_threads_handle_every_message_once_and_each_session_in_order(tmp_path):
    broker = SqliteBroker(tmp_path / "queue.db", now=lambda: datetime.now(UTC))
    broker.declare("commands", sessions=True)
    handled: dict[str, list[int]] = {f"s{n}": [] for n in range(10)}
    busy: set[str] = set()
    clashes: list[str] = []

    def produce(session: str) -> None:
        for number in range(20):
            send(broker, "commands", b"%d" % number, session_id=session)

    def consume() -> None:
        while sum(map(len, handled.values())) < 200:
            seen, owner = broker.revision, str(uuid.uuid4())
            session = broker.accept_next_session("commands", owner)
            if session is None:
                broker.wait(0.05, seen=seen)
                continue
            if session in busy:
                clashes.append(session)
            busy.add(session)
            while (delivery := broker.receive("commands", session=session, owner=owner)) is not None:
                handled[session].append(int(delivery.body))
                broker.complete(delivery)
            busy.discard(session)
            broker.release_session("commands", session, owner)

    threads = [threading.Thread(target=produce, args=(session,)) for session in handled]
    threads += [threading.Thread(target=consume) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert clashes == []
    assert handled == {session: list(range(20)) for session in handled}
    assert broker.depth("commands") == 0
    broker.close()


CRASHING_HOST = """
import sys, uuid
from datetime import UTC, datetime
from shared.adapters.sqlite.broker import SqliteBroker

broker = SqliteBroker(sys.argv[1], now=lambda: datetime.now(UTC), max_delivery_count=1000)
broker.declare("in", sessions=False)
broker.declare("out", sessions=False)
broker.release_locks()
number = 0
while True:
    number += 1
    name = f"{sys.argv[2]}-{number}"
    broker.send("in", name.encode(), message_id=name)
    print("sent", name, flush=True)
    delivery = broker.receive("in", owner="host")
    broker.send("out", delivery.body, message_id=delivery.body.decode())
    broker.complete(delivery)
    print("done", delivery.body.decode(), flush=True)
"""


def test_what_was_acknowledged_survives_kill_9_at_any_moment(tmp_path):
    file, said = tmp_path / "queue.db", []
    for run in range(8):
        host = subprocess.Popen(
            [sys.executable, "-c", CRASHING_HOST, str(file), str(run)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        said.append(host.stdout.readline())
        time.sleep(0.013 * (run + 1))
        host.send_signal(signal.SIGKILL)
        said += [line for line in host.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        host.wait()
        host.stdout.close()
    sent = {line.split()[1] for line in said if line.startswith("sent")}
    done = {line.split()[1] for line in said if line.startswith("done")}

    broker = SqliteBroker(file, now=lambda: datetime.now(UTC), max_delivery_count=1000)
    broker.release_locks()
    waiting, copied = drain(broker, "in"), drain(broker, "out")
    broker.close()

    assert len(done) > 8
    assert len(waiting) == len(set(waiting))
    assert len(copied) == len(set(copied))
    assert sent <= set(waiting) | set(copied)
    assert done <= set(copied) - set(waiting)


def drain(broker: SqliteBroker, queue: str) -> list[str]:
    bodies = []
    while (delivery := broker.receive(queue, owner="test")) is not None:
        bodies.append(delivery.body.decode())
        broker.complete(delivery)
    return bodies


def test_a_file_that_another_process_keeps_locked_means_try_later(tmp_path, monkeypatch):
    import sqlite3

    monkeypatch.setattr("shared.adapters.sqlite.broker_file._BUSY_SECONDS", 0.1)
    broker = SqliteBroker(tmp_path / "queue.db", now=lambda: NOON)
    broker.declare("plain", sessions=False)
    other = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(TryLaterError, match="locked"):
        send(broker)

    other.execute("ROLLBACK")
    other.close()
    send(broker)
    assert broker.depth("plain") == 1
    broker.close()


def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path):
    file = tmp_path / "queue.db"
    file.write_bytes(b"not a database, but long enough to be read as one" * 100)

    with pytest.raises(DamagedFileError, match=r"queue\.db is damaged.*move it away"):
        SqliteBroker(file, now=lambda: NOON)
    assert file.read_bytes().startswith(b"not a database")


def test_a_file_put_in_the_place_of_a_damaged_one_is_used_at_once_with_all_queues(broker, tmp_path):
    file = tmp_path / "queue.db"
    send(broker, body=b"lost with its file")
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    (tmp_path / "new.db").write_bytes(b"garbage" * 1000)
    (tmp_path / "new.db").rename(file)
    with pytest.raises(DamagedFileError):
        send(broker)

    file.unlink()

    send(broker)
    assert broker.depth("plain") == 1
    assert broker.has_sessions("commands")


def test_a_closed_broker_means_try_later(broker):
    broker.close()

    with pytest.raises(TryLaterError, match="closed"):
        send(broker)
