"""Service Bus triggers, fed by the real embedded broker."""

import threading
import time
from datetime import UTC, timedelta
from time import perf_counter

import azure.functions as func
import pytest

from tests.functions.sample_app.journal import behaviour, calls
from tests.functions.sample_host import running_host, utc_now


@pytest.fixture
def sample(tmp_path):
    with running_host(tmp_path) as sample:
        yield sample


def wait_until(condition, timeout=5.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.01)


def test_a_function_gets_the_message_that_microsofts_worker_gives(sample):
    before = utc_now()

    sample.broker.send("commands", b'{"n": 1}', message_id="m-1", session_id="s-1", properties={"attempt": "2"})

    (message,) = calls.wait_for("command", 1)
    assert isinstance(message, func.ServiceBusMessage)
    assert message.get_body() == b'{"n": 1}'
    assert (message.message_id, message.session_id) == ("m-1", "s-1")
    assert (message.delivery_count, message.sequence_number) == (1, 1)
    assert message.application_properties == message.user_properties == {"attempt": "2"}
    assert before <= message.enqueued_time_utc <= utc_now()
    assert message.enqueued_time_utc.tzinfo is UTC
    assert message.locked_until > utc_now()
    assert message.metadata["MessageId"] == "m-1"


def test_a_message_is_completed_when_its_function_returns(sample):
    sample.send("commands", b"x", session="s")

    calls.wait_for("command", 1)
    wait_until(lambda: sample.broker.depth("commands") == 0)


@pytest.mark.parametrize(("queue", "function", "session"), [("commands", "command", "s"), ("plain", "plain", None)])
def test_a_send_wakes_the_host_at_once(sample, queue, function, session):
    lags = []
    for number in range(12):
        time.sleep(0.03)  # so that the host has gone to sleep again
        begun = perf_counter()
        sample.send(queue, b"x", session=session)
        calls.wait_for(function, number + 1)
        lags.append(perf_counter() - begun)

    # A poller would be late each time; a busy machine is late now and then.
    assert sorted(lags)[3] < 0.02


def test_a_scheduled_message_arrives_at_its_time_and_not_before(sample):
    due = utc_now() + timedelta(seconds=0.6)

    sample.send("commands", b"x", session="s", at=due)

    calls.wait_for("command", 1)
    assert timedelta(0) <= utc_now() - due < timedelta(seconds=0.1)


def test_messages_of_a_session_are_handled_in_order_and_one_at_a_time(sample):
    running, most, order = [], [], []

    def handle(body):
        running.append(body)
        most.append(len(running))
        time.sleep(0.005)
        order.append(body)
        running.remove(body)

    behaviour.set("command", handle)
    bodies = [f"{number}".encode() for number in range(20)]
    for body in bodies:
        sample.send("commands", body, session="one")

    wait_until(lambda: len(order) == 20)
    assert order == bodies
    assert max(most) == 1


def test_as_many_sessions_as_host_json_allows_are_handled_at_once(sample):
    running, most, lock = set(), [], threading.Lock()

    def handle(body):
        with lock:
            running.add(body)
            most.append(len(running))
        time.sleep(0.15)
        with lock:
            running.discard(body)

    behaviour.set("command", handle)
    for number in range(12):
        sample.send("commands", f"{number}".encode(), session=f"s-{number}")

    calls.wait_for("command", 12)
    assert max(most) == 4


def test_an_idle_session_gives_its_place_to_another(sample):
    for number in range(4):
        sample.send("commands", b"x", session=f"s-{number}")
    calls.wait_for("command", 4)

    begun = perf_counter()
    sample.send("commands", b"x", session="another")
    calls.wait_for("command", 5)

    assert perf_counter() - begun < 1.0  # the idle time-out of the sample is 0.3 s


def test_a_function_that_raises_gets_the_message_again_until_it_is_dead_lettered(sample):
    def fail(body):
        raise RuntimeError("no")

    behaviour.set("command", fail)
    sample.send("commands", b"poison", session="s")

    messages = calls.wait_for("command", 3)
    wait_until(lambda: sample.broker.depth("commands") == 0)
    assert [message.delivery_count for message in messages] == [1, 2, 3]
    (letter,) = sample.broker.dead_letters("commands")
    assert (letter.body, letter.reason) == (b"poison", "MaxDeliveryCountExceeded")
    assert len(calls.of("command")) == 3


def test_what_follows_a_poisonous_message_of_a_session_is_still_handled(sample):
    handled = []

    def handle(body):
        if body == b"poison":
            raise RuntimeError("no")
        handled.append(body)

    behaviour.set("command", handle)
    sample.send("commands", b"poison", session="s")
    sample.send("commands", b"good", session="s")

    wait_until(lambda: handled == [b"good"])


def test_a_queue_without_sessions_is_handled_several_at_once(sample):
    together = threading.Barrier(3)
    behaviour.set("plain", lambda body: together.wait(5))
    for number in range(3):
        sample.send("plain", f"{number}".encode())

    calls.wait_for("plain", 3)
    wait_until(lambda: sample.broker.depth("plain") == 0)


def test_a_queue_without_sessions_redelivers_and_dead_letters_too(sample):
    def fail(body):
        raise RuntimeError("no")

    behaviour.set("plain", fail)
    sample.send("plain", b"poison")

    calls.wait_for("plain", 3)
    wait_until(lambda: len(sample.broker.dead_letters("plain")) == 1)


@pytest.mark.parametrize(("queue", "function", "session"), [("commands", "command", "s"), ("plain", "plain", None)])
def test_the_lock_is_renewed_while_a_function_runs(tmp_path, queue, function, session):
    with running_host(tmp_path, lock_duration=timedelta(seconds=0.5)) as sample:
        behaviour.set(function, lambda body: time.sleep(1.6))
        sample.send(queue, b"long", session=session)

        calls.wait_for(function, 1)
        wait_until(lambda: sample.broker.depth(queue) == 0)
        assert len(calls.of(function)) == 1


def test_bytes_that_are_no_text_arrive_as_the_real_host_would_damage_them(sample):
    sample.send("plain", b"\xff{}")

    (message,) = calls.wait_for("plain", 1)
    assert message.get_body() == "\ufffd{}".encode()


def test_what_a_killed_host_held_is_available_at_once(tmp_path):
    with running_host(tmp_path) as sample:
        sample.host.stop()
        sample.send("commands", b"x", session="s")
        sample.broker.accept_next_session("commands", "killed")
        assert sample.broker.receive("commands", session="s", owner="killed") is not None

    with running_host(tmp_path):
        (message,) = calls.wait_for("command", 1, timeout=2)
        assert message.delivery_count == 2


def test_an_idle_host_does_next_to_nothing(sample):
    time.sleep(0.4)
    begun = time.process_time()

    time.sleep(1.0)

    assert time.process_time() - begun < 0.05
