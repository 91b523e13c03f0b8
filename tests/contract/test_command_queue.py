"""What every queue promises, on the embedded broker and on Service Bus over real AMQP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.errors import InvalidError
from shared.ports.command_queue import WakeUp
from shared.wire.wake_ups import parse_wake_up
from tests.amqp_broker import BrokerProcess
from tests.contract.hasty_sdk import hasten
from tests.contract.queue_rigs import (
    DUPLICATE_WINDOW,
    LOCK,
    MAX_DELIVERIES,
    LockLost,
    MemoryRig,
    Receiver,
    Rig,
    ServiceBusRig,
    SqliteRig,
)

SECOND = timedelta(seconds=1)
SHOP = WakeUp(key="application:shop", fence="f-1", attempt=2, marker="m-1")


def wake_up(fence: str, key: str = "application:shop") -> WakeUp:
    return WakeUp(key=key, fence=fence)


@pytest.fixture(scope="module")
def amqp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    process = BrokerProcess(
        tmp_path_factory.mktemp("amqp") / "queue.db",
        *("--lock-seconds", str(LOCK.total_seconds())),
        *("--max-delivery-count", str(MAX_DELIVERIES)),
        *("--duplicate-seconds", str(DUPLICATE_WINDOW.total_seconds())),
    )
    process.start()
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield process
    process.close()


@pytest.fixture(params=["sqlite", "memory", "service bus"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    if request.param == "service bus":
        made = ServiceBusRig(request.getfixturevalue("amqp"))
    else:
        made = MemoryRig(tmp_path) if request.param == "memory" else SqliteRig(tmp_path)
    yield made
    made.close()


def session_of(rig: Rig) -> Receiver:
    receiver = rig.next_session()
    assert receiver is not None
    return receiver


def fences_of(receiver: Receiver) -> list[str]:
    """Receive and complete all that is there."""
    fences = []
    while (message := receiver.receive()) is not None:
        fences.append(parse_wake_up(message.body).fence)
        receiver.complete(message)
    return fences


def test_a_wake_up_arrives_whole_in_the_session_of_its_aggregate(rig):
    rig.queue.send(SHOP)

    receiver = session_of(rig)
    message = receiver.receive()
    assert receiver.session == message.session == "application:shop"
    assert parse_wake_up(message.body) == SHOP
    assert message.delivery_count == 1


def test_a_wake_up_that_breaks_the_limits_is_not_sent(rig):
    with pytest.raises(InvalidError, match="key"):
        rig.queue.send(wake_up("f", key="k" * 129))
    assert rig.next_session() is None


def test_two_equal_wake_ups_are_two_messages(rig):
    rig.queue.send(SHOP)
    rig.queue.send(SHOP)

    assert fences_of(session_of(rig)) == ["f-1", "f-1"]


def test_a_session_gives_its_messages_in_order_and_one_at_a_time(rig):
    for fence in ("1", "2", "3"):
        rig.queue.send(wake_up(fence))

    receiver = session_of(rig)
    first = receiver.receive()
    assert receiver.receive() is None
    assert rig.next_session() is None

    receiver.complete(first)
    assert fences_of(receiver) == ["2", "3"]


def test_an_abandoned_message_keeps_its_place_in_the_session(rig):
    for fence in ("1", "2"):
        rig.queue.send(wake_up(fence))

    receiver = session_of(rig)
    receiver.abandon(receiver.receive())

    again = receiver.receive()
    assert (parse_wake_up(again.body).fence, again.delivery_count) == ("1", 2)
    receiver.complete(again)
    assert fences_of(receiver) == ["2"]


def test_different_sessions_are_open_side_by_side(rig):
    rig.queue.send(wake_up("1", key="application:shop"))
    rig.queue.send(wake_up("2", key="application:till"))

    one, other = session_of(rig), session_of(rig)
    assert {one.session, other.session} == {"application:shop", "application:till"}
    assert sorted(parse_wake_up(receiver.receive().body).fence for receiver in (one, other)) == ["1", "2"]


def test_a_session_that_is_given_back_keeps_its_unsettled_message_uncounted(rig):
    rig.queue.send(SHOP)

    receiver = session_of(rig)
    receiver.receive()
    receiver.close()

    assert session_of(rig).receive().delivery_count == 1


def test_a_session_whose_lock_runs_out_goes_to_the_next_with_a_higher_delivery_count(rig):
    rig.queue.send(SHOP)
    receiver = session_of(rig)
    message = receiver.receive()

    rig.advance(LOCK + SECOND)

    assert session_of(rig).receive().delivery_count == 2
    with pytest.raises(LockLost):
        receiver.complete(message)


def test_a_renewed_session_stays_locked(rig):
    rig.queue.send(SHOP)
    receiver = session_of(rig)
    message = receiver.receive()

    for _ in range(3):
        rig.advance(LOCK - SECOND)
        receiver.renew(message)

    assert rig.next_session() is None
    receiver.complete(message)


def test_a_scheduled_wake_up_waits_for_its_time(rig):
    rig.queue.send(wake_up("later"), at=rig.now() + timedelta(minutes=5))
    assert rig.next_session() is None

    rig.advance(timedelta(minutes=4, seconds=50))
    assert rig.next_session() is None

    rig.advance(timedelta(seconds=10))
    assert fences_of(session_of(rig)) == ["later"]


def test_scheduled_wake_ups_come_in_the_order_of_their_times(rig):
    rig.queue.send(wake_up("second"), at=rig.now() + timedelta(minutes=2))
    rig.queue.send(wake_up("first"), at=rig.now() + timedelta(minutes=1))

    rig.advance(timedelta(minutes=3))
    rig.queue.send(wake_up("third"))

    assert fences_of(session_of(rig)) == ["first", "second", "third"]


def test_a_time_in_the_past_means_now(rig):
    rig.queue.send(wake_up("late"), at=rig.now() - timedelta(days=1))

    assert fences_of(session_of(rig)) == ["late"]


def test_a_scheduled_message_can_be_cancelled_before_its_time_and_not_after(rig):
    early = rig.send(b"early", message_id="1", at=rig.now() + timedelta(minutes=1))
    late = rig.send(b"late", message_id="2", at=rig.now() + timedelta(minutes=1))

    assert rig.cancel(early)
    rig.advance(timedelta(minutes=2))

    assert not rig.cancel(late)
    receiver = rig.receiver()
    assert receiver.receive().body == b"late"
    assert receiver.receive() is None


def test_a_message_whose_lock_runs_out_is_there_again_with_a_higher_delivery_count(rig):
    rig.send(b"slow", message_id="1")
    receiver = rig.receiver()
    message = receiver.receive()
    assert receiver.receive() is None

    rig.advance(LOCK + SECOND)

    again = receiver.receive()
    assert (again.body, again.delivery_count) == (b"slow", 2)
    with pytest.raises(LockLost):
        receiver.complete(message)


def test_a_renewed_message_stays_locked(rig):
    rig.send(b"slow", message_id="1")
    receiver = rig.receiver()
    message = receiver.receive()

    rig.advance(LOCK - SECOND)
    receiver.renew(message)
    rig.advance(LOCK - SECOND)

    assert receiver.receive() is None
    receiver.complete(message)


def test_a_second_message_with_the_same_id_is_lost_within_the_window_and_not_after(rig):
    rig.send(b"first", message_id="same")
    rig.send(b"lost", message_id="same")
    rig.send(b"lost, though scheduled", message_id="same", at=rig.now() + SECOND)
    rig.advance(DUPLICATE_WINDOW - 30 * SECOND)
    rig.send(b"lost, though the first is old", message_id="same")
    rig.advance(30 * SECOND)
    rig.send(b"heard again", message_id="same")

    receiver = rig.receiver()
    bodies = []
    while (message := receiver.receive()) is not None:
        bodies.append(message.body)
        receiver.complete(message)
    assert bodies == [b"first", b"heard again"]


def test_a_message_that_is_never_completed_is_dead_lettered_after_the_last_delivery(rig):
    rig.queue.send(SHOP)
    receiver = session_of(rig)
    for _ in range(MAX_DELIVERIES):
        receiver.abandon(receiver.receive())

    assert receiver.receive() is None
    dead = rig.dead_letters(rig.commands).receive()
    assert parse_wake_up(dead.body) == SHOP
    assert dead.reason == "MaxDeliveryCountExceeded"


def test_a_message_whose_last_lock_runs_out_is_dead_lettered(rig):
    rig.send(b"poison", message_id="1")
    receiver = rig.receiver()
    for _ in range(MAX_DELIVERIES):
        assert receiver.receive() is not None
        rig.advance(LOCK + SECOND)

    assert receiver.receive() is None
    assert rig.dead_letters(rig.plain).receive().body == b"poison"


def test_a_message_is_dead_lettered_by_hand_with_a_reason_and_drained_from_there(rig):
    rig.send(b"odd", message_id="1")
    receiver = rig.receiver()
    receiver.dead_letter(receiver.receive(), "unknown command", "no release knows judge-step/9")

    assert receiver.receive() is None
    drain = rig.dead_letters(rig.plain)
    dead = drain.receive()
    assert (dead.body, dead.reason) == (b"odd", "unknown command")
    assert dead.description == "no release knows judge-step/9"
    drain.complete(dead)
    assert drain.receive() is None


def test_messages_outlive_a_restart_of_the_broker(rig):
    rig.queue.send(wake_up("now"))
    rig.queue.send(wake_up("later"), at=rig.now() + timedelta(minutes=1))
    rig.send(b"seen", message_id="same")

    rig.restart()
    rig.send(b"still a duplicate", message_id="same")
    rig.queue.send(wake_up("after"))
    rig.advance(timedelta(minutes=2))

    assert fences_of(session_of(rig)) == ["now", "after", "later"]
    receiver = rig.receiver()
    assert receiver.receive().body == b"seen"
    assert receiver.receive() is None
