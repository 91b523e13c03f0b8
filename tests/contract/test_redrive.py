"""What the broker gave up goes to our list and from there back to its queue: embedded, and over real AMQP."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.dead_letters import SqliteDeadLetters
from shared.adapters.sqlite.open_markers import SqliteOpenMarkers
from shared.application.dead_letters import RedriveOrDiscard
from shared.application.laid_aside import LaidAside, Poison, letter_id
from shared.application.ways_back import ways_back
from shared.domain.dead_letters.decide import Redrive
from shared.domain.names import CommandId
from shared.ports.command_queue import WakeUp
from shared.wire.message_properties import why_given_up
from shared.wire.wake_ups import encode_wake_up, parse_wake_up
from tests.amqp_broker import BrokerProcess
from tests.contract.alert_rigs import embedded, service_bus
from tests.contract.hasty_sdk import hasten
from tests.contract.queue_rigs import DUPLICATE_WINDOW, MAX_DELIVERIES, Received, Rig
from tests.functions.alerts import alert

__all__ = ["embedded", "service_bus"]

ALERT = json.dumps(alert()).encode()
SHOP = WakeUp(key="application:shop", fence="f-1", marker="of a sweep long ago")


@pytest.fixture(scope="module")
def amqp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    process = BrokerProcess(
        tmp_path_factory.mktemp("amqp") / "queue.db",
        *("--max-delivery-count", str(MAX_DELIVERIES)),
        *("--duplicate-seconds", str(DUPLICATE_WINDOW.total_seconds())),
    )
    process.start()
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield process
    process.close()


class Worker:
    """What the triggers do with what comes from the queues and from their dead-letter queues."""

    def __init__(self, rig: Rig, folder: Path, alerts) -> None:
        database = Database(folder / "store.db")
        self.now = rig.now
        self.letters = SqliteDeadLetters(database)
        self.aside = LaidAside(self.letters, self)
        markers = SqliteOpenMarkers(database)
        self.dead_letters = RedriveOrDiscard(self.letters, markers, ways_back(rig.queue, alerts, self), self)

    def take_over(self, source: str, message: Received) -> str:
        """Lay aside what a dead-letter queue gives; return the letter's id."""
        why = why_given_up({"DeadLetterReason": message.reason, "DeadLetterErrorDescription": message.description})
        poison = Poison(source, message.body)
        self.aside.add(poison, why)
        return letter_id(poison)

    def redrive(self, letter: str, command: str) -> bool:
        return self.dead_letters.act(letter, Redrive(id=CommandId(command), by="alice", why="mended")).is_new


@pytest.fixture(params=["embedded", "service_bus"])
def rig_and_worker(request: pytest.FixtureRequest, tmp_path: Path):
    rig, alerts = request.getfixturevalue(request.param)
    return rig, Worker(rig, tmp_path, alerts)


def test_an_alert_that_was_given_up_goes_to_the_list_and_back_each_time_within_the_duplicate_window(rig_and_worker):
    rig, worker = rig_and_worker
    rig.send(ALERT, message_id="the-broker-knows-this-one")
    receiver = rig.receiver()
    ids, seen = set(), []
    for number in range(3):
        message = receiver.receive()
        seen.append(message.message_id)
        assert message.body == ALERT
        receiver.dead_letter(message, "Odd", f"for the time number {number}")
        dead = rig.dead_letters(rig.plain)
        given_up = dead.receive()
        ids.add(letter := worker.take_over("azure-monitor", given_up))
        dead.complete(given_up)
        dead.close()
        assert worker.redrive(letter, f"redrive {number}")
        assert not worker.redrive(letter, f"redrive {number} once more")

    assert receiver.receive().body == ALERT
    assert receiver.receive() is None
    assert (len(ids), len(set(seen))) == (1, 3)
    (kept,) = worker.letters.page(after=None, limit=10)
    assert [type(each).__name__ for each in kept.happenings] == ["Refused", "Redriven"] * 3


def test_a_wake_up_that_was_given_up_goes_to_the_list_and_back_into_the_session_of_its_aggregate(rig_and_worker):
    rig, worker = rig_and_worker
    rig.queue.send(SHOP)
    session = rig.next_session()
    session.dead_letter(session.receive(), "Odd", "nobody could read it")
    session.close()
    dead = rig.dead_letters(rig.commands)
    given_up = dead.receive()
    letter = worker.take_over("commands", given_up)
    dead.complete(given_up)

    assert worker.redrive(letter, "r1")

    session = rig.next_session()
    again = session.receive()
    assert (session.session, parse_wake_up(again.body).key) == ("application:shop", "application:shop")
    assert parse_wake_up(again.body) == WakeUp(key="application:shop", fence="f-1", attempt=1)
    assert again.message_id != given_up.message_id


def test_a_body_that_cannot_be_read_is_put_back_as_it_came_not_before_its_time(rig_and_worker):
    rig, _worker = rig_and_worker
    newer = encode_wake_up(SHOP).replace(b"wake-up/1", b"wake-up/2")
    rig.queue.put_back(newer, key=SHOP.key, attempt=1, at=rig.now() + timedelta(seconds=60))

    assert rig.next_session() is None
    rig.advance(timedelta(seconds=61))
    session = rig.next_session()
    assert (session.session, session.receive().body) == ("application:shop", newer)
