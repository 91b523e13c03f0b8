"""What every alert queue promises, on the embedded broker and on Service Bus over real AMQP."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.wire.message_properties import attempt_in
from tests.amqp_broker import BrokerProcess
from tests.contract.alert_rigs import embedded, service_bus
from tests.contract.hasty_sdk import hasten

__all__ = ["embedded", "service_bus"]

BODY = '{"schemaId": "grüße"}'.encode()


@pytest.fixture(scope="module")
def amqp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path_factory.mktemp("amqp") / "queue.db")
    process.start()
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield process
    process.close()


@pytest.fixture(params=["embedded", "service_bus"])
def rig_and_queue(request: pytest.FixtureRequest):
    return request.getfixturevalue(request.param)


def attempt_of(message) -> int:
    """The attempt in what the broker or the SDK hands out, which has names in bytes."""
    found = getattr(message.token, "properties", None) or message.token.application_properties
    return attempt_in({name.decode() if isinstance(name, bytes) else name: _text(found[name]) for name in found})


def _text(value) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_a_body_that_is_put_back_comes_as_it_was_not_before_its_time_and_says_which_attempt_it_is(rig_and_queue):
    rig, queue = rig_and_queue
    receiver = rig.receiver()
    queue.send(BODY, attempt=3, at=rig.now() + timedelta(seconds=60))

    assert receiver.receive() is None
    rig.advance(timedelta(seconds=61))
    message = receiver.receive()

    assert (message.body, message.delivery_count, attempt_of(message)) == (BODY, 1, 3)


def test_the_same_body_put_back_twice_comes_twice(rig_and_queue):
    rig, queue = rig_and_queue
    receiver = rig.receiver()
    for attempt in (1, 2):
        queue.send(BODY, attempt=attempt, at=rig.now())

    received = [receiver.receive() for _ in range(2)]
    assert [attempt_of(message) for message in received] == [1, 2]
